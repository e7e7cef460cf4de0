// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "permanent/dropin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * ExecCondition= runs before all commands of the unit, also before those that its own file has as ExecStartPre=. Of its
 * exit statuses 1 to 254 would skip the unit without a word: a gate that cannot be made is 255, which fails it. A
 * package that was removed is no reason not to start.
 */
#define SCRIPT                                                                                          \
	"[ -x \"$0\" ] || { echo \"$0 is gone: this unit starts without its gate (50-bindgate.conf)\" " \
	">&2; exit 0; }; \"$0\" \"$@\" || exit 255"

#define WORDS_MAX (BG_RULES_MAX + 32)
#define WORD_MAX 4096

/* ---- printing ---- */

/* A word for systemd, which takes " \ % and $ for its own. */
static void print_word(FILE *out, const char *word)
{
	fputc('"', out);
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			fputc('\\', out);
		if (*word == '%' || *word == '$')
			fputc(*word, out);
		fputc(*word, out);
	}
	fputc('"', out);
}

static void print_option(FILE *out, const char *name, const char *value)
{
	fprintf(out, " --%s", name);
	if (!value)
		return;
	fputc(' ', out);
	print_word(out, value);
}

static void print_command(FILE *out, const struct bg_dropin *dropin)
{
	const struct bg_policy *policy = dropin->policy;
	char rule[BG_RULE_TEXT_MAX];

	fputs("ExecCondition=+/bin/sh -c ", out);
	print_word(out, SCRIPT);
	fputs(" \\\n    ", out);
	print_word(out, dropin->program);
	fputs(" attach", out);
	if (dropin->pin_dir)
		print_option(out, "pin-dir", dropin->pin_dir);
	if (policy->default_verdict == BG_DENY)
		print_option(out, "default", "deny");
	if (policy->netns == BG_NETNS_HOST)
		print_option(out, "netns", "host");
	if (policy->audit)
		print_option(out, "audit", NULL);
	if (*policy->label)
		print_option(out, "label", policy->label);
	fputs(" unit:%n", out);
	for (unsigned int i = 0; i < policy->count; i++) {
		fputs(" \\\n    ", out);
		print_word(out, bg_rule_print(&policy->rules[i], rule));
	}
	fputc('\n', out);
}

char *bg_dropin_print(const struct bg_dropin *dropin)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("# Written by bindgate attach --permanent. Change it with attach, add or remove --permanent;\n"
	      "# bindgate detach --permanent takes it away.\n"
	      "[Service]\n",
	      out);
	if (dropin->start_alone) /* else /bin/sh would be looked for in the unit's RootDirectory= */
		fputs("RootDirectoryStartOnly=yes\n", out);
	print_command(out, dropin);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- reading it back ---- */

/* The next word, unquoted; false: there is none on the line, or it is too long. */
static bool next_word(const char **text, char word[static WORD_MAX])
{
	size_t length = 0;
	bool quoted = false;

	while (**text == ' ' || !strncmp(*text, "\\\n", 2))
		*text += **text == ' ' ? 1 : 2;
	if (!**text || **text == '\n')
		return false;
	for (; **text && (quoted || (**text != ' ' && **text != '\n')); (*text)++) {
		char c = **text;

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (length + 1 == WORD_MAX)
			return false;
		if ((c == '\\' && (*text)[1]) || ((c == '%' || c == '$') && (*text)[1] == c))
			(*text)++;
		word[length++] = **text;
	}
	word[length] = '\0';
	return !quoted;
}

static int take_option(const char *name, const char **text, struct bg_policy *policy, struct bg_error *error)
{
	char value[WORD_MAX];

	if (!strcmp(name, "--audit")) {
		policy->audit = true;
		return 0;
	}
	if (!next_word(text, value))
		return -EBADMSG;
	if (!strcmp(name, "--default"))
		return bg_policy_set_default(policy, value, error);
	if (!strcmp(name, "--netns"))
		return bg_policy_set_netns(policy, value, error);
	if (!strcmp(name, "--label"))
		return bg_policy_set_label(policy, value, error);
	return strcmp(name, "--pin-dir") ? -EBADMSG : 0;
}

int bg_dropin_parse(const char *text, struct bg_policy *out, struct bg_error *error)
{
	static const char begin[] = "\nExecCondition=+/bin/sh -c ";
	const char *at = strstr(text, begin);
	struct bg_policy *policy = calloc(1, sizeof(*policy));
	char word[WORD_MAX];
	bool named = false;
	int err = 0;

	if (!policy)
		return bg_error(error, -ENOMEM, "out of memory");
	at = at ? at + sizeof(begin) - 1 : "";
	for (int i = 0; i < 3 && !err; i++) /* sh's text, its $0 and the verb */
		err = next_word(&at, word) ? 0 : -EBADMSG;
	if (!err && strcmp(word, "attach") != 0)
		err = -EBADMSG;
	while (!err && next_word(&at, word)) {
		if (named)
			err = bg_policy_add(policy, word, NULL);
		else if (!strcmp(word, "unit:%n"))
			named = true;
		else
			err = take_option(word, &at, policy, NULL);
	}
	if (!err && named && (!*at || *at == '\n'))
		*out = *policy;
	else
		err = bg_error(error, -EBADMSG, "it is not as bindgate writes it");
	free(policy);
	return err;
}

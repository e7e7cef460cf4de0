// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "config/file.h"

#include "config/schema_internal.h"
#include "config/yaml_line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define FILE_MAX (4 << 20) /* bytes */

struct source {
	const char *name;
	const char *text;
	size_t size;
	struct bg_error *error;
};

__attribute__((format(printf, 3, 4))) static int wrong(const struct source *source, unsigned int line,
						       const char *format, ...)
{
	char what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return bg_error(source->error, -EINVAL, "%.100s:%u: %s", source->name, line ? line : 1, what);
}

/* ---- what libyaml and libcyaml say, in the words of a person ---- */

static bool begins(const yaml_event_t *event)
{
	return event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT;
}

static bool ends(const yaml_event_t *event)
{
	return event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT;
}

/* The file is YAML, one document of it? libyaml alone tells the exact line, and libcyaml's time grows with the square of
 * the depth. */
static int check_syntax(const struct source *source)
{
	unsigned int documents = 0, depth = 0, line = 0;
	const char *problem = NULL;
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		return bg_error(source->error, -ENOMEM, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->size);
	while (more && !problem) {
		if (!yaml_parser_parse(&parser, &event)) {
			problem = parser.problem ? parser.problem : "this is not YAML";
			line = (unsigned int)parser.problem_mark.line + 1;
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		documents += event.type == YAML_DOCUMENT_START_EVENT;
		depth += begins(&event);
		depth -= ends(&event);
		if (event.type == YAML_ALIAS_EVENT || documents > 1 || depth > BG_YAML_DEPTH_MAX) {
			problem = documents > 1 ? "a second document begins here; one file is one document"
				  : depth > BG_YAML_DEPTH_MAX ? "lists and keys are nested too deep here"
							      : "aliases (*name) are not taken here";
			line = (unsigned int)event.start_mark.line + 1;
		}
		yaml_event_delete(&event);
	}
	if (problem)
		wrong(source, line, "%s", problem);
	else if (!documents)
		wrong(source, 1, "the file is empty; write \"gates: []\" to declare none");
	yaml_parser_delete(&parser);
	return problem || !documents ? -EINVAL : 0;
}

/* The first thing that libcyaml has to say, and where it says that it was. */
struct said {
	char what[256];
	char field[64];
	unsigned int line;
};

__attribute__((format(printf, 3, 0))) static void hear(cyaml_log_t level, void *arg, const char *format,
						       va_list args)
{
	struct said *said = arg;
	char line[512];
	const char *at;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	at = strstr(line, "(line: ");
	if (!strncmp(line, "Load: Backtrace", 15))
		return;
	if (!at && !said->what[0])
		snprintf(said->what, sizeof(said->what), "%.255s", strncmp(line, "Load: ", 6) ? line : line + 6);
	if (at && !said->line)
		said->line = (unsigned int)strtoul(at + 7, NULL, 10);
	at = strstr(line, "field '");
	if (at && !said->field[0])
		snprintf(said->field, sizeof(said->field), "%.*s", (int)strcspn(at + 7, "'"), at + 7);
}

/* libcyaml names the place before a wrong key. The key itself is in that line or in one below. */
static unsigned int line_of_word(const struct source *source, const char *word, unsigned int from)
{
	const char *text = source->text, *end = text + source->size;

	for (unsigned int line = 1; text < end; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);

		if (line >= from && memmem(text, length, word, strlen(word)))
			return line;
		text += length + 1;
	}
	return from;
}

static const char *in_words(const char *kind)
{
	if (!strncmp(kind, "SEQUENCE", 8))
		return "a list";
	if (!strncmp(kind, "MAPPING", 7))
		return "keys and values";
	return "a single value";
}

static int explain(const struct source *source, const struct said *said)
{
	const char *values = bg_schema_values(said->field), *got = strstr(said->what, ", got event: "), *word;

	word = strrchr(said->what, ':');
	word = word ? word + 2 : "";
	if (!strncmp(said->what, "Unexpected key", 14))
		return wrong(source, line_of_word(source, word, said->line), "\"%.64s\" is not a key here", word);
	if (!strncmp(said->what, "Mapping field already seen", 26))
		return wrong(source, line_of_word(source, word, said->line + 1), "\"%.64s\" is here a second time",
			     word);
	if (!strncmp(said->what, "Missing required", 16))
		return wrong(source, said->line, "the key \"%.64s\" is missing", word);
	if (!strncmp(said->what, "Expecting ", 10) && got)
		return wrong(source, said->line, "%s%sexpected %s, not %s", said->field, *said->field ? ": " : "",
			     in_words(said->what + 10), in_words(got + 13));
	if (values)
		return wrong(source, said->line, "%s is %s, not \"%.64s\"", said->field, values, word);
	return wrong(source, said->line, "%s%s%s", said->field, *said->field ? ": " : "", said->what);
}

/* ---- what the words mean ---- */

static int check_rules(const struct source *source, const char *path, char *const *rules, unsigned int count,
		       struct bg_policy *policy)
{
	struct bg_error error;
	char at[128];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(at, sizeof(at), "%s[%u]", path, i);
		if (bg_policy_add(policy, rules[i], &error))
			return wrong(source, bg_yaml_line(source->text, source->size, at), "%s", error.text);
	}
	return 0;
}

static int check_policy(const struct source *source, const char *path, const struct bg_declared_policy *declared)
{
	struct bg_policy *policy = calloc(1, sizeof(*policy));
	struct bg_error error;
	char at[128];
	int err;

	if (!policy)
		return bg_error(source->error, -ENOMEM, "out of memory");
	snprintf(at, sizeof(at), "%s.rules", path);
	err = check_rules(source, at, declared->rules, declared->rules_count, policy);
	if (!err && declared->label && bg_policy_set_label(policy, declared->label, &error)) {
		snprintf(at, sizeof(at), "%s.label", path);
		err = wrong(source, bg_yaml_line(source->text, source->size, at), "%s", error.text);
	}
	free(policy);
	return err;
}

static int check_gates(const struct source *source, const struct bg_declaration *declaration)
{
	char path[64];

	for (unsigned int i = 0; i < declaration->gates_count; i++) {
		const struct bg_declared_gate *gate = &declaration->gates[i];
		int err;

		snprintf(path, sizeof(path), "gates[%u]", i);
		err = check_policy(source, path, &gate->policy);
		if (err)
			return err;
		snprintf(path, sizeof(path), "gates[%u].cgroup", i);
		if (!strncmp(gate->cgroup, "pid:", 4) || !strcmp(gate->cgroup, "self"))
			return wrong(source, bg_yaml_line(source->text, source->size, path),
				     "\"%.64s\" means another cgroup tomorrow: name a path, a glob or unit:NAME",
				     gate->cgroup);
		for (unsigned int k = 0; k < i; k++)
			if (!strcmp(declaration->gates[k].cgroup, gate->cgroup))
				return wrong(source, bg_yaml_line(source->text, source->size, path),
					     "the cgroup \"%.256s\" is declared a second time", gate->cgroup);
	}
	return 0;
}

static int check_pods(const struct source *source, struct bg_declaration *declaration)
{
	struct bg_policy *grant = calloc(1, sizeof(*grant));
	char path[64];
	int err = 0;

	if (!grant)
		return bg_error(source->error, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < declaration->pods_count && !err; i++) {
		struct bg_declared_pod *pod = &declaration->pods[i];

		snprintf(path, sizeof(path), "pods[%u]", i);
		pod->file = declaration->file;
		pod->line = bg_yaml_line(source->text, source->size, path);
		err = check_policy(source, path, &pod->policy);
		for (unsigned int k = 0; k < pod->labels_count && !err; k++)
			if (!strchr(pod->labels[k], '=') || *pod->labels[k] == '=') {
				snprintf(path, sizeof(path), "pods[%u].labels[%u]", i, k);
				err = wrong(source, bg_yaml_line(source->text, source->size, path),
					    "a label is written key=value, not \"%.64s\"", pod->labels[k]);
			}
		snprintf(path, sizeof(path), "pods[%u].may_ask", i);
		*grant = (struct bg_policy){ 0 };
		if (!err)
			err = check_rules(source, path, pod->may_ask, pod->may_ask_count, grant);
		for (unsigned int k = 0; k < grant->count && !err; k++)
			if (grant->rules[k].verdict != BG_ALLOW) {
				snprintf(path, sizeof(path), "pods[%u].may_ask[%u]", i, k);
				err = wrong(source, bg_yaml_line(source->text, source->size, path),
					    "may_ask says what may be bound: neither deny nor pass nor =");
			}
	}
	free(grant);
	return err;
}

/* ---- reading ---- */

int bg_declare_parse(const char *name, const char *text, size_t size, struct bg_declaration **out,
		     struct bg_error *error)
{
	const struct source source = { .name = name, .text = text, .size = size, .error = error };
	struct said said = { .line = 0 };
	const cyaml_config_t config = { .log_fn = hear,
					.log_ctx = &said,
					.log_level = CYAML_LOG_ERROR,
					.mem_fn = cyaml_mem,
					.flags = CYAML_CFG_NO_ALIAS };
	struct bg_declaration *declaration = NULL;
	int err = check_syntax(&source);
	cyaml_err_t result;

	if (err)
		return err;
	result = cyaml_load_data((const __u8 *)text, size, &config, &bg_declaration_schema, (void **)&declaration,
				 NULL);
	if (result != CYAML_OK)
		return said.what[0] ? explain(&source, &said)
				    : wrong(&source, said.line, "%s", cyaml_strerror(result));
	if (!declaration)
		return wrong(&source, 1, "the file declares nothing");
	declaration->file = strdup(name);
	err = declaration->file ? check_gates(&source, declaration) : bg_error(error, -ENOMEM, "out of memory");
	if (!err)
		err = check_pods(&source, declaration);
	if (err)
		bg_declare_free(declaration);
	else
		*out = declaration;
	return err;
}

static int read_all(int fd, char **out, size_t *out_size)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t got;

	while (text && (got = read(fd, text + size, room - size)) != 0) {
		if (got < 0) {
			free(text);
			return -errno;
		}
		size += (size_t)got;
		if (size > FILE_MAX) {
			free(text);
			return -EFBIG;
		}
		if (size == room) {
			char *more = realloc(text, room *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (!text)
		return -ENOMEM;
	*out = text;
	*out_size = size;
	return 0;
}

int bg_declare_read(const char *file, struct bg_declaration **out, struct bg_error *error)
{
	bool standard = !strcmp(file, "-");
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC), err;
	char *text = NULL;
	size_t size = 0;

	if (fd < 0)
		return bg_error(error, -errno, "cannot read %.256s: %s", file, strerror(errno));
	err = read_all(fd, &text, &size);
	if (!standard)
		close(fd);
	if (err)
		return bg_error(error, err,
				err == -EFBIG ? "%.256s is larger than 4 MiB" : "cannot read %.256s: %s", file,
				strerror(-err));
	err = bg_declare_parse(standard ? "standard input" : file, text, size, out, error);
	free(text);
	return err;
}

static const cyaml_config_t quiet = { .mem_fn = cyaml_mem };

void bg_declare_free(struct bg_declaration *declaration)
{
	if (declaration)
		free(declaration->file);
	cyaml_free(&quiet, &bg_declaration_schema, declaration, 0);
}

int bg_declare_policy(const struct bg_declared_policy *declared, const char *owner, struct bg_policy *out,
		      struct bg_error *error)
{
	struct bg_policy *policy = calloc(1, sizeof(*policy));
	int err;

	if (!policy)
		return bg_error(error, -ENOMEM, "out of memory");
	policy->default_verdict = declared->default_verdict ? (__u8)*declared->default_verdict : BG_PASS;
	policy->netns = declared->netns ? (__u8)*declared->netns : BG_NETNS_ANY;
	policy->audit = declared->audit && *declared->audit;
	err = bg_policy_set_owner(policy, owner, error);
	if (!err && declared->label)
		err = bg_policy_set_label(policy, declared->label, error);
	for (unsigned int i = 0; i < declared->rules_count && !err; i++)
		err = bg_policy_add(policy, declared->rules[i], error);
	if (!err)
		*out = *policy;
	free(policy);
	return err;
}

char *bg_declare_print(const struct bg_declaration *declaration)
{
	char *text = NULL, *copy;
	size_t size;

	if (cyaml_save_data(&text, &size, &quiet, &bg_declaration_schema, declaration, 0) != CYAML_OK)
		return NULL;
	copy = strndup(text, size);
	cyaml_mem(NULL, text, 0);
	return copy;
}

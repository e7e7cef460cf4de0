// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/escape.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096 /* as long as a path */

/* Length of the UTF-8 character that `text` begins with; 0: none, or a control character. */
static size_t printable(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t length = *c < 0x80 ? 1 : *c >> 5 == 6 ? 2 : *c >> 4 == 14 ? 3 : *c >> 3 == 30 ? 4 : 0;
	json_t *valid;

	if (*c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0) || !length || strnlen(text, length) < length)
		return 0;
	valid = json_stringn(text, length); /* knows what is UTF-8 */
	json_decref(valid);
	return valid ? length : 0;
}

const char *bg_escape(const char *text)
{
	static char texts[4][TEXT_MAX];
	static unsigned int next;
	char *out = texts[next++ % 4];
	size_t used = 0;

	while (*text && used + 5 < TEXT_MAX) {
		size_t length = printable(text);

		if (length) {
			memcpy(out + used, text, length);
			used += length;
			text += length;
		} else {
			used += (size_t)snprintf(out + used, 5, "\\x%02x", (unsigned char)*text++);
		}
	}
	out[used] = '\0';
	return out;
}

void bg_print_word(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.,:=@_+-";
	const char *word = bg_escape(text);

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		fputs(*word == '\'' ? "'\\''" : (const char[]){ *word, '\0' }, out);
	fputc('\'', out);
}

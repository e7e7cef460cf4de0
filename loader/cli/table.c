// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 12

struct table {
	unsigned int columns;
	bool right[COLUMNS_MAX];
	char **cells; /* row after row; a line across is one cell and then NULLs */
	size_t count;
};

struct table *table_new(unsigned int columns)
{
	struct table *table = bg_need(calloc(1, sizeof(*table)));

	table->columns = columns;
	return table;
}

static void append(struct table *table, char *cell)
{
	table->cells = bg_need(reallocarray(table->cells, table->count + 1, sizeof(*table->cells)));
	table->cells[table->count++] = cell;
}

__attribute__((format(printf, 1, 0))) static char *format_text(const char *format, va_list args)
{
	char *text = NULL;

	return bg_need(vasprintf(&text, format, args) < 0 ? NULL : text);
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;
	char *cell;

	va_start(args, format);
	cell = format_text(format, args);
	va_end(args);
	append(table, bg_need(strdup(bg_escape(cell))));
	free(cell);
}

void table_line(struct table *table, const char *format, ...)
{
	va_list args;
	char *cell;

	va_start(args, format);
	cell = format_text(format, args);
	va_end(args);
	append(table, cell);
	for (unsigned int column = 1; column < table->columns; column++)
		append(table, NULL);
}

void table_right(struct table *table, unsigned int column)
{
	table->right[column] = true;
}

/* Characters, not bytes, of UTF-8; NULL has none. */
static int columns_of(const char *text)
{
	int count = 0;

	for (; text && *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static bool is_line(const struct table *table, size_t row)
{
	return table->columns > 1 && !table->cells[row * table->columns + 1];
}

/* Without spaces at the end of the line. */
static void print_row(const struct table *table, char *const *cells, const int *width, FILE *out)
{
	int gap = 0;

	for (unsigned int column = 0; column < table->columns; column++) {
		int length = columns_of(cells[column]), fill = width[column] - length;

		if (length && table->right[column])
			gap += fill;
		if (length)
			fprintf(out, "%*s%s", gap, "", cells[column]);
		gap = (length ? 0 : gap + length) + (length && table->right[column] ? 0 : fill) + 2;
	}
	putc('\n', out);
}

void table_print(const struct table *table, FILE *out)
{
	size_t rows = table->count / table->columns;
	int width[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < table->count; i++) {
		int length = is_line(table, i / table->columns) ? 0 : columns_of(table->cells[i]);

		if (length > width[i % table->columns])
			width[i % table->columns] = length;
	}
	for (size_t row = 0; row < rows; row++) {
		char *const *cells = &table->cells[row * table->columns];

		if (is_line(table, row)) {
			fprintf(out, "%s%s%s\n", cli_style("dim"), cells[0], cli_style("plain"));
			continue;
		}
		fputs(row == 0 ? cli_style("bold") : "", out);
		print_row(table, cells, width, out);
		fputs(row == 0 ? cli_style("plain") : "", out);
	}
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

#include "app/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kw_status last_failure = KW_GOOD;

kw_status kw_failure(void)
{
    return last_failure;
}

int kw_fail(kw_status status, const char *format, ...)
{
    last_failure = status;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "keyway: %s: ", kw_status_name(status));
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return KW_EXIT_FAILED;
}

int kw_print_json(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    fputc('\n', stdout);
    json_decref(value);
    return KW_EXIT_DONE;
}

json_t *kw_json_string(kw_string s)
{
    if (s.data == NULL) {
        return json_null();
    }
    if (kw_utf8_is_valid(s, true)) {
        return json_stringn((const char *)s.data, s.len);
    }
    char *copy = malloc(s.len + 1);
    if (copy == NULL) {
        return json_null();
    }
    for (size_t i = 0; i < s.len; i++) {
        copy[i] = s.data[i] < 0x80 ? (char)s.data[i] : '?';
    }
    json_t *value = json_stringn(copy, s.len);
    free(copy);
    return value;
}

static size_t escape(kw_string text, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (c < 0x20 || c == 0x7F) {
            n += (size_t)sprintf(out + n, "\\x%02X", c);
        } else {
            out[n++] = (char)c;
        }
    }
    out[n] = '\0';
    return n;
}

kw_string kw_escaped(kw_arena *arena, kw_string text)
{
    char *out = text.len < SIZE_MAX / 8 ? kw_arena_alloc(arena, 4 * text.len + 1) : NULL;
    return out != NULL ? (kw_string){(const uint8_t *)out, escape(text, out)} : KW_BYTES_NULL;
}

struct kw_table {
    size_t columns, used, room;
    char **cells;
};

static char *escaped(kw_string text)
{
    char *out = malloc(4 * text.len + 1);
    if (out == NULL) {
        abort();
    }
    escape(text, out);
    return out;
}

void kw_table_cell_string(kw_table *table, kw_string text)
{
    if (table->used == table->room) {
        table->room = table->room * 2 + 32;
        char **cells = realloc(table->cells, table->room * sizeof(char *));
        if (cells == NULL) {
            abort();
        }
        table->cells = cells;
    }
    table->cells[table->used++] = escaped(text);
}

void kw_table_cell(kw_table *table, const char *text)
{
    kw_table_cell_string(table, kw_string_from(text));
}

kw_table *kw_table_new(const char *const *headings, size_t columns)
{
    kw_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        abort();
    }
    table->columns = columns;
    for (size_t i = 0; i < columns; i++) {
        kw_table_cell(table, headings[i]);
    }
    return table;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

void kw_table_print(kw_table *table)
{
    for (size_t i = 0; i < table->used; i++) {
        const size_t column = i % table->columns;
        fputs(table->cells[i], stdout);
        if (column + 1 == table->columns || i + 1 == table->used) {
            fputc('\n', stdout);
            continue;
        }
        size_t widest = 0;
        for (size_t j = column; j < table->used; j += table->columns) {
            const size_t width = width_of(table->cells[j]);
            widest = width > widest ? width : widest;
        }
        printf("%*s", (int)(widest - width_of(table->cells[i]) + 2), "");
    }
    for (size_t i = 0; i < table->used; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    free(table);
}

int kw_print_listing(const kw_listing *listing, const void *rows, size_t size, size_t count, kw_arena *arena, bool json)
{
    size_t columns = 0;
    if (json) {
        json_t *array = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(array, listing->to_json((const char *)rows + i * size, arena));
        }
        return kw_print_json(array);
    }
    if (count == 0) {
        puts(listing->nothing);
        return KW_EXIT_DONE;
    }
    while (listing->headings[columns] != NULL) {
        columns++;
    }
    kw_table *table = kw_table_new(listing->headings, columns);
    for (size_t i = 0; i < count; i++) {
        listing->to_cells((const char *)rows + i * size, table, arena);
    }
    kw_table_print(table);
    return KW_EXIT_DONE;
}

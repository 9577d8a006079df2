/* Statements are written once, for every engine (store/sql.h). This is how PostgreSQL wants them. */
#include "store/postgres_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A quoted text stays as it is; returns what follows it. */
static const char *copy_quoted(FILE *out, const char *at)
{
    do {
        fputc(*at++, out);
    } while (*at != '\0' && *at != '\'');
    return at;
}

/* `?` becomes $1, $2, … */
char *kw_postgres_count_parameters(const char *text)
{
    char *copy = NULL;
    size_t len = 0;
    unsigned count = 0;
    FILE *out = open_memstream(&copy, &len);
    if (out == NULL) {
        return NULL;
    }
    for (const char *at = text; *at != '\0'; at++) {
        at = *at == '\'' ? copy_quoted(out, at) : at;
        if (*at == '?') {
            fprintf(out, "$%u", ++count);
        } else {
            fputc(*at, out);
        }
    }
    fclose(out);
    return copy;
}

/* Texts are compared by their bytes, whatever language the database was made for. */
static const char *word_for(const char *word, size_t len)
{
    if (len == strlen("TEXT") && memcmp(word, "TEXT", len) == 0) {
        return "TEXT COLLATE \"C\"";
    }
    if (len == strlen("BYTETEXT") && memcmp(word, "BYTETEXT", len) == 0) {
        return "BYTEA";
    }
    return NULL;
}

static size_t word_length(const char *at)
{
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '_') {
        len++;
    }
    return len;
}

char *kw_postgres_define_words(const char *text)
{
    char *copy = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&copy, &size);
    if (out == NULL) {
        return NULL;
    }
    for (const char *at = text; *at != '\0';) {
        at = *at == '\'' ? copy_quoted(out, at) : at;
        const size_t len = word_length(at);
        const char *word = word_for(at, len);
        if (word != NULL) {
            fputs(word, out);
        } else {
            fwrite(at, 1, len > 0 ? len : 1, out);
        }
        at += len > 0 ? len : 1;
    }
    fclose(out);
    return copy;
}

#include "base/metric_text.h"

#include <stdio.h>

static void put(kw_writer *w, const char *text)
{
    kw_write_raw(w, kw_string_from(text));
}

void kw_metric_begin(kw_writer *w, const char *name, const char *type, const char *help)
{
    const char *const parts[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        put(w, parts[i]);
    }
}

static void put_label_value(kw_writer *w, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            put(w, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\') {
            kw_write_u8(w, '\\');
        }
        kw_write_u8(w, (uint8_t)*value);
    }
}

void kw_metric_value(kw_writer *w, const char *name, const kw_metric_label *labels, size_t label_count, double value)
{
    char number[40];
    put(w, name);
    for (size_t i = 0; i < label_count; i++) {
        put(w, i == 0 ? "{" : ",");
        put(w, labels[i].name);
        put(w, "=\"");
        put_label_value(w, labels[i].value);
        put(w, "\"");
    }
    snprintf(number, sizeof(number), "%s %.15g\n", label_count > 0 ? "}" : "", value); /* whole numbers stay whole up to 10^15 */
    put(w, number);
}

void kw_metric_one(kw_writer *w, const char *name, const char *type, const char *help, double value)
{
    kw_metric_begin(w, name, type, help);
    kw_metric_value(w, name, NULL, 0, value);
}

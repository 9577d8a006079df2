/* Numbers for Prometheus: its text format, version 0.0.4. Names, labels and help are our own words. */
#ifndef KW_BASE_METRIC_TEXT_H
#define KW_BASE_METRIC_TEXT_H

#include "base/cursor.h"

#define KW_METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct kw_metric_label {
    const char *name, *value;
} kw_metric_label;

/* What follows belongs to this metric; `type`: "counter" or "gauge". */
void kw_metric_begin(kw_writer *w, const char *name, const char *type, const char *help);
void kw_metric_value(kw_writer *w, const char *name, const kw_metric_label *labels, size_t label_count, double value);
/* A metric of one value. */
void kw_metric_one(kw_writer *w, const char *name, const char *type, const char *help, double value);

#endif

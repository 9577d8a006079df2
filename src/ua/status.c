#include "ua/status_table.h"

#include <stdio.h>
#include <string.h>

/* Bits 15..0 are InfoBits and flags (structure changed, limit, overflow); the name belongs to the upper half. */
#define CODE_MASK 0xFFFF0000u

const char *kw_status_name(kw_status status)
{
    const kw_status code = status & CODE_MASK;
    size_t low = 0, high = kw_status_table_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (kw_status_table[middle].code == code) {
            return kw_status_table[middle].name;
        }
        if (kw_status_table[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    static _Thread_local char unknown[24];
    const char *severity = kw_status_is_bad(status) ? "Bad" : kw_status_is_good(status) ? "Good" : "Uncertain";
    snprintf(unknown, sizeof unknown, "%s_0x%08X", severity, (unsigned)status);
    return unknown;
}

bool kw_status_from_name(const char *name, kw_status *out)
{
    for (size_t i = 0; i < kw_status_table_count; i++) {
        if (strcmp(kw_status_table[i].name, name) == 0) {
            *out = kw_status_table[i].code;
            return true;
        }
    }
    return false;
}

/* Control flow for fallible calls. */
#ifndef KW_BASE_TRY_H
#define KW_BASE_TRY_H

#include <keyway/status.h>

/* Return a bad status upwards. */
#define KW_TRY(expression)                                                                                                                 \
    do {                                                                                                                                   \
        const kw_status kw_try_ = (expression);                                                                                            \
        if (kw_status_is_bad(kw_try_)) {                                                                                                   \
            return kw_try_;                                                                                                                \
        }                                                                                                                                  \
    } while (0)

/* Where something must be released: needs `kw_status status;` and a label (usually done:) in scope. */
#define KW_GOTO(label, expression)                                                                                                         \
    do {                                                                                                                                   \
        status = (expression);                                                                                                             \
        if (kw_status_is_bad(status)) {                                                                                                    \
            goto label;                                                                                                                    \
        }                                                                                                                                  \
    } while (0)

#endif

/* Writing the Attributes that are texts: DisplayName, Description, InverseName of own nodes. OPC 10000-4, 5.11.4. */
#include "space/space_internal.h"

#include <stdlib.h>

static kw_localized_text *text_of(kw_node_more *more, uint32_t write_mask_bit)
{
    switch (write_mask_bit) {
    case KW_WRITE_MASK_DISPLAY_NAME:
        return &more->display_name;
    case KW_WRITE_MASK_DESCRIPTION:
        return &more->description;
    default: /* KW_WRITE_MASK_INVERSE_NAME */
        return &more->inverse_name;
    }
}

static void free_localized(kw_localized_text *text)
{
    free((void *)(uintptr_t)text->locale.data);
    free((void *)(uintptr_t)text->text.data);
}

/* Untouched on failure. */
static kw_status replace(kw_localized_text *text, const kw_localized_text *by)
{
    kw_localized_text copy = {KW_BYTES_NULL, KW_BYTES_NULL};
    kw_status status = kw_text_dup(by->locale, &copy.locale);
    if (!kw_status_is_bad(status)) {
        status = kw_text_dup(by->text, &copy.text);
    }
    free_localized(kw_status_is_bad(status) ? &copy : text);
    *text = kw_status_is_bad(status) ? *text : copy;
    return status;
}

kw_status kw_node_write_text(const kw_node_ref *node, uint32_t write_mask_bit, const kw_variant *value)
{
    const kw_localized_text *given = kw_variant_get(value, KW_BUILTIN_LOCALIZED_TEXT);
    if (given == NULL) {
        return KW_BAD_TYPE_MISMATCH;
    }
    if (!kw_utf8_is_valid(given->text, false) || !kw_utf8_is_valid(given->locale, false)) {
        return KW_BAD_OUT_OF_RANGE;
    }
    kw_node_more *more = kw_node_more_of((kw_node *)node->own);
    return more != NULL ? replace(text_of(more, write_mask_bit), given) : KW_BAD_OUT_OF_MEMORY;
}

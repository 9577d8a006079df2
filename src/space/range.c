/* NumericRange, and whether a value fits a Variable. OPC 10000-4, 7.27; OPC 10000-3, 5.6.2. */
#include "base/try.h"
#include "space/node.h"

#include <string.h>

#define DIMENSIONS_MAX 8

typedef struct range {
    uint32_t low[DIMENSIONS_MAX], high[DIMENSIONS_MAX]; /* both within */
    size_t count;
} range;

static bool parse_number(const uint8_t **p, const uint8_t *end, uint32_t *out)
{
    uint64_t value = 0;
    const uint8_t *start = *p;
    while (*p < end && **p >= '0' && **p <= '9' && value <= UINT32_MAX) {
        value = value * 10 + (uint64_t)(*(*p)++ - '0');
    }
    *out = (uint32_t)value;
    return *p > start && value <= UINT32_MAX;
}

/* "3", "3:5", "0:1,2:2": the low bound is less than the high one. */
static kw_status parse(kw_string text, range *out)
{
    const uint8_t *p = text.data, *end = text.data + text.len;
    out->count = 0;
    for (;;) {
        const size_t i = out->count++;
        if (i == DIMENSIONS_MAX || !parse_number(&p, end, &out->low[i])) {
            return KW_BAD_INDEX_RANGE_INVALID;
        }
        out->high[i] = out->low[i];
        if (p < end && *p == ':') {
            p++;
            if (!parse_number(&p, end, &out->high[i]) || out->high[i] <= out->low[i]) {
                return KW_BAD_INDEX_RANGE_INVALID;
            }
        }
        if (p == end) {
            return KW_GOOD;
        }
        if (*p++ != ',') {
            return KW_BAD_INDEX_RANGE_INVALID;
        }
    }
}

static uint32_t clipped(uint32_t high, size_t length)
{
    return high < length ? high : (uint32_t)(length - 1);
}

/* --- strings -------------------------------------------------------------------------------------------------------------- */

static kw_status select_bytes(const range *r, const kw_variant *value, kw_arena *arena, kw_variant *out)
{
    const kw_bytes *whole = value->data;
    kw_bytes *part = KW_ARENA_NEW(arena, kw_bytes);
    if (part == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (r->count != 1) {
        return KW_BAD_INDEX_RANGE_INVALID;
    }
    if (r->low[0] >= whole->len) {
        return KW_BAD_INDEX_RANGE_NO_DATA;
    }
    *part = (kw_bytes){whole->data + r->low[0], clipped(r->high[0], whole->len) - r->low[0] + 1};
    *out = kw_variant_scalar((kw_builtin)value->type, part);
    return KW_GOOD;
}

/* --- arrays and matrices ---------------------------------------------------------------------------------------------------- */

static size_t dimensions_of(const kw_variant *value, size_t lengths[DIMENSIONS_MAX])
{
    if (value->dimension_count == 0) {
        lengths[0] = value->count;
        return 1;
    }
    for (size_t i = 0; i < value->dimension_count && i < DIMENSIONS_MAX; i++) {
        lengths[i] = (size_t)value->dimensions[i];
    }
    return value->dimension_count;
}

static kw_status select_elements(range *r, const kw_variant *value, kw_arena *arena, kw_variant *out)
{
    size_t lengths[DIMENSIONS_MAX], total = 1, index[DIMENSIONS_MAX];
    if (dimensions_of(value, lengths) != r->count) {
        return KW_BAD_INDEX_RANGE_NO_DATA;
    }
    int32_t *dimensions = KW_ARENA_ARRAY(arena, int32_t, r->count);
    for (size_t i = 0; dimensions != NULL && i < r->count; i++) {
        if (r->low[i] >= lengths[i]) {
            return KW_BAD_INDEX_RANGE_NO_DATA;
        }
        r->high[i] = clipped(r->high[i], lengths[i]);
        dimensions[i] = (int32_t)(r->high[i] - r->low[i] + 1);
        total *= (size_t)dimensions[i]; /* at most value->count */
        index[i] = r->low[i];
    }
    const size_t size = kw_type_builtin((kw_builtin)value->type)->size;
    uint8_t *part = kw_arena_array(arena, total, size);
    if (part == NULL || dimensions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t n = 0; n < total; n++) {
        size_t at = 0;
        for (size_t i = 0; i < r->count; i++) {
            at = at * lengths[i] + index[i];
        }
        memcpy(part + n * size, (const uint8_t *)value->data + at * size, size);
        for (size_t i = r->count; i-- > 0 && ++index[i] > r->high[i];) {
            index[i] = r->low[i];
        }
    }
    *out = kw_variant_array((kw_builtin)value->type, part, total);
    if (r->count > 1) {
        out->dimensions = dimensions;
        out->dimension_count = r->count;
    }
    return KW_GOOD;
}

kw_status kw_range_select(kw_string text, const kw_variant *value, kw_arena *arena, kw_variant *out)
{
    range r;
    KW_TRY(parse(text, &r));
    if (value->is_array) {
        return value->count > 0 ? select_elements(&r, value, arena, out) : KW_BAD_INDEX_RANGE_NO_DATA;
    }
    if (value->type == KW_BUILTIN_STRING || value->type == KW_BUILTIN_BYTE_STRING) {
        return select_bytes(&r, value, arena, out);
    }
    return KW_BAD_INDEX_RANGE_NO_DATA;
}

kw_status kw_range_replace(kw_string text, const kw_variant *whole, const kw_variant *part, kw_arena *arena, kw_variant *out)
{
    range r;
    KW_TRY(parse(text, &r));
    if (!whole->is_array || whole->dimension_count > 1 || r.count != 1) {
        return KW_BAD_INDEX_RANGE_INVALID;
    }
    if (r.high[0] >= whole->count) {
        return KW_BAD_INDEX_RANGE_NO_DATA;
    }
    const size_t wanted = (size_t)r.high[0] - r.low[0] + 1;
    if (!part->is_array || part->type != whole->type || part->count != wanted) {
        return part->type != whole->type ? KW_BAD_TYPE_MISMATCH : KW_BAD_INDEX_RANGE_DATA_MISMATCH;
    }
    const size_t size = kw_type_builtin((kw_builtin)whole->type)->size;
    uint8_t *copy = kw_arena_array(arena, whole->count, size);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(copy, whole->data, whole->count * size);
    memcpy(copy + r.low[0] * size, part->data, wanted * size);
    *out = kw_variant_array((kw_builtin)whole->type, copy, whole->count);
    return KW_GOOD;
}

/* --- fitting ------------------------------------------------------------------------------------------------------------------ */

static bool rank_fits(const kw_variant *value, int32_t rank)
{
    const int32_t dimensions = !value->is_array ? 0 : value->dimension_count > 0 ? (int32_t)value->dimension_count : 1;
    switch (rank) {
    case -3: /* scalar or one dimension */
        return dimensions <= 1;
    case -2: /* any */
        return true;
    case -1: /* scalar */
        return dimensions == 0;
    case 0: /* one or more dimensions */
        return dimensions >= 1;
    default:
        return dimensions == rank;
    }
}

bool kw_value_fits(const kw_variant *value, const kw_node_id *data_type, int32_t value_rank)
{
    const kw_builtin expected =
        data_type->ns == 0 && data_type->kind == KW_NODE_ID_NUMERIC ? kw_builtin_of_data_type(data_type->id.numeric) : KW_BUILTIN_VARIANT;
    /* A ByteString is as good as an array of Byte, both ways. */
    if (expected == KW_BUILTIN_BYTE && value_rank >= 0 && value->type == KW_BUILTIN_BYTE_STRING && !value->is_array) {
        return true;
    }
    if (expected != KW_BUILTIN_NULL && expected != KW_BUILTIN_VARIANT && value->type != expected) {
        return false;
    }
    return rank_fits(value, value_rank);
}

#include "base/cursor.h"
#include "base/secret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)512)

void kw_writer_init(kw_writer *w, size_t max)
{
    *w = (kw_writer){.max = max, .owned = true};
}

void kw_writer_init_fixed(kw_writer *w, uint8_t *data, size_t cap)
{
    *w = (kw_writer){.data = data, .cap = cap, .max = cap};
}

void kw_writer_reset(kw_writer *w)
{
    w->len = 0;
    w->status = KW_GOOD;
}

void kw_writer_clear(kw_writer *w)
{
    if (w->owned) {
        free(w->data);
        w->data = NULL;
        w->cap = 0;
    }
    kw_writer_reset(w);
}

void kw_writer_wipe(kw_writer *w)
{
    kw_wipe(w->data, w->cap);
    kw_writer_clear(w);
}

void kw_writer_fail(kw_writer *w, kw_status status)
{
    if (!kw_status_is_bad(w->status)) {
        w->status = status;
    }
}

/* Not realloc: what was written may be secret and must not stay behind in freed memory. */
static bool grow(kw_writer *w, size_t needed)
{
    size_t cap = w->cap < FIRST_CAPACITY ? FIRST_CAPACITY : w->cap;
    while (cap < needed) {
        cap = cap > w->max / 2 ? w->max : cap * 2;
    }
    uint8_t *data = malloc(cap);
    if (data == NULL) {
        kw_writer_fail(w, KW_BAD_OUT_OF_MEMORY);
        return false;
    }
    if (w->len > 0 && w->data != NULL) {
        memcpy(data, w->data, w->len);
        kw_wipe(w->data, w->len);
    }
    free(w->data);
    w->data = data;
    w->cap = cap;
    return true;
}

uint8_t *kw_writer_extend(kw_writer *w, size_t len)
{
    if (kw_status_is_bad(w->status)) {
        return NULL;
    }
    if (len > w->max - w->len) {
        kw_writer_fail(w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return NULL;
    }
    if ((len > w->cap - w->len || w->data == NULL) && (!w->owned || !grow(w, w->len + len))) {
        kw_writer_fail(w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return NULL;
    }
    uint8_t *p = w->data + w->len;
    w->len += len;
    return p;
}

void kw_write_u8(kw_writer *w, uint8_t v)
{
    uint8_t *p = kw_writer_extend(w, 1);
    if (p != NULL) {
        *p = v;
    }
}

void kw_write_u16(kw_writer *w, uint16_t v)
{
    uint8_t *p = kw_writer_extend(w, 2);
    if (p != NULL) {
        p[0] = (uint8_t)v;
        p[1] = (uint8_t)(v >> 8);
    }
}

static void put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

void kw_write_u32(kw_writer *w, uint32_t v)
{
    uint8_t *p = kw_writer_extend(w, 4);
    if (p != NULL) {
        put_u32(p, v);
    }
}

void kw_write_u64(kw_writer *w, uint64_t v)
{
    uint8_t *p = kw_writer_extend(w, 8);
    if (p != NULL) {
        put_u32(p, (uint32_t)v);
        put_u32(p + 4, (uint32_t)(v >> 32));
    }
}

void kw_write_i32(kw_writer *w, int32_t v)
{
    kw_write_u32(w, (uint32_t)v);
}

void kw_write_i64(kw_writer *w, int64_t v)
{
    kw_write_u64(w, (uint64_t)v);
}

void kw_write_f32(kw_writer *w, float v)
{
    uint32_t bits = 0x7FC00000u; /* the quiet NaN */
    if (!isnan(v)) {
        memcpy(&bits, &v, sizeof(bits));
    }
    kw_write_u32(w, bits);
}

void kw_write_f64(kw_writer *w, double v)
{
    uint64_t bits = UINT64_C(0x7FF8000000000000);
    if (!isnan(v)) {
        memcpy(&bits, &v, sizeof(bits));
    }
    kw_write_u64(w, bits);
}

void kw_write_raw(kw_writer *w, kw_bytes bytes)
{
    uint8_t *p = kw_writer_extend(w, bytes.len);
    if (p != NULL && bytes.len > 0) {
        memcpy(p, bytes.data, bytes.len);
    }
}

void kw_write_bytes(kw_writer *w, kw_bytes bytes)
{
    if (bytes.len > INT32_MAX) {
        kw_writer_fail(w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return;
    }
    kw_write_i32(w, bytes.data != NULL ? (int32_t)bytes.len : -1);
    kw_write_raw(w, bytes);
}

void kw_writer_patch_u32(kw_writer *w, size_t offset, uint32_t v)
{
    if (!kw_status_is_bad(w->status) && offset <= w->len && w->len - offset >= 4) {
        put_u32(w->data + offset, v);
    }
}

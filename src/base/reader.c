#include "base/cursor.h"

#include <string.h>

kw_reader kw_reader_of(kw_bytes bytes)
{
    static const uint8_t NOTHING[1];
    const uint8_t *p = bytes.data != NULL ? bytes.data : NOTHING;
    return (kw_reader){p, p + bytes.len, KW_GOOD};
}

void kw_reader_fail(kw_reader *r, kw_status status)
{
    if (!kw_status_is_bad(r->status)) {
        r->status = status;
    }
    r->p = r->end;
}

/* `len` bytes, or NULL after setting the error. */
static const uint8_t *take(kw_reader *r, size_t len)
{
    if (kw_reader_left(r) < len) {
        kw_reader_fail(r, KW_BAD_DECODING_ERROR);
        return NULL;
    }
    const uint8_t *p = r->p;
    r->p += len;
    return p;
}

uint8_t kw_read_u8(kw_reader *r)
{
    const uint8_t *p = take(r, 1);
    return p != NULL ? *p : 0;
}

uint16_t kw_read_u16(kw_reader *r)
{
    const uint8_t *p = take(r, 2);
    if (p == NULL) {
        return 0;
    }
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t kw_read_u32(kw_reader *r)
{
    const uint8_t *p = take(r, 4);
    return p != NULL ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

uint64_t kw_read_u64(kw_reader *r)
{
    if (kw_reader_left(r) < 8) {
        kw_reader_fail(r, KW_BAD_DECODING_ERROR);
        return 0;
    }
    const uint64_t low = kw_read_u32(r);
    return low | (uint64_t)kw_read_u32(r) << 32;
}

int32_t kw_read_i32(kw_reader *r)
{
    return (int32_t)kw_read_u32(r);
}

int64_t kw_read_i64(kw_reader *r)
{
    return (int64_t)kw_read_u64(r);
}

float kw_read_f32(kw_reader *r)
{
    const uint32_t bits = kw_read_u32(r);
    float v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

double kw_read_f64(kw_reader *r)
{
    const uint64_t bits = kw_read_u64(r);
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

kw_bytes kw_read_raw(kw_reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return p != NULL ? (kw_bytes){p, len} : KW_BYTES_NULL;
}

kw_bytes kw_read_bytes(kw_reader *r)
{
    const int32_t len = kw_read_i32(r);
    if (len == -1) {
        return KW_BYTES_NULL;
    }
    if (len < 0) {
        kw_reader_fail(r, KW_BAD_DECODING_ERROR);
        return KW_BYTES_NULL;
    }
    return kw_read_raw(r, (size_t)len);
}

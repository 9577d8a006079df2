/*
 * The only two things in the house that walk over bytes.
 *
 * A kw_reader cannot run past its end: such a read sets the error, yields zero, and everything after it yields zero too,
 * so that a decoder reads straight down and is checked once with kw_reader_status().
 * A kw_writer appends to a growing buffer up to a maximum, or to a fixed one; past it the error is set and the rest dropped.
 * Numbers are little-endian, as everywhere in OPC UA binary.
 */
#ifndef KW_BASE_CURSOR_H
#define KW_BASE_CURSOR_H

#include <keyway/bytes.h>

typedef struct kw_reader {
    const uint8_t *p, *end;
    kw_status status; /* KW_GOOD until the first failure, which stays */
} kw_reader;

kw_reader kw_reader_of(kw_bytes bytes);
static inline size_t kw_reader_left(const kw_reader *r)
{
    return (size_t)(r->end - r->p);
}
static inline kw_status kw_reader_status(const kw_reader *r)
{
    return r->status;
}
/* Record a failure (the first one wins) and move to the end. */
void kw_reader_fail(kw_reader *r, kw_status status);

uint8_t kw_read_u8(kw_reader *r);
uint16_t kw_read_u16(kw_reader *r);
uint32_t kw_read_u32(kw_reader *r);
uint64_t kw_read_u64(kw_reader *r);
int32_t kw_read_i32(kw_reader *r);
int64_t kw_read_i64(kw_reader *r);
float kw_read_f32(kw_reader *r);
double kw_read_f64(kw_reader *r);
/* `len` bytes, borrowed from the input. */
kw_bytes kw_read_raw(kw_reader *r, size_t len);
/* Int32 length + bytes, borrowed; -1 is null, other negatives are Bad_DecodingError. */
kw_bytes kw_read_bytes(kw_reader *r);

typedef struct kw_writer {
    uint8_t *data;
    size_t len, cap, max;
    bool owned; /* grows on the heap; false: a fixed buffer of the caller */
    kw_status status;
} kw_writer;

/* Grows up to max; exceeded: Bad_EncodingLimitsExceeded. Release with kw_writer_clear. */
void kw_writer_init(kw_writer *w, size_t max);
void kw_writer_init_fixed(kw_writer *w, uint8_t *data, size_t cap);
/* Forget the content, keep the memory. */
void kw_writer_reset(kw_writer *w);
void kw_writer_clear(kw_writer *w);
/* The same after wiping the memory, for what held a secret. */
void kw_writer_wipe(kw_writer *w);
static inline kw_bytes kw_writer_bytes(const kw_writer *w)
{
    return (kw_bytes){w->data, w->len};
}
static inline kw_status kw_writer_status(const kw_writer *w)
{
    return w->status;
}
void kw_writer_fail(kw_writer *w, kw_status status);
/* Room for len bytes at the end, counted as written; NULL past the maximum. The pointer is good until the next write. */
uint8_t *kw_writer_extend(kw_writer *w, size_t len);

void kw_write_u8(kw_writer *w, uint8_t v);
void kw_write_u16(kw_writer *w, uint16_t v);
void kw_write_u32(kw_writer *w, uint32_t v);
void kw_write_u64(kw_writer *w, uint64_t v);
void kw_write_i32(kw_writer *w, int32_t v);
void kw_write_i64(kw_writer *w, int64_t v);
void kw_write_f32(kw_writer *w, float v); /* any NaN becomes the canonical quiet NaN */
void kw_write_f64(kw_writer *w, double v);
void kw_write_raw(kw_writer *w, kw_bytes bytes);
void kw_write_bytes(kw_writer *w, kw_bytes bytes); /* Int32 length + bytes */
/* Overwrite a UInt32 written earlier at `offset` (lengths that are known late). */
void kw_writer_patch_u32(kw_writer *w, size_t offset, uint32_t v);

#endif

/* The reader never passes its end, the writer never its maximum, and both say so once. */
#include "base/cursor.h"
#include "support/test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- reader ------------------------------------------------------------------------------------------------------------ */

static void numbers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t BYTES[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0xFE,
                                    0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x80, 0x3F, 0,    0,    0,    0,    0,    0,    0xF0, 0xBF};
    kw_reader r = kw_reader_of((kw_bytes){BYTES, sizeof(BYTES)});
    assert_int_equal(kw_read_u8(&r), 0x01);
    assert_int_equal(kw_read_u16(&r), 0x0302);
    assert_int_equal(kw_read_u32(&r), 0x07060504);
    assert_true(kw_read_u64(&r) == UINT64_C(0x0F0E0D0C0B0A0908));
    assert_int_equal(kw_read_i32(&r), -2);
    assert_true(kw_read_f32(&r) == 1.0f);
    assert_true(kw_read_f64(&r) == -1.0);
    assert_int_equal(kw_reader_left(&r), 0);
    assert_int_equal(kw_reader_status(&r), KW_GOOD);
}

typedef uint64_t (*read_one)(kw_reader *r);

static uint64_t one_u8(kw_reader *r)
{
    return kw_read_u8(r);
}
static uint64_t one_u16(kw_reader *r)
{
    return kw_read_u16(r);
}
static uint64_t one_u32(kw_reader *r)
{
    return kw_read_u32(r);
}
static uint64_t one_u64(kw_reader *r)
{
    return kw_read_u64(r);
}
static uint64_t one_f32(kw_reader *r)
{
    return kw_read_f32(r) != 0;
}
static uint64_t one_f64(kw_reader *r)
{
    return kw_read_f64(r) != 0;
}
static uint64_t one_raw(kw_reader *r)
{
    return kw_read_raw(r, 8).len;
}

static void a_read_past_the_end_yields_zero_and_ends_all_reading(void **state)
{
    (void)state;
    static const struct {
        read_one read;
        size_t size;
    } READS[] = {{one_u8, 1}, {one_u16, 2}, {one_u32, 4}, {one_u64, 8}, {one_f32, 4}, {one_f64, 8}, {one_raw, 8}};
    for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]); i++) {
        for (size_t len = 0; len < READS[i].size; len++) {
            uint8_t *exact = malloc(len + 1); /* on the heap: the sanitizer sees what goes past it */
            memset(exact, 0xFF, len + 1);
            kw_reader r = kw_reader_of((kw_bytes){exact + 1, len});
            assert_true(READS[i].read(&r) == 0);
            assert_int_equal(kw_reader_status(&r), KW_BAD_DECODING_ERROR);
            assert_int_equal(kw_reader_left(&r), 0);
            assert_int_equal(kw_read_u8(&r), 0);
            free(exact);
        }
    }
}

static void the_first_failure_stays(void **state)
{
    (void)state;
    kw_reader r = kw_reader_of(KW_STRING("abc"));
    kw_reader_fail(&r, KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(kw_reader_left(&r), 0);
    kw_read_u32(&r);
    assert_int_equal(kw_reader_status(&r), KW_BAD_ENCODING_LIMITS_EXCEEDED);
}

static kw_status status_of_bytes(const uint8_t *input, size_t len, kw_bytes *out)
{
    kw_reader r = kw_reader_of((kw_bytes){input, len});
    *out = kw_read_bytes(&r);
    return kw_reader_status(&r);
}

static void lengths_are_compared_with_what_is_left(void **state)
{
    (void)state;
    kw_bytes out;
    assert_int_equal(status_of_bytes((const uint8_t *)"\xFF\xFF\xFF\xFF", 4, &out), KW_GOOD);
    assert_null(out.data);
    assert_int_equal(status_of_bytes((const uint8_t *)"\0\0\0\0", 4, &out), KW_GOOD);
    assert_non_null(out.data);
    assert_int_equal(out.len, 0);
    assert_int_equal(status_of_bytes((const uint8_t *)"\2\0\0\0ab", 6, &out), KW_GOOD);
    assert_true(kw_string_equals(out, "ab"));
    assert_int_equal(status_of_bytes((const uint8_t *)"\3\0\0\0ab", 6, &out), KW_BAD_DECODING_ERROR);
    assert_null(out.data);
    assert_int_equal(status_of_bytes((const uint8_t *)"\xFF\xFF\xFF\x7F", 4, &out), KW_BAD_DECODING_ERROR);
    assert_int_equal(status_of_bytes((const uint8_t *)"\xFE\xFF\xFF\xFF", 4, &out), KW_BAD_DECODING_ERROR);
    assert_int_equal(status_of_bytes((const uint8_t *)"\x00\x00\x00\x80", 4, &out), KW_BAD_DECODING_ERROR);
}

static void a_length_near_the_largest_does_not_wrap(void **state)
{
    (void)state;
    kw_reader r = kw_reader_of(KW_STRING("abc"));
    assert_null(kw_read_raw(&r, SIZE_MAX).data);
    assert_int_equal(kw_reader_status(&r), KW_BAD_DECODING_ERROR);
}

static void no_bytes_at_all_can_be_read_from(void **state)
{
    (void)state;
    kw_reader r = kw_reader_of(KW_BYTES_NULL);
    assert_int_equal(kw_reader_left(&r), 0);
    assert_int_equal(kw_read_raw(&r, 0).len, 0);
    assert_int_equal(kw_reader_status(&r), KW_GOOD);
    assert_int_equal(kw_read_u8(&r), 0);
    assert_int_equal(kw_reader_status(&r), KW_BAD_DECODING_ERROR);
}

/* --- writer ------------------------------------------------------------------------------------------------------------ */

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    kw_writer w;
    kw_writer_init(&w, 1 << 16);
    kw_write_u8(&w, 0xAB);
    kw_write_u16(&w, 0xBEEF);
    kw_write_u32(&w, 0xDEADBEEF);
    kw_write_u64(&w, UINT64_C(0x0123456789ABCDEF));
    kw_write_i32(&w, INT32_MIN);
    kw_write_i64(&w, INT64_MIN);
    kw_write_f32(&w, 1.5f);
    kw_write_f64(&w, -2.25);
    kw_write_bytes(&w, KW_BYTES_NULL);
    kw_write_bytes(&w, KW_STRING(""));
    kw_write_bytes(&w, KW_STRING("text"));
    assert_int_equal(kw_writer_status(&w), KW_GOOD);

    kw_reader r = kw_reader_of(kw_writer_bytes(&w));
    assert_int_equal(kw_read_u8(&r), 0xAB);
    assert_int_equal(kw_read_u16(&r), 0xBEEF);
    assert_true(kw_read_u32(&r) == 0xDEADBEEF);
    assert_true(kw_read_u64(&r) == UINT64_C(0x0123456789ABCDEF));
    assert_true(kw_read_i32(&r) == INT32_MIN);
    assert_true(kw_read_i64(&r) == INT64_MIN);
    assert_true(kw_read_f32(&r) == 1.5f);
    assert_true(kw_read_f64(&r) == -2.25);
    assert_null(kw_read_bytes(&r).data);
    assert_non_null(kw_read_bytes(&r).data);
    assert_true(kw_string_equals(kw_read_bytes(&r), "text"));
    assert_int_equal(kw_reader_left(&r), 0);
    assert_int_equal(kw_reader_status(&r), KW_GOOD);
    kw_writer_clear(&w);
}

/* OPC 10000-6, 5.2.2.3: every NaN is written as the same one. */
static void every_nan_is_the_quiet_one(void **state)
{
    (void)state;
    uint8_t buffer[12];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    const uint32_t odd32 = 0xFFC12345u;
    const uint64_t odd64 = UINT64_C(0xFFF0000000000001);
    float f;
    double d;
    memcpy(&f, &odd32, sizeof(f));
    memcpy(&d, &odd64, sizeof(d));
    kw_write_f32(&w, f);
    kw_write_f64(&w, d);
    kw_reader r = kw_reader_of(kw_writer_bytes(&w));
    assert_true(kw_read_u32(&r) == 0x7FC00000u);
    assert_true(kw_read_u64(&r) == UINT64_C(0x7FF8000000000000));
}

static void the_maximum_holds_and_nothing_is_half_written(void **state)
{
    (void)state;
    for (size_t max = 0; max < 1200; max += 7) {
        kw_writer w;
        kw_writer_init(&w, max);
        size_t written = 0;
        while (written + 4 <= max) {
            kw_write_u32(&w, 7);
            written += 4;
            assert_int_equal(kw_writer_status(&w), KW_GOOD);
        }
        kw_write_u32(&w, 7);
        assert_int_equal(kw_writer_status(&w), KW_BAD_ENCODING_LIMITS_EXCEEDED);
        assert_int_equal(kw_writer_bytes(&w).len, written);
        kw_write_u8(&w, 1); /* dropped, even where it would fit */
        assert_int_equal(kw_writer_bytes(&w).len, written);
        assert_null(kw_writer_extend(&w, 0));
        kw_writer_reset(&w);
        assert_int_equal(kw_writer_status(&w), KW_GOOD);
        assert_int_equal(kw_writer_bytes(&w).len, 0);
        kw_writer_clear(&w);
    }
}

static void growth_keeps_what_was_written(void **state)
{
    (void)state;
    kw_writer w;
    kw_writer_init(&w, 1 << 20);
    for (uint32_t i = 0; i < 50000; i++) {
        kw_write_u32(&w, i * 2654435761u);
    }
    kw_reader r = kw_reader_of(kw_writer_bytes(&w));
    for (uint32_t i = 0; i < 50000; i++) {
        assert_true(kw_read_u32(&r) == i * 2654435761u);
    }
    assert_int_equal(kw_reader_left(&r), 0);
    kw_writer_wipe(&w);
    assert_null(w.data);
}

static void lengths_that_would_wrap_are_refused(void **state)
{
    (void)state;
    kw_writer w;
    kw_writer_init(&w, SIZE_MAX);
    kw_write_u8(&w, 1);
    assert_null(kw_writer_extend(&w, SIZE_MAX));
    assert_int_equal(kw_writer_status(&w), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    kw_writer_clear(&w);
    kw_writer_init(&w, SIZE_MAX);
    kw_write_bytes(&w, (kw_bytes){(const uint8_t *)"", (size_t)INT32_MAX + 1}); /* refused before it is read */
    assert_int_equal(kw_writer_status(&w), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    kw_writer_clear(&w);
}

static void a_fixed_buffer_does_not_grow(void **state)
{
    (void)state;
    uint8_t buffer[4];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_write_u32(&w, 1);
    assert_int_equal(kw_writer_status(&w), KW_GOOD);
    kw_write_u8(&w, 1);
    assert_int_equal(kw_writer_status(&w), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(w.len, 4);
    kw_writer_clear(&w); /* the buffer is the caller's */
    assert_ptr_equal(w.data, buffer);
}

static void a_length_is_patched_only_where_one_was_written(void **state)
{
    (void)state;
    uint8_t buffer[16];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_write_u16(&w, 0x1111);
    kw_write_u32(&w, 0);
    kw_writer_patch_u32(&w, 2, 0x22222222);
    kw_writer_patch_u32(&w, 3, 0x33333333);        /* would pass the end */
    kw_writer_patch_u32(&w, SIZE_MAX, 0x44444444); /* would wrap */
    assert_memory_equal(buffer, "\x11\x11\x22\x22\x22\x22", 6);
    assert_int_equal(w.len, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(a_read_past_the_end_yields_zero_and_ends_all_reading),
        cmocka_unit_test(the_first_failure_stays),
        cmocka_unit_test(lengths_are_compared_with_what_is_left),
        cmocka_unit_test(a_length_near_the_largest_does_not_wrap),
        cmocka_unit_test(no_bytes_at_all_can_be_read_from),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_nan_is_the_quiet_one),
        cmocka_unit_test(the_maximum_holds_and_nothing_is_half_written),
        cmocka_unit_test(growth_keeps_what_was_written),
        cmocka_unit_test(lengths_that_would_wrap_are_refused),
        cmocka_unit_test(a_fixed_buffer_does_not_grow),
        cmocka_unit_test(a_length_is_patched_only_where_one_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

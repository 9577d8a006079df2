/* The arena: zeroed, aligned, bounded, and no size that comes from outside can wrap around. */
#include "base/arena.h"
#include "support/test.h"

#include <stdint.h>
#include <string.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(1 << 20);
    uint8_t *former = NULL;
    for (size_t size = 0; size < 300; size++) {
        uint8_t *p = kw_arena_alloc(arena, size);
        assert_non_null(p);
        assert_ptr_not_equal(p, former); /* also those of no size */
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], 0);
            p[i] = 0xA5;
        }
        former = p;
    }
    kw_arena_free(arena);
}

static void after_a_reset_memory_is_zeroed_again(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(1 << 20);
    memset(kw_arena_alloc(arena, 4096), 0xFF, 4096);
    kw_arena_reset(arena);
    assert_int_equal(kw_arena_used(arena), 0);
    const uint8_t *p = kw_arena_alloc(arena, 4096);
    for (size_t i = 0; i < 4096; i++) {
        assert_int_equal(p[i], 0);
    }
    kw_arena_free(arena);
}

static void a_reset_keeps_the_first_block(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(1 << 20);
    const void *first = kw_arena_alloc(arena, 16);
    assert_non_null(kw_arena_alloc(arena, 100000)); /* a second block */
    kw_arena_reset(arena);
    assert_ptr_equal(kw_arena_alloc(arena, 16), first);
    kw_arena_free(arena);
}

static void the_limit_holds_and_what_was_allocated_stays(void **state)
{
    (void)state;
    for (size_t limit = 0; limit <= 40000; limit += 999) {
        kw_arena *arena = kw_arena_new(limit);
        size_t got = 0;
        while (kw_arena_alloc(arena, 160) != NULL) {
            got += 160;
        }
        assert_true(got <= limit);
        assert_int_equal(kw_arena_used(arena), got);
        assert_null(kw_arena_alloc(arena, limit + 1));
        kw_arena_free(arena);
    }
}

static void one_allocation_may_be_as_large_as_what_is_left(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(8192 + 65536);
    assert_non_null(kw_arena_alloc(arena, 8192));
    assert_null(kw_arena_alloc(arena, 65537));
    assert_non_null(kw_arena_alloc(arena, 65536));
    assert_null(kw_arena_alloc(arena, 1));
    kw_arena_free(arena);
}

static void sizes_that_would_wrap_are_refused(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(SIZE_MAX);
    assert_null(kw_arena_alloc(arena, SIZE_MAX));
    assert_null(kw_arena_alloc(arena, SIZE_MAX - 8));
    assert_null(kw_arena_alloc(arena, SIZE_MAX - 64));
    assert_null(kw_arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(kw_arena_array(arena, (SIZE_MAX >> 4) + 2, 16)); /* would be 16 after wrapping */
    assert_null(kw_arena_cstring(arena, (kw_string){(const uint8_t *)"", SIZE_MAX}));
    assert_non_null(kw_arena_array(arena, 0, SIZE_MAX));
    kw_arena_free(arena);
}

static void copies_keep_null_and_empty_apart(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(1024);
    assert_null(kw_arena_copy(arena, KW_BYTES_NULL).data);
    const kw_bytes empty = kw_arena_copy(arena, KW_STRING(""));
    assert_non_null(empty.data);
    assert_int_equal(empty.len, 0);
    const kw_string source = KW_STRING("as it is");
    const kw_string copy = kw_arena_copy(arena, source);
    assert_true(kw_bytes_equal(copy, source));
    assert_ptr_not_equal(copy.data, source.data);
    assert_null(kw_arena_copy(arena, (kw_bytes){(const uint8_t *)"", 4096}).data); /* refused before it is read */
    assert_string_equal(kw_arena_cstring(arena, KW_STRING("text")), "text");
    assert_string_equal(kw_arena_cstring(arena, KW_BYTES_NULL), "");
    kw_arena_free(arena);
}

static void formats_what_fits_and_is_null_otherwise(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(64);
    const kw_string text = kw_arena_format(arena, "%s-%d", "node", 42);
    assert_true(kw_string_equals(text, "node-42"));
    assert_null(kw_arena_format(arena, "%100d", 1).data);
    kw_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(after_a_reset_memory_is_zeroed_again),
        cmocka_unit_test(a_reset_keeps_the_first_block),
        cmocka_unit_test(the_limit_holds_and_what_was_allocated_stays),
        cmocka_unit_test(one_allocation_may_be_as_large_as_what_is_left),
        cmocka_unit_test(sizes_that_would_wrap_are_refused),
        cmocka_unit_test(copies_keep_null_and_empty_apart),
        cmocka_unit_test(formats_what_fits_and_is_null_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

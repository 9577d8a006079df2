/* Secrets: compared as a whole, kept out of core dumps, gone after they are cleared. */
#include "base/secret.h"
#include "support/test.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void a_secret_is_a_copy_of_its_own(void **state)
{
    (void)state;
    char password[] = "correct horse";
    kw_secret s = KW_SECRET_NONE;
    assert_int_equal(kw_secret_copy(&s, kw_string_from(password)), KW_GOOD);
    kw_wipe(password, sizeof(password));
    assert_int_equal(password[0], 0);
    assert_true(kw_string_equals(kw_secret_bytes(&s), "correct horse"));
    kw_secret_clear(&s);
    assert_null(s.data);
    assert_int_equal(s.len, 0);
    kw_secret_clear(&s); /* once more does no harm */
}

static void every_length_has_its_room(void **state)
{
    (void)state;
    static const size_t LENGTHS[] = {0, 1, 15, 16, 4079, 4080, 4081, 4095, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
        kw_secret s;
        assert_int_equal(kw_secret_init(&s, LENGTHS[i]), KW_GOOD);
        assert_int_equal(s.len, LENGTHS[i]);
        for (size_t j = 0; j < s.len; j++) {
            assert_int_equal(s.data[j], 0);
            s.data[j] = 0xFF;
        }
        kw_secret_clear(&s);
    }
}

static void sizes_that_would_wrap_are_refused(void **state)
{
    (void)state;
    kw_secret s = KW_SECRET_NONE;
    assert_int_equal(kw_secret_init(&s, SIZE_MAX), KW_BAD_OUT_OF_MEMORY);
    assert_int_equal(kw_secret_init(&s, SIZE_MAX / 2 + 1), KW_BAD_OUT_OF_MEMORY);
    assert_null(s.data);
}

/* The flags that the kernel keeps for the pages with this address; false when nothing is mapped there. */
static bool flags_of(const void *address, char flags[256])
{
    char line[512];
    bool inside = false, found = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    if (maps == NULL) {
        skip();
    }
    while (!found && fgets(line, sizeof(line), maps) != NULL) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            snprintf(flags, 256, "%.255s", line + 8);
            found = true;
        }
    }
    fclose(maps);
    return found;
}

static void secrets_are_left_out_of_core_dumps(void **state)
{
    (void)state;
    char flags[256];
    kw_secret s;
    assert_int_equal(kw_secret_init(&s, 32), KW_GOOD);
    assert_true(flags_of(s.data, flags));
    assert_non_null(strstr(flags, " dd"));
    kw_secret_clear(&s);
}

/* An owner that asked for more than it needed lowers `len`; all pages go all the same. */
static void a_shortened_secret_leaves_no_page_behind(void **state)
{
    (void)state;
    kw_secret s;
    assert_int_equal(kw_secret_init(&s, 64 * 4096), KW_GOOD);
    memset(s.data, 'x', s.len);
    s.len = 10;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *last = (void *)(((uintptr_t)s.data + 63 * 4096) / page * page);
    unsigned char resident;
    assert_int_equal(mincore(last, 1, &resident), 0);
    kw_secret_clear(&s);
    assert_int_equal(mincore(last, 1, &resident), -1); /* nothing is mapped there any more */
}

static void equal_means_the_same_length_and_every_byte(void **state)
{
    (void)state;
    uint8_t a[40], b[40];
    memset(a, 0x5A, sizeof(a));
    memcpy(b, a, sizeof(a));
    assert_true(kw_secret_equal((kw_bytes){a, 40}, (kw_bytes){b, 40}));
    assert_false(kw_secret_equal((kw_bytes){a, 40}, (kw_bytes){b, 39}));
    assert_false(kw_secret_equal((kw_bytes){a, 0}, (kw_bytes){b, 1}));
    assert_true(kw_secret_equal(KW_BYTES_NULL, KW_BYTES_NULL));
    for (size_t bit = 0; bit < sizeof(b) * 8; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(kw_secret_equal((kw_bytes){a, 40}, (kw_bytes){b, 40}));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_is_a_copy_of_its_own),
        cmocka_unit_test(every_length_has_its_room),
        cmocka_unit_test(sizes_that_would_wrap_are_refused),
        cmocka_unit_test(secrets_are_left_out_of_core_dumps),
        cmocka_unit_test(a_shortened_secret_leaves_no_page_behind),
        cmocka_unit_test(equal_means_the_same_length_and_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

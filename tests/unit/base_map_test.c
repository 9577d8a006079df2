/* The map against an array that is searched: same keys, same steps, from a seed. */
#include "base/map.h"
#include "support/test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 600

static unsigned rounds(void)
{
    return getenv("KW_LONG") != NULL ? 50 : 3;
}

/* Keys of every length around the eight bytes that the hash takes at a time; number 0 is the empty one. */
static kw_bytes key_of(int number, uint8_t buffer[32])
{
    const int len = number == 0 ? 0 : snprintf((char *)buffer, 32, "%.*s%d", number % 20, "....................", number);
    return (kw_bytes){buffer, (size_t)len};
}

static void does_what_a_plain_array_would(void **state)
{
    (void)state;
    static int values[KEYS * 4];
    for (unsigned round = 0; round < rounds(); round++) {
        void *model[KEYS] = {NULL};
        size_t count = 0;
        srand(round + 1);
        kw_map *map = kw_map_new();
        for (int step = 0; step < 20000; step++) {
            uint8_t buffer[32];
            const int number = rand() % KEYS;
            const kw_bytes key = key_of(number, buffer);
            if (rand() % 100 < (step / 4000 % 2 == 0 ? 70 : 25)) { /* it fills, it empties, it fills again */
                void *former = &count, *value = &values[rand() % (KEYS * 4)];
                assert_int_equal(kw_map_put(map, key, value, &former), KW_GOOD);
                assert_ptr_equal(former, model[number]);
                count += model[number] == NULL;
                model[number] = value;
            } else {
                assert_ptr_equal(kw_map_remove(map, key), model[number]);
                count -= model[number] != NULL;
                model[number] = NULL;
            }
            memset(buffer, 0xEE, sizeof(buffer)); /* the map has a copy */
            assert_ptr_equal(kw_map_get(map, key_of(number, buffer)), model[number]);
            assert_int_equal(kw_map_count(map), count);
        }
        for (int number = 0; number < KEYS; number++) {
            uint8_t buffer[32];
            assert_ptr_equal(kw_map_get(map, key_of(number, buffer)), model[number]);
        }
        kw_map_free(map);
    }
}

static void an_iteration_sees_each_entry_once_and_may_remove_it(void **state)
{
    (void)state;
    kw_map *map = kw_map_new();
    int seen[100] = {0};
    for (int i = 0; i < 100; i++) {
        kw_map_put(map, (kw_bytes){(const uint8_t *)&i, sizeof(i)}, &seen[i], NULL);
    }
    size_t cursor = 0;
    kw_bytes key;
    void *value;
    while (kw_map_next(map, &cursor, &key, &value)) {
        int i;
        assert_int_equal(key.len, sizeof(i));
        memcpy(&i, key.data, sizeof(i));
        assert_ptr_equal(value, &seen[i]);
        assert_int_equal(seen[i]++, 0);
        if (i % 2 == 0) {
            assert_ptr_equal(kw_map_remove(map, key), value);
        }
    }
    assert_int_equal(kw_map_count(map), 50);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(seen[i], 1);
        assert_ptr_equal(kw_map_get(map, (kw_bytes){(const uint8_t *)&i, sizeof(i)}), i % 2 == 0 ? NULL : (void *)&seen[i]);
    }
    kw_map_free(map);
}

static void keys_are_told_apart_by_length_and_by_every_byte(void **state)
{
    (void)state;
    kw_map *map = kw_map_new();
    static const uint8_t ZEROS[40];
    static int value[41];
    for (size_t len = 0; len <= 40; len++) {
        assert_int_equal(kw_map_put(map, (kw_bytes){ZEROS, len}, &value[len], NULL), KW_GOOD);
    }
    assert_int_equal(kw_map_count(map), 41);
    for (size_t len = 0; len <= 40; len++) {
        assert_ptr_equal(kw_map_get(map, (kw_bytes){ZEROS, len}), &value[len]);
    }
    for (size_t i = 0; i < 40; i++) {
        uint8_t other[40] = {0};
        other[i] = 1;
        assert_null(kw_map_get(map, (kw_bytes){other, 40}));
    }
    kw_map_free(map);
}

static void coming_and_going_for_long_does_not_fill_it_up(void **state)
{
    (void)state;
    kw_map *map = kw_map_new();
    static int value;
    for (uint32_t i = 0; i < 200000; i++) { /* Session ids: each new, each removed; what is left behind must be cleaned away */
        const kw_bytes key = {(const uint8_t *)&i, sizeof(i)};
        assert_int_equal(kw_map_put(map, key, &value, NULL), KW_GOOD);
        assert_ptr_equal(kw_map_remove(map, key), &value);
    }
    assert_int_equal(kw_map_count(map), 0);
    kw_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_a_plain_array_would),
        cmocka_unit_test(an_iteration_sees_each_entry_once_and_may_remove_it),
        cmocka_unit_test(keys_are_told_apart_by_length_and_by_every_byte),
        cmocka_unit_test(coming_and_going_for_long_does_not_fill_it_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

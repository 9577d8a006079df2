/* Secrets at rest: they open with the right key and context only. */
#include "crypto/seal.h"
#include "support/kw_test_env.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <string.h>

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define CONTEXT KW_STRING("a context")
#define PLAIN KW_STRING("-----BEGIN PRIVATE KEY-----")

typedef struct seal_test {
    kw_arena *arena;
    kw_test_random random;
    kw_seal_keys keys;
} seal_test;

static int setup(void **state)
{
    static seal_test t;
    t.arena = kw_arena_new((size_t)1 << 20);
    kw_test_random_init(&t.random, 1);
    assert_status(kw_seal_keys_parse(KW_STRING(KEY_A), &t.keys), KW_GOOD);
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    seal_test *t = *state;
    kw_arena_free(t->arena);
    kw_seal_keys_clear(&t->keys);
    return 0;
}

static kw_bytes seal(seal_test *t)
{
    kw_bytes sealed;
    assert_status(kw_seal(&t->keys, CONTEXT, PLAIN, &t->random.random, t->arena, &sealed), KW_GOOD);
    return sealed;
}

static void what_is_sealed_opens_again(void **state)
{
    seal_test *t = *state;
    kw_secret plain;
    const kw_bytes sealed = seal(t), again = seal(t);
    assert_true(kw_is_sealed(sealed));
    assert_false(kw_is_sealed(PLAIN));
    assert_false(kw_bytes_equal(sealed, again)); /* no two are alike */
    assert_null(memmem(sealed.data, sealed.len, "PRIVATE", 7));
    assert_status(kw_unseal(&t->keys, CONTEXT, sealed, &plain), KW_GOOD);
    assert_true(kw_bytes_equal(kw_secret_bytes(&plain), PLAIN));
    kw_secret_clear(&plain);
    kw_bytes empty;
    assert_status(kw_seal(&t->keys, KW_BYTES_NULL, KW_BYTES_NULL, &t->random.random, t->arena, &empty), KW_GOOD);
    assert_status(kw_unseal(&t->keys, KW_BYTES_NULL, empty, &plain), KW_GOOD);
    assert_int_equal(plain.len, 0);
    kw_secret_clear(&plain);
}

static void a_changed_byte_anywhere_is_noticed(void **state)
{
    seal_test *t = *state;
    kw_secret plain;
    const kw_bytes sealed = seal(t);
    for (size_t i = 0; i < sealed.len; i++) {
        uint8_t *bytes = (uint8_t *)kw_arena_copy(t->arena, sealed).data;
        bytes[i] ^= 1;
        assert_true(kw_status_is_bad(kw_unseal(&t->keys, CONTEXT, (kw_bytes){bytes, sealed.len}, &plain)));
    }
    for (size_t len = 0; len < sealed.len; len++) {
        assert_true(kw_status_is_bad(kw_unseal(&t->keys, CONTEXT, (kw_bytes){sealed.data, len}, &plain)));
    }
    assert_status(kw_unseal(&t->keys, KW_STRING("another"), sealed, &plain), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_status(kw_unseal(&t->keys, CONTEXT, PLAIN, &plain), KW_BAD_DECODING_ERROR);
}

static void a_wrong_key_is_told_from_damage(void **state)
{
    seal_test *t = *state;
    kw_secret plain;
    kw_seal_keys other;
    const kw_bytes sealed = seal(t);
    assert_status(kw_seal_keys_parse(KW_STRING(KEY_B), &other), KW_GOOD);
    assert_status(kw_unseal(&other, CONTEXT, sealed, &plain), KW_BAD_NOT_FOUND);
    kw_seal_keys_clear(&other);
}

static void the_first_key_seals_and_all_open(void **state)
{
    seal_test *t = *state;
    kw_secret plain;
    kw_seal_keys both;
    const kw_bytes former = seal(t);
    assert_status(kw_seal_keys_parse(KW_STRING("# two\r\n\n" KEY_B "\r\n" KEY_A "\n"), &both), KW_GOOD);
    assert_int_equal(both.count, 2);
    assert_false(kw_is_sealed_with_first(&both, former));
    assert_true(kw_is_sealed_with_first(&t->keys, former));
    assert_status(kw_unseal(&both, CONTEXT, former, &plain), KW_GOOD);
    kw_secret_clear(&plain);
    kw_bytes sealed;
    assert_status(kw_seal(&both, CONTEXT, PLAIN, &t->random.random, t->arena, &sealed), KW_GOOD);
    assert_true(kw_is_sealed_with_first(&both, sealed));
    assert_status(kw_unseal(&t->keys, CONTEXT, sealed, &plain), KW_BAD_NOT_FOUND);
    kw_seal_keys_clear(&both);
}

static void what_is_no_key_file_is_refused(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"", "# nothing\n", "\n\n", "0011", KEY_A "00", KEY_A "\nx", "g" KEY_A, KEY_A " " KEY_B};
    kw_seal_keys keys;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        assert_status(kw_seal_keys_parse(kw_string_from(WRONG[i]), &keys), KW_BAD_DECODING_ERROR);
        assert_int_equal(keys.count, 0);
    }
    char many[9 * sizeof(KEY_A) + 1] = "";
    for (int i = 0; i < 9; i++) {
        strcat(many, KEY_A "\n");
    }
    assert_status(kw_seal_keys_parse(kw_string_from(many), &keys), KW_BAD_DECODING_ERROR);
}

/* Wrapped keys are hexadecimal digits that mean more; here the key is what is wrapped, backwards. */
static kw_status open_backwards(void *ctx, kw_bytes wrapped, kw_secret *key)
{
    unsigned *calls = ctx;
    (*calls)++;
    if (wrapped.len == 1) {
        return KW_BAD_LOCKED;
    }
    const kw_status status = kw_secret_init(key, wrapped.len);
    for (size_t i = 0; !kw_status_is_bad(status) && i < wrapped.len; i++) {
        key->data[i] = wrapped.data[wrapped.len - 1 - i];
    }
    return status;
}

static void wrapped_keys_are_opened_by_whoever_wrapped_them(void **state)
{
    (void)state;
    unsigned calls = 0;
    const kw_seal_unwrap unwrap = {open_backwards, &calls};
    const kw_string both = KW_STRING("pkcs11:" KEY_A "\n" KEY_B "\n");
    kw_seal_keys keys, plain;
    assert_status(kw_seal_keys_parse_wrapped(both, &unwrap, &keys), KW_GOOD);
    assert_int_equal(keys.count, 2);
    assert_int_equal(calls, 1);
    assert_int_equal(keys.keys[0].data[0], 0xFF);
    assert_int_equal(keys.keys[0].data[31], 0x00);
    kw_seal_keys_clear(&keys);
    assert_status(kw_seal_keys_parse(both, &plain), KW_BAD_CONFIGURATION_ERROR);
    assert_int_equal(plain.count, 0);
    assert_status(kw_seal_keys_parse_wrapped(KW_STRING(KEY_B "\npkcs11:00"), &unwrap, &keys), KW_BAD_LOCKED);
    assert_status(kw_seal_keys_parse_wrapped(KW_STRING("pkcs11:" KEY_A KEY_B), &unwrap, &keys), KW_BAD_DECODING_ERROR); /* 64 bytes */
    calls = 0;
    static const char *const WRONG[] = {"pkcs11:", "pkcs11:0", "pkcs11:0g", "pkcs11 " KEY_A, "pkcs11:" KEY_A KEY_A KEY_A KEY_A "00"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        assert_status(kw_seal_keys_parse_wrapped(kw_string_from(WRONG[i]), &unwrap, &keys), KW_BAD_DECODING_ERROR);
        assert_int_equal(keys.count, 0);
    }
    assert_int_equal(calls, 0);
}

#define SEALING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALING(what_is_sealed_opens_again),      SEALING(a_changed_byte_anywhere_is_noticed),
        SEALING(a_wrong_key_is_told_from_damage), SEALING(the_first_key_seals_and_all_open),
        SEALING(what_is_no_key_file_is_refused),  SEALING(wrapped_keys_are_opened_by_whoever_wrapped_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

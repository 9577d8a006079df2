/* A token that wraps, as far as it shows without one: what is said of it, and how its PIN is spared. tests/e2e/hsm.sh has a real one. */
#include "crypto/pkcs11.h"
#include "support/kw_test_store.h"
#include "support/test.h"
#include "support/token/fake_token.h"

#include <dlfcn.h>

#define CONTEXT KW_STRING("a context")

static fake_token_state *token; /* of the module */

static int load_token(void **state)
{
    (void)state;
    void *module = dlopen(KW_FAKE_TOKEN, RTLD_NOW | RTLD_NODELETE);
    token = module != NULL ? dlsym(module, "fake_token") : NULL;
    return token != NULL ? 0 : -1;
}

static int new_token(void **state)
{
    (void)state;
    *token = (fake_token_state){.tries_left = 3, .keys = 1};
    return 0;
}

static kw_status unwrap_with(const char *label, const char *pin, size_t len)
{
    static const uint8_t BYTES[256] = {0};
    const kw_pkcs11 where = {.module = KW_FAKE_TOKEN, .token = label, .key = "a key", .pin = kw_string_from(pin)};
    kw_secret plain = KW_SECRET_NONE;
    const kw_status status = kw_pkcs11_unwrap(&where, CONTEXT, (kw_bytes){BYTES, len}, &plain);
    assert_int_equal(plain.len, kw_status_is_bad(status) ? 0 : len - 28);
    kw_secret_clear(&plain);
    assert_int_equal(token->sessions, 0);
    return status;
}

static void the_last_try_of_a_pin_is_left_to_people(void **state)
{
    (void)state;
    assert_status(unwrap_with("fake", "4321", 60), KW_BAD_USER_ACCESS_DENIED);
    assert_status(unwrap_with("fake", "4321", 60), KW_BAD_USER_ACCESS_DENIED);
    assert_status(unwrap_with("fake", "4321", 60), KW_BAD_LOCKED);
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_LOCKED); /* nobody can know that it is right now */
    assert_int_equal(token->logins, 2);
    assert_int_equal(token->tries_left, 1);
    token->tries_left = 0;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_LOCKED);
    assert_int_equal(token->logins, 2);
    token->tries_left = 3;
    assert_status(unwrap_with("fake", "1234", 60), KW_GOOD);
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    const kw_pkcs11 nowhere = {.module = "/nowhere/module.so", .token = "fake", .key = "a key", .pin = KW_STRING("1234")};
    const kw_pkcs11 no_module = {.module = "libm.so.6", .token = "fake", .key = "a key", .pin = KW_STRING("1234")};
    kw_secret plain = KW_SECRET_NONE;
    uint8_t wrapped[60] = {0};
    assert_status(kw_pkcs11_unwrap(&nowhere, CONTEXT, (kw_bytes){wrapped, 60}, &plain), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(kw_pkcs11_unwrap(&no_module, CONTEXT, (kw_bytes){wrapped, 60}, &plain), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(unwrap_with("fak", "1234", 60), KW_BAD_NO_COMMUNICATION);
    assert_status(unwrap_with("fake ", "1234", 60), KW_GOOD); /* padding */
    assert_status(unwrap_with("a label that is longer than any token has", "1234", 60), KW_BAD_NO_COMMUNICATION);
    token->keys = 0;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_NO_ENTRY_EXISTS);
    token->keys = 2;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_TOO_MANY_MATCHES);
}

static void what_the_token_will_not_do_is_told_from_what_it_will_not_open(void **state)
{
    (void)state;
    token->what_opens_says = CKR_ENCRYPTED_DATA_INVALID;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_NO_MATCH);
    token->what_encrypts_says = CKR_MECHANISM_INVALID;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_NOT_SUPPORTED);
    token->what_encrypts_says = CKR_DEVICE_ERROR;
    assert_status(unwrap_with("fake", "1234", 60), KW_BAD_DEVICE_FAILURE);
}

static void nothing_too_short_reaches_the_token(void **state)
{
    (void)state;
    assert_status(unwrap_with("fake", "1234", 27), KW_BAD_DECODING_ERROR);
    assert_status(unwrap_with("fake", "1234", 0), KW_BAD_DECODING_ERROR);
    assert_int_equal(token->logins, 0);
    assert_status(unwrap_with("fake", "1234", 28), KW_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_try_of_a_pin_is_left_to_people, new_token),
        cmocka_unit_test_setup(what_is_missing_is_named, new_token),
        cmocka_unit_test_setup(what_the_token_will_not_do_is_told_from_what_it_will_not_open, new_token),
        cmocka_unit_test_setup(nothing_too_short_reaches_the_token, new_token),
    };
    return cmocka_run_group_tests(tests, load_token, NULL);
}

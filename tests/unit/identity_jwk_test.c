/* JSON Web Keys of the Edwards curves: the examples of RFC 8037, appendix A. */
#include "identity/jwt.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#define X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define INPUT "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define SIGNATURE "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static kw_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = kw_arena_new(65536);
    return arena != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    kw_arena_free(arena);
    return 0;
}

/* How many of the keys in this JWK Set are understood. */
static size_t understood(const char *keys)
{
    const char *why = NULL;
    kw_jwks *jwks = NULL;
    const kw_string text = kw_arena_format(arena, "{\"keys\":[%s]}", keys);
    assert_status(kw_jwks_parse(text, &jwks, &why), KW_GOOD);
    const size_t count = kw_jwks_count(jwks);
    kw_jwks_release(jwks);
    return count;
}

static void a_signature_of_the_standard_is_verified(void **state)
{
    (void)state;
    const char *why = NULL;
    kw_jwks *jwks = NULL;
    kw_bytes signature;
    assert_status(
        kw_jwks_parse(KW_STRING("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\",\"alg\":\"EdDSA\"}]}"), &jwks, &why),
        KW_GOOD);
    assert_int_equal(kw_jwks_count(jwks), 1);
    const kw_jwk *key = kw_jwks_at(jwks, 0);
    assert_text(key->thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"); /* A.3 */
    assert_status(kw_base64url_decode(KW_STRING(SIGNATURE), arena, &signature), KW_GOOD);
    assert_status(kw_jose_verify(KW_STRING("EdDSA"), key->key, KW_STRING(INPUT), signature), KW_GOOD);
    assert_status(kw_jose_verify(KW_STRING("EdDSA"), key->key, KW_STRING(INPUT "x"), signature), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_status(kw_jose_verify(KW_STRING("ES256"), key->key, KW_STRING(INPUT), signature), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_true(kw_jwks_has_key_for(jwks, KW_BYTES_NULL, KW_STRING("EdDSA")));
    assert_true(kw_jwks_has_key_for(jwks, KW_BYTES_NULL, KW_STRING("Ed25519"))); /* its newer name */
    assert_status(kw_jose_verify(KW_STRING("Ed25519"), key->key, KW_STRING(INPUT), signature), KW_GOOD);
    assert_false(kw_jwks_has_key_for(jwks, KW_BYTES_NULL, KW_STRING("ES256")));
    kw_jwks_release(jwks);
}

static void a_key_is_written_as_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *alg;
        kw_key_type type;
    } kinds[] = {{"EdDSA", KW_KEY_ED25519}, {"EdDSA", KW_KEY_ED448}, {"ES256", KW_KEY_EC_P256}, {"ES384", KW_KEY_EC_P384}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        kw_private_key *own = NULL;
        kw_jwk jwk = {.kid = KW_STRING("k"), .alg = kw_string_from(kinds[i].alg)};
        kw_bytes signature;
        kw_jwks *jwks = NULL;
        const char *why = NULL;
        assert_status(kw_private_key_generate(kinds[i].type, 0, &own), KW_GOOD);
        assert_status(kw_public_key_of(own, &jwk.key), KW_GOOD);
        const kw_string text = kw_arena_format(arena, "{\"keys\":[%.*s]}", KW_STRING_ARGS(kw_jwk_to_json(arena, &jwk)));
        assert_status(kw_jwks_parse(text, &jwks, &why), KW_GOOD);
        assert_int_equal(kw_jwks_count(jwks), 1);
        assert_int_equal(kw_public_key_type(kw_jwks_at(jwks, 0)->key), kinds[i].type);
        assert_status(kw_jose_sign(jwk.alg, own, KW_STRING("text"), arena, &signature), KW_GOOD);
        assert_status(kw_jose_verify(jwk.alg, kw_jwks_at(jwks, 0)->key, KW_STRING("text"), signature), KW_GOOD);
        kw_jwks_release(jwks);
        kw_public_key_release(jwk.key);
        kw_private_key_release(own);
    }
}

static void unfit_keys_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\"}"), 1);
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" X "\"}"), 0); /* agrees, signs nothing */
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" X "\"}"), 0);  /* of another length */
    assert_int_equal(understood("{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" X "\"}"), 0); /* of another type */
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" X "\"}"), 0);
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), 0);
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\",\"alg\":\"ES256\"}"), 0);
    assert_int_equal(understood("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\",\"use\":\"enc\"}"), 0);
}

static void a_private_one_spoils_the_set(void **state)
{
    (void)state;
    const char *why = NULL;
    kw_jwks *jwks = NULL;
    const kw_string text = KW_STRING("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\",\"d\":\"AAAA\"}]}");
    assert_status(kw_jwks_parse(text, &jwks, &why), KW_BAD_DECODING_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_of_the_standard_is_verified),
        TEST(a_key_is_written_as_it_is_read),
        TEST(unfit_keys_are_passed_over),
        TEST(a_private_one_spoils_the_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

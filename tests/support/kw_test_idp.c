#include "support/kw_test_idp.h"

#include "identity/jwt.h"
#include "support/test.h"

#include <stdio.h>

static const char METADATA[] = "{\"issuer\":\"" KW_TEST_IDP_URI "\",\"jwks_uri\":\"" KW_TEST_IDP_JWKS "\",\"claims_supported\":[\"sub\"]}";

kw_string kw_test_idp_jwks(const kw_test_idp *idp, kw_arena *arena)
{
    kw_string text = KW_STRING("{\"keys\":[");
    const char *separator = "";
    for (size_t i = 0; i < idp->key_count; i++) {
        if (!idp->keys[i].is_published) {
            continue;
        }
        kw_jwk jwk = {.kid = kw_string_from(idp->keys[i].kid), .alg = kw_string_from(idp->keys[i].alg)};
        assert_int_equal(kw_public_key_of(idp->keys[i].key, &jwk.key), KW_GOOD);
        text = kw_arena_format(arena, "%.*s%s%.*s", KW_STRING_ARGS(text), separator, KW_STRING_ARGS(kw_jwk_to_json(arena, &jwk)));
        separator = ",";
        kw_public_key_release(jwk.key);
    }
    return kw_arena_format(arena, "%.*s]}", KW_STRING_ARGS(text));
}

static kw_status get(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why)
{
    kw_test_idp *idp = ctx;
    const bool is_jwks = kw_string_equals(request->url, KW_TEST_IDP_JWKS);
    idp->gets++;
    idp->key_gets += is_jwks;
    if (idp->on_get != NULL) {
        idp->on_get(idp->on_get_ctx);
    }
    if (idp->is_down) {
        *why = "no route to it";
        return KW_BAD_COMMUNICATION_ERROR;
    }
    if (is_jwks) {
        *out = idp->jwks != NULL ? kw_string_from(idp->jwks) : kw_test_idp_jwks(idp, arena);
        return KW_GOOD;
    }
    if (kw_string_equals(request->url, KW_TEST_IDP_METADATA)) {
        *out = kw_string_from(idp->metadata != NULL ? idp->metadata : METADATA);
        return KW_GOOD;
    }
    *why = "the answer was HTTP 404";
    return KW_BAD_NOT_FOUND;
}

void kw_test_idp_init(kw_test_idp *idp)
{
    *idp = (kw_test_idp){.fetch = {.get = get, .ctx = idp}};
}

void kw_test_idp_clear(kw_test_idp *idp)
{
    for (size_t i = 0; i < idp->key_count; i++) {
        kw_private_key_release(idp->keys[i].key);
    }
    idp->key_count = 0;
}

kw_test_idp_key *kw_test_idp_add_key(kw_test_idp *idp, const char *kid)
{
    return kw_test_idp_add_key_for(idp, kid, "ES256");
}

kw_test_idp_key *kw_test_idp_add_key_for(kw_test_idp *idp, const char *kid, const char *alg)
{
    assert_true(idp->key_count < KW_TEST_IDP_KEYS);
    kw_test_idp_key *key = &idp->keys[idp->key_count++];
    snprintf(key->kid, sizeof(key->kid), "%s", kid);
    key->is_published = true;
    key->alg = alg;
    assert_int_equal(kw_private_key_generate(kw_jose_key_type(kw_string_from(alg)), 2048, &key->key), KW_GOOD);
    return key;
}

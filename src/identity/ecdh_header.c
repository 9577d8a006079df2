#include "identity/ecdh_header.h"

#include "base/cursor.h"
#include "base/try.h"
#include "ua/codec.h"

#define POLICY_URI "ECDHPolicyUri"
#define KEY "ECDHKey"

/* In namespace 0. NULL: there is none of this name. */
static const kw_variant *find(const kw_extension_object *header, const char *name)
{
    const kw_additional_parameters_type *all = kw_extension_object_get(header, KW_TYPE_ADDITIONAL_PARAMETERS_TYPE);
    for (size_t i = 0; all != NULL && i < all->parameters_count; i++) {
        const kw_key_value_pair *p = &all->parameters[i];
        if (p->key.ns == 0 && kw_string_equals(p->key.name, name)) {
            return &p->value;
        }
    }
    return NULL;
}

static kw_status put(const char *name, kw_variant value, kw_arena *arena, kw_extension_object *header)
{
    kw_additional_parameters_type *all = KW_ARENA_NEW(arena, kw_additional_parameters_type);
    kw_key_value_pair *pair = KW_ARENA_NEW(arena, kw_key_value_pair);
    if (all == NULL || pair == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *pair = (kw_key_value_pair){.key = {0, kw_string_from(name)}, .value = value};
    *all = (kw_additional_parameters_type){.parameters_count = 1, .parameters = pair};
    *header = kw_extension_object_of(KW_TYPE_ADDITIONAL_PARAMETERS_TYPE, all);
    return KW_GOOD;
}

/* --- the Server's side -------------------------------------------------------------------------------------------------- */

kw_string kw_ecdh_policy_uri(const kw_extension_object *header)
{
    const kw_variant *value = find(header, POLICY_URI);
    const kw_string *uri = value != NULL ? kw_variant_get(value, KW_BUILTIN_STRING) : NULL;
    return uri != NULL && uri->len > 0 ? *uri : KW_BYTES_NULL;
}

static kw_ephemeral_key_type structure_of(const kw_receiver_key *key, kw_arena *arena)
{
    return (kw_ephemeral_key_type){.public_key = kw_arena_copy(arena, kw_receiver_key_public(key)),
                                   .signature = kw_arena_copy(arena, kw_receiver_key_signature(key))};
}

static kw_status answer_with_key(const kw_receiver_key *key, kw_arena *arena, kw_extension_object *header)
{
    kw_ephemeral_key_type *structure = KW_ARENA_NEW(arena, kw_ephemeral_key_type);
    kw_extension_object *object = KW_ARENA_NEW(arena, kw_extension_object);
    if (structure == NULL || object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *structure = structure_of(key, arena);
    *object = kw_extension_object_of(KW_TYPE_EPHEMERAL_KEY_TYPE, structure);
    const bool is_whole = structure->public_key.data != NULL && structure->signature.data != NULL;
    return is_whole ? put(KEY, kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, object), arena, header) : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_ecdh_answer(const kw_receiver_key *key, kw_arena *arena, kw_extension_object *header)
{
    if (key != NULL) {
        return answer_with_key(key, arena, header);
    }
    kw_status *status = KW_ARENA_NEW(arena, kw_status);
    if (status == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *status = KW_BAD_SECURITY_POLICY_REJECTED;
    return put(KEY, kw_variant_scalar(KW_BUILTIN_STATUS_CODE, status), arena, header);
}

kw_status kw_ecdh_encode(const kw_receiver_key *key, kw_arena *arena, kw_bytes *out)
{
    const kw_bytes public = kw_receiver_key_public(key), signature = kw_receiver_key_signature(key);
    const size_t len = 4 + public.len + 4 + signature.len;
    uint8_t *bytes = kw_arena_alloc(arena, len);
    kw_writer w;
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_writer_init_fixed(&w, bytes, len);
    kw_write_bytes(&w, public);
    kw_write_bytes(&w, signature);
    *out = kw_writer_bytes(&w);
    return kw_writer_status(&w);
}

/* --- the Client's side -------------------------------------------------------------------------------------------------- */

kw_status kw_ecdh_ask(const kw_security_policy *policy, kw_arena *arena, kw_extension_object *header)
{
    kw_string *uri = KW_ARENA_NEW(arena, kw_string);
    if (uri == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *uri = kw_string_from(policy->uri);
    return put(POLICY_URI, kw_variant_scalar(KW_BUILTIN_STRING, uri), arena, header);
}

/* Whoever could put his own key here would read the password: it is the Server's, or none. */
static kw_status check(const kw_ephemeral_key_type *structure, const kw_security_policy *policy, const kw_certificate *signer,
                       kw_bytes *key)
{
    const bool is_signed = signer != NULL && kw_asym_verify(policy, kw_certificate_public_key(signer), &structure->public_key, 1,
                                                            structure->signature) == KW_GOOD;
    if (!is_signed) {
        return KW_BAD_APPLICATION_SIGNATURE_INVALID;
    }
    *key = structure->public_key;
    return KW_GOOD;
}

kw_status kw_ecdh_read(const kw_extension_object *header, const kw_security_policy *policy, const kw_certificate *signer, kw_bytes *key)
{
    const kw_variant *value = find(header, KEY);
    *key = KW_BYTES_NULL;
    if (value == NULL) {
        return KW_GOOD;
    }
    const kw_status *refusal = kw_variant_get(value, KW_BUILTIN_STATUS_CODE);
    if (refusal != NULL) {
        return kw_status_is_bad(*refusal) ? KW_BAD_SECURITY_POLICY_REJECTED : KW_BAD_DECODING_ERROR;
    }
    const kw_extension_object *object = kw_variant_get(value, KW_BUILTIN_EXTENSION_OBJECT);
    const kw_ephemeral_key_type *structure = object != NULL ? kw_extension_object_get(object, KW_TYPE_EPHEMERAL_KEY_TYPE) : NULL;
    return structure != NULL ? check(structure, policy, signer, key) : KW_BAD_DECODING_ERROR;
}

kw_status kw_ecdh_decode(kw_bytes encoded, const kw_security_policy *policy, const kw_certificate *signer, kw_arena *arena, kw_bytes *key)
{
    kw_ephemeral_key_type structure;
    kw_reader r = kw_reader_of(encoded);
    KW_TRY(kw_ua_decode(&r, arena, NULL, KW_TYPE_EPHEMERAL_KEY_TYPE, &structure));
    return kw_reader_left(&r) == 0 ? check(&structure, policy, signer, key) : KW_BAD_DECODING_ERROR;
}

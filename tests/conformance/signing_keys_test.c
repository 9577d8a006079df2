/* The life of the keys that sign access tokens: next, active, retired, revoked. OPC 10000-12, 9; OPC 10000-6, 6.5.2. */
#include "authority/authority_internal.h"
#include "support/kw_test_authority.h"
#include "support/test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HOUR (INT64_C(3600) * KW_TICKS_PER_S)
#define MS_PER_HOUR UINT64_C(3600000)
#define ROTATION_H 240
#define OVERLAP_H 24
#define LIFETIME_S 7200
#define LATE_S 60
#define ARENA ((size_t)16 << 20)

#define SAFE_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define SAFE_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"

typedef struct fixture {
    kw_test_world *world;
    const char *safe_text; /* NULL: the file is missing */
    kw_key_safe safe;
    kw_key_ring ring;
} fixture;

static kw_status load_safe(void *ctx, kw_seal_keys *out)
{
    const fixture *f = ctx;
    return f->safe_text != NULL ? kw_seal_keys_parse(kw_string_from(f->safe_text), out) : KW_BAD_NOT_FOUND;
}

static void configure(kw_test_world *world, kw_server_config *config)
{
    fixture *f = world->options.ctx;
    (void)config;
    f->ring.store = world->store->store;
    f->ring.clock = &world->clock->clock;
    f->ring.random = &world->random.random;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->safe_text = SAFE_A;
    f->safe = (kw_key_safe){load_safe, f};
    f->ring = (kw_key_ring){.safe = &f->safe,
                            .service_uri = KW_STRING(KW_TEST_AUTHORITY_URI),
                            .alg = KW_STRING("ES256"),
                            .rotation = ROTATION_H * HOUR,
                            .overlap = OVERLAP_H * HOUR,
                            .lifetime_s = LIFETIME_S,
                            .late_s = LATE_S};
    f->world = kw_test_world_with_authority(&(kw_test_world_options){
        .configure = configure, .ctx = f, .with_authority = true, .authority = {.keys = &f->ring, .token_lifetime_s = LIFETIME_S}});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_test_world_free(f->world);
    free(f);
    return 0;
}

/* --- helpers ------------------------------------------------------------------------------------------------------------------- */

static size_t keys_of(fixture *f, kw_signing_key **keys)
{
    size_t count;
    assert_status(kw_store_key_list(f->world->store->store, f->world->arena, keys, &count), KW_GOOD);
    return count;
}

static size_t count_keys(fixture *f)
{
    kw_signing_key *keys;
    return keys_of(f, &keys);
}

static kw_string newest(fixture *f)
{
    kw_signing_key *keys;
    assert_true(keys_of(f, &keys) > 0);
    return keys[0].id;
}

static kw_key_state state_of(fixture *f, kw_string id)
{
    kw_signing_key *keys;
    const size_t count = keys_of(f, &keys);
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(keys[i].id, id)) {
            return kw_key_life_of(keys, count, i, f->world->clock->utc).state;
        }
    }
    fail();
    return KW_KEY_REVOKED;
}

static bool text_has(kw_string text, kw_string part)
{
    return memmem(text.data, text.len, part.data, part.len) != NULL;
}

/* In the JWK Set, and in the row that Servers look into: always in both or in neither. */
static bool is_published(fixture *f, kw_string id)
{
    kw_string set;
    kw_issuer *issuers;
    size_t count;
    kw_store *store = f->world->store->store;
    assert_status(kw_authority_public_keys(store, f->ring.clock, f->world->arena, &set), KW_GOOD);
    assert_status(kw_store_issuer_list(store, f->world->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_int_equal(text_has(set, id), text_has(issuers[0].keys, id));
    return text_has(set, id);
}

static kw_string mint(fixture *f)
{
    const kw_identity who = {.kind = KW_USER_TOKEN_TYPE_USER_NAME, .name = KW_STRING(KW_TEST_USER)};
    kw_string token;
    kw_date_time expires;
    assert_status(kw_authority_mint(f->world->authority, &who, KW_STRING(KW_TEST_SERVER), f->world->arena, &token, &expires), KW_GOOD);
    return token;
}

static kw_string signer_of(fixture *f, kw_string token)
{
    return kw_test_token_claims(f->world, token).kid;
}

static kw_status open_with(fixture *f, kw_string token, kw_test_client **client, kw_test_session *session)
{
    *client = kw_test_client_new(f->world, NULL);
    assert_status(kw_test_create_session(*client, session), KW_GOOD);
    return kw_test_activate(*client, session, kw_test_issued(*client, session, token));
}

static kw_status try_token(fixture *f, kw_string token)
{
    kw_test_client *client;
    kw_test_session session;
    return open_with(f, token, &client, &session);
}

/* Keys and Sessions are looked after at each hour. */
static void pass_hours(fixture *f, unsigned hours)
{
    for (unsigned i = 0; i < hours; i++) {
        kw_test_clock_advance(f->world->clock, MS_PER_HOUR - 1);
        kw_test_world_advance(f->world, 1);
    }
}

/* --- by schedule ---------------------------------------------------------------------------------------------------------------- */

static void a_key_is_published_before_it_signs_and_kept_until_its_tokens_are_over(void **state)
{
    fixture *f = *state;
    const kw_string first = newest(f);
    assert_text(signer_of(f, mint(f)), kw_arena_cstring(f->world->arena, first));
    pass_hours(f, ROTATION_H - OVERLAP_H - 1);
    assert_int_equal(count_keys(f), 1);
    pass_hours(f, 2);
    assert_int_equal(count_keys(f), 2);
    const kw_string second = newest(f);
    assert_int_equal(state_of(f, second), KW_KEY_NEXT);
    assert_int_equal(state_of(f, first), KW_KEY_ACTIVE);
    assert_true(is_published(f, first) && is_published(f, second));
    pass_hours(f, OVERLAP_H - 2);
    assert_true(kw_bytes_equal(signer_of(f, mint(f)), first));
    kw_test_clock_advance(f->world->clock, MS_PER_HOUR - 1000);
    const kw_string last = mint(f); /* the last one that it signs */
    assert_true(kw_bytes_equal(signer_of(f, last), first));
    kw_test_clock_advance(f->world->clock, 1000);
    assert_true(kw_bytes_equal(signer_of(f, mint(f)), second));
    assert_int_equal(state_of(f, first), KW_KEY_RETIRED);
    pass_hours(f, 1);
    assert_status(try_token(f, last), KW_GOOD);
    assert_status(try_token(f, mint(f)), KW_GOOD);
    pass_hours(f, 2); /* the token has expired for everybody */
    assert_false(is_published(f, first));
    assert_true(is_published(f, second));
    assert_int_equal(count_keys(f), 1);
}

static void a_resource_with_longer_tokens_keeps_the_key_longer(void **state)
{
    fixture *f = *state;
    const kw_string first = newest(f);
    const kw_resource slow = {.uri = KW_STRING("urn:slow"), .token_lifetime_s = 10 * 3600};
    assert_status(kw_store_resource_add(f->world->store->store, &slow), KW_GOOD);
    pass_hours(f, 1);
    assert_status(kw_store_resource_remove(f->world->store->store, slow.uri), KW_GOOD); /* its tokens are out there all the same */
    kw_string id;
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_GOOD);
    pass_hours(f, 10);
    assert_true(is_published(f, first));
    pass_hours(f, 1);
    assert_false(is_published(f, first));
}

static void after_a_long_stop_the_next_key_still_waits_for_the_overlap(void **state)
{
    fixture *f = *state;
    const kw_string first = newest(f);
    kw_test_clock_advance(f->world->clock, 1000 * MS_PER_HOUR); /* nobody looked */
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    kw_signing_key *keys;
    assert_int_equal(keys_of(f, &keys), 2);
    assert_true(keys[0].signs_from == f->world->clock->utc + OVERLAP_H * HOUR);
    assert_true(kw_bytes_equal(signer_of(f, mint(f)), first));
}

static void of_two_nodes_one_makes_the_key(void **state)
{
    fixture *f = *state;
    kw_store *store = kw_test_store_open(f->world->store);
    kw_key_ring other = f->ring;
    other.store = store;
    kw_test_clock_advance(f->world->clock, (ROTATION_H - OVERLAP_H) * MS_PER_HOUR);
    for (int i = 0; i < 3; i++) {
        assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
        assert_status(kw_key_ring_look_after(&other), KW_GOOD);
    }
    assert_int_equal(count_keys(f), 2);
    kw_string id;
    assert_status(kw_key_ring_rotate(&other, false, f->world->arena, &id), KW_BAD_INVALID_STATE);
    kw_store_close(store);
}

static void without_a_schedule_nothing_changes(void **state)
{
    fixture *f = *state;
    f->ring.rotation = 0;
    kw_test_clock_advance(f->world->clock, 100 * ROTATION_H * MS_PER_HOUR);
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    assert_int_equal(count_keys(f), 1);
}

/* --- the trail ------------------------------------------------------------------------------------------------------------------- */

/* Which of the records about keys come after `after`, one behind the other: "Made(ID) Removed(ID) ". */
static kw_string told_since(fixture *f, uint64_t after)
{
    kw_arena *arena = f->world->arena;
    kw_audit_record *records;
    size_t count;
    kw_string text = KW_STRING("");
    assert_status(kw_store_audit_list(f->world->store->store, after, 100, arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (records[i].event.len > 10 && memcmp(records[i].event.data, "SigningKey", 10) == 0) {
            json_t *detail = json_loadb((const char *)records[i].detail.data, records[i].detail.len, 0, NULL);
            assert_non_null(detail);
            assert_text(records[i].source, KW_TEST_AUTHORITY_URI);
            text = kw_arena_format(arena, "%.*s%.*s(%s) ", KW_STRING_ARGS(text), (int)records[i].event.len - 10, records[i].event.data + 10,
                                   json_string_value(json_object_get(detail, "key")));
            json_decref(detail);
        }
    }
    return text;
}

static uint64_t last_record(fixture *f)
{
    uint64_t count, bad;
    assert_status(kw_store_audit_verify(f->world->store->store, &count, &bad), KW_GOOD);
    return count;
}

static void assert_told(fixture *f, uint64_t after, const char *first, kw_string a, const char *second, kw_string b)
{
    const kw_string expected =
        second != NULL ? kw_arena_format(f->world->arena, "%s(%.*s) %s(%.*s) ", first, KW_STRING_ARGS(a), second, KW_STRING_ARGS(b))
                       : kw_arena_format(f->world->arena, "%s(%.*s) ", first, KW_STRING_ARGS(a));
    assert_text(told_since(f, after), kw_arena_cstring(f->world->arena, expected));
}

static void what_the_clock_does_to_keys_is_in_the_trail(void **state)
{
    fixture *f = *state;
    kw_string id, again;
    const kw_string first = newest(f);
    uint64_t before = last_record(f);
    pass_hours(f, ROTATION_H - OVERLAP_H + 1);
    const kw_string second = newest(f);
    assert_told(f, before, "Made", second, NULL, second);
    before = last_record(f);
    pass_hours(f, OVERLAP_H + 4); /* the next one signs, and no token of the first is good any more */
    assert_told(f, before, "Removed", first, NULL, first);
    before = last_record(f);
    assert_status(kw_key_ring_rotate(&f->ring, false, f->world->arena, &id), KW_GOOD);
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &again), KW_GOOD);
    assert_told(f, before, "Made", id, "Started", id);
    before = last_record(f);
    kw_status replaced;
    assert_status(kw_key_ring_revoke(&f->ring, id, &replaced), KW_GOOD);
    assert_told(f, before, "Revoked", id, "Made", newest(f));
}

static void a_key_that_the_trail_could_not_take_is_published_all_the_same(void **state)
{
    fixture *f = *state;
    kw_string id;
    const kw_string first = newest(f);
    kw_test_store_tamper(f->world->store, "PRAGMA legacy_alter_table = ON; ALTER TABLE audit RENAME TO lost_audit");
    assert_true(kw_status_is_bad(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id)));
    kw_test_store_tamper(f->world->store, "PRAGMA legacy_alter_table = ON; ALTER TABLE lost_audit RENAME TO audit");
    assert_false(kw_bytes_equal(newest(f), first));
    assert_true(is_published(f, newest(f)));
}

/* --- by hand -------------------------------------------------------------------------------------------------------------------- */

static void rotating_at_once_uses_the_next_key_if_there_is_one(void **state)
{
    fixture *f = *state;
    kw_string id, again;
    assert_status(kw_key_ring_rotate(&f->ring, false, f->world->arena, &id), KW_GOOD);
    assert_int_equal(state_of(f, id), KW_KEY_NEXT);
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &again), KW_GOOD);
    assert_true(kw_bytes_equal(id, again));
    assert_int_equal(state_of(f, id), KW_KEY_ACTIVE);
    assert_true(kw_bytes_equal(signer_of(f, mint(f)), id));
}

static void another_algorithm_takes_the_place_of_the_next_key(void **state)
{
    static const char *const ALGORITHMS[] = {"RS256", "PS256", "ES384", "EdDSA", "ES256"};
    fixture *f = *state;
    kw_string id, next;
    for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]); i++) {
        assert_status(kw_key_ring_rotate(&f->ring, false, f->world->arena, &next), KW_GOOD);
        f->ring.alg = kw_string_from(ALGORITHMS[i]);
        assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_GOOD);
        const kw_string token = mint(f);
        assert_text(kw_test_token_claims(f->world, token).alg, ALGORITHMS[i]);
        assert_true(kw_bytes_equal(signer_of(f, token), id));
        kw_test_world_advance(f->world, 1000); /* a Server looks into the store now and then */
        assert_status(try_token(f, token), KW_GOOD);
    }
    f->ring.alg = KW_STRING("HS256");
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_BAD_NOT_SUPPORTED);
}

static void jw_02_what_a_revoked_key_has_signed_is_refused_and_its_sessions_end(void **state)
{
    fixture *f = *state;
    const kw_string first = newest(f), token = mint(f);
    kw_test_client *client;
    kw_test_session session;
    kw_status replaced;
    assert_status(open_with(f, token, &client, &session), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_status(kw_key_ring_revoke(&f->ring, first, &replaced), KW_GOOD);
    assert_status(replaced, KW_GOOD);
    assert_false(is_published(f, first));
    assert_int_equal(state_of(f, first), KW_KEY_REVOKED);
    kw_test_world_advance(f->world, 1000); /* a review of all Sessions */
    const kw_status read = kw_test_read(client, &session, &KW_TEST_SECRET, NULL);
    assert_true(kw_status_is_bad(read));
    assert_status(try_token(f, token), KW_BAD_IDENTITY_TOKEN_REJECTED);
    const kw_string fresh = mint(f);
    assert_false(kw_bytes_equal(signer_of(f, fresh), first));
    assert_status(try_token(f, fresh), KW_GOOD);
    assert_status(kw_key_ring_revoke(&f->ring, first, &replaced), KW_BAD_NOT_FOUND);
}

static void a_revoked_key_is_revoked_even_when_no_other_can_be_made(void **state)
{
    fixture *f = *state;
    const kw_string first = newest(f);
    kw_status replaced;
    f->safe_text = NULL; /* the command runs where the key file is not */
    assert_status(kw_key_ring_revoke(&f->ring, first, &replaced), KW_GOOD);
    assert_true(kw_status_is_bad(replaced));
    assert_false(is_published(f, first));
    f->safe_text = SAFE_A;
    kw_test_world_advance(f->world, 60000); /* the service notices */
    assert_status(try_token(f, mint(f)), KW_GOOD);
}

/* --- AZ-03 ---------------------------------------------------------------------------------------------------------------------- */

static kw_bytes service_certificate(fixture *f, kw_test_client *client, const kw_test_session *session)
{
    const kw_node_id node = KW_NODE_ID_TEXT(1, "AuthorizationService.ServiceCertificate");
    kw_data_value value;
    assert_status(kw_test_read(client, session, &node, &value), KW_GOOD);
    return kw_arena_copy(f->world->arena, *(const kw_bytes *)kw_variant_get(&value.value, KW_BUILTIN_BYTE_STRING));
}

static void az_03_the_service_certificate_is_that_of_the_key_that_signs(void **state)
{
    fixture *f = *state;
    kw_test_client *client = kw_test_client_new(f->world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_signing_key *keys;
    kw_string id;
    keys_of(f, &keys);
    const kw_bytes first = keys[0].certificate;
    assert_status(kw_key_ring_rotate(&f->ring, false, f->world->arena, &id), KW_GOOD);
    assert_true(kw_bytes_equal(service_certificate(f, client, &session), first)); /* the next one does not sign yet */
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_GOOD);
    keys_of(f, &keys);
    assert_true(kw_bytes_equal(service_certificate(f, client, &session), keys[0].certificate));
}

/* --- at rest -------------------------------------------------------------------------------------------------------------------- */

static void keys_of_before_are_sealed_when_there_is_a_safe(void **state)
{
    fixture *f = *state;
    kw_signing_key *keys;
    keys_of(f, &keys);
    assert_false(kw_is_sealed(keys[0].private_key)); /* the world made it without */
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    keys_of(f, &keys);
    assert_true(kw_is_sealed(keys[0].private_key));
    assert_status(try_token(f, mint(f)), KW_GOOD);
}

static void a_wrong_or_missing_safe_is_noticed(void **state)
{
    fixture *f = *state;
    kw_string id;
    kw_key_ring bare = f->ring;
    bare.safe = NULL;
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    assert_status(kw_key_ring_check(&f->ring), KW_GOOD);
    assert_status(kw_key_ring_check(&bare), KW_BAD_CONFIGURATION_ERROR);
    f->safe_text = SAFE_B;
    assert_status(kw_key_ring_check(&f->ring), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_BAD_SECURITY_CHECKS_FAILED);
    f->safe_text = NULL;
    assert_status(kw_key_ring_check(&f->ring), KW_BAD_NOT_FOUND);
    assert_int_equal(count_keys(f), 1);
}

static void a_sealed_key_does_not_open_in_another_row(void **state)
{
    fixture *f = *state;
    kw_signing_key *keys;
    kw_secret pem;
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    keys_of(f, &keys);
    kw_signing_key moved = keys[0];
    assert_status(kw_key_open(&f->safe, &moved, &pem), KW_GOOD);
    kw_secret_clear(&pem);
    moved.id = KW_STRING("another");
    assert_status(kw_key_open(&f->safe, &moved, &pem), KW_BAD_SECURITY_CHECKS_FAILED);
    moved = keys[0];
    moved.alg = KW_STRING("PS256");
    assert_status(kw_key_open(&f->safe, &moved, &pem), KW_BAD_SECURITY_CHECKS_FAILED);
}

static void the_key_that_seals_can_be_changed_step_by_step(void **state)
{
    fixture *f = *state;
    size_t count;
    kw_string id;
    assert_status(kw_key_ring_look_after(&f->ring), KW_GOOD);
    assert_status(kw_key_ring_rotate(&f->ring, true, f->world->arena, &id), KW_GOOD);
    f->safe_text = SAFE_B SAFE_A;
    assert_status(kw_key_ring_reseal(&f->ring, &count), KW_GOOD);
    assert_int_equal(count, 2);
    f->safe_text = SAFE_B;
    assert_status(kw_key_ring_check(&f->ring), KW_GOOD);
    assert_status(kw_key_ring_reseal(&f->ring, &count), KW_GOOD);
    assert_int_equal(count, 0);
    assert_status(try_token(f, mint(f)), KW_GOOD);
    f->safe_text = SAFE_A;
    assert_status(kw_key_ring_check(&f->ring), KW_BAD_SECURITY_CHECKS_FAILED);
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(a_key_is_published_before_it_signs_and_kept_until_its_tokens_are_over),
        WITH_KEYS(a_resource_with_longer_tokens_keeps_the_key_longer),
        WITH_KEYS(after_a_long_stop_the_next_key_still_waits_for_the_overlap),
        WITH_KEYS(of_two_nodes_one_makes_the_key),
        WITH_KEYS(without_a_schedule_nothing_changes),
        WITH_KEYS(what_the_clock_does_to_keys_is_in_the_trail),
        WITH_KEYS(a_key_that_the_trail_could_not_take_is_published_all_the_same),
        WITH_KEYS(rotating_at_once_uses_the_next_key_if_there_is_one),
        WITH_KEYS(another_algorithm_takes_the_place_of_the_next_key),
        WITH_KEYS(jw_02_what_a_revoked_key_has_signed_is_refused_and_its_sessions_end),
        WITH_KEYS(a_revoked_key_is_revoked_even_when_no_other_can_be_made),
        WITH_KEYS(az_03_the_service_certificate_is_that_of_the_key_that_signs),
        WITH_KEYS(keys_of_before_are_sealed_when_there_is_a_safe),
        WITH_KEYS(a_wrong_or_missing_safe_is_noticed),
        WITH_KEYS(a_sealed_key_does_not_open_in_another_row),
        WITH_KEYS(the_key_that_seals_can_be_changed_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

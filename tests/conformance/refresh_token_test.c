/* RefreshToken. OPC 10000-12, 9.6 (1.05.07). */
#include "authority/grant.h"
#include "crypto/symmetric.h"
#include "support/kw_test_events.h"
#include "support/kw_test_token_request.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    *state = kw_test_token_world(NULL);
    return 0;
}

static kw_status refresh(kw_test_client *client, const kw_test_session *session, kw_string token, kw_test_tokens *out)
{
    return kw_test_token_refresh(client, session, KW_TEST_SERVER, token, out);
}

static void change_configuration(kw_test_world *world, uint32_t set)
{
    assert_status(kw_store_user_change(world->store->store, &(kw_user_change){.name = KW_STRING(KW_TEST_USER), .configuration_set = set}),
                  KW_GOOD);
}

/* --- from token to token ------------------------------------------------------------------------------------------------------- */

static void az_15_and_az_14_a_refresh_token_brings_the_next_tokens(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens first = kw_test_token_get(client, &session);
    kw_test_tokens next;
    kw_test_clock_advance(world->clock, 30000);
    assert_status(refresh(client, &session, first.refresh, &next), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(world, next.access);
    assert_text(claims.sub, KW_TEST_USER);
    assert_int_equal(next.access_ends, kw_datetime_from_unix(claims.exp));
    assert_true(next.access_ends > first.access_ends);
    assert_int_equal(next.refresh_ends, world->clock->utc + KW_TEST_REFRESH_S * KW_TICKS_PER_S);
    assert_false(kw_bytes_equal(next.refresh, first.refresh));
    kw_test_session other;
    assert_status(kw_test_create_session(client, &other), KW_GOOD);
    assert_status(kw_test_activate(client, &other, kw_test_issued(client, &other, next.access)), KW_GOOD);
    assert_status(kw_test_read(client, &other, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void az_15_a_refresh_token_serves_in_any_session_of_its_client(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens first = kw_test_token_get(client, &session);
    kw_test_tokens next;
    kw_test_client_close(client);
    client = kw_test_client_new(*state, NULL);
    const kw_test_session later = kw_test_open(client);
    assert_status(refresh(client, &later, first.refresh, &next), KW_GOOD);
}

static void az_15_what_is_no_refresh_token_is_rejected(void **state)
{
    kw_test_world *world = *state;
    kw_test_tokens none;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    const char *good = kw_arena_cstring(world->arena, tokens.refresh);
    const kw_string wrong[] = {
        KW_BYTES_NULL,
        KW_STRING(""),
        KW_STRING("guess"),
        tokens.access,
        kw_arena_format(world->arena, "%s=", good),
        kw_arena_format(world->arena, "%sA", good),
        KW_STRING("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_status(refresh(client, &session, wrong[i], &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
    assert_status(refresh(client, &session, tokens.refresh, &none), KW_GOOD); /* none of them has done it any harm */
}

static void az_15_it_ends_with_its_time(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    kw_test_client_close(client);
    kw_test_clock_advance(world->clock, KW_TEST_REFRESH_S * 1000ull);
    client = kw_test_client_new(world, NULL);
    const kw_test_session later = kw_test_open(client);
    assert_status(refresh(client, &later, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- whose it is --------------------------------------------------------------------------------------------------------------- */

static void az_15_it_is_for_its_client_and_its_resource_alone(void **state)
{
    kw_test_world *world = *state;
    const kw_resource second = {.uri = KW_STRING("urn:keyway:test:second"), .name = KW_STRING("Second")};
    assert_status(kw_store_resource_add(world->store->store, &second), KW_GOOD);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *thief = kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity("thief", 2048)});
    const kw_test_session session = kw_test_open(client), theirs = kw_test_open(thief);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    assert_status(refresh(thief, &theirs, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(kw_test_token_refresh(client, &session, "urn:keyway:test:second", tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
}

/* --- reuse (attack A-163) ------------------------------------------------------------------------------------------------------ */

static void az_15_a_second_use_ends_all_that_came_from_it(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens first = kw_test_token_get(client, &session), apart = kw_test_token_get(client, &session);
    kw_test_tokens second, third, none;
    assert_status(refresh(client, &session, first.refresh, &second), KW_GOOD);
    assert_status(refresh(client, &session, second.refresh, &third), KW_GOOD);
    assert_status(refresh(client, &session, first.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(refresh(client, &session, third.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(refresh(client, &session, apart.refresh, &none), KW_GOOD); /* it came from another FinishRequestToken */
    kw_audit_record *records = NULL;
    size_t count = 0, reused = 0;
    assert_status(kw_store_audit_list(world->store->store, 0, 1000, world->arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (strstr(kw_arena_cstring(world->arena, records[i].detail), "used before") != NULL) {
            reused++;
            assert_text(records[i].event, "RefreshToken");
            assert_status(records[i].status, KW_BAD_IDENTITY_TOKEN_REJECTED);
            assert_text(records[i].user, KW_TEST_USER);
        }
    }
    assert_int_equal(reused, 1);
}

static kw_status try_access_token(kw_test_client *client, kw_string token)
{
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    return kw_test_activate(client, &session, kw_test_issued(client, &session, token));
}

/* a thief who was faster has an access token too. */
static void az_15_a_second_use_ends_the_access_tokens_that_came_from_it(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens first = kw_test_token_get(client, &session), apart = kw_test_token_get(client, &session);
    kw_test_tokens second, none;
    assert_status(refresh(client, &session, first.refresh, &second), KW_GOOD);
    assert_status(try_access_token(client, second.access), KW_GOOD);
    assert_status(refresh(client, &session, first.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(try_access_token(client, first.access), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(try_access_token(client, second.access), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(try_access_token(client, apart.access), KW_GOOD);
}

static void az_15_a_revoked_grant_is_refused_at_once_with_all_its_tokens(void **state)
{
    kw_test_world *world = *state;
    kw_refresh_grant *grants = NULL;
    size_t count = 0;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_session in_use, later;
    kw_test_tokens none;
    assert_status(kw_test_create_session(client, &in_use), KW_GOOD);
    assert_status(kw_test_activate(client, &in_use, kw_test_issued(client, &in_use, tokens.access)), KW_GOOD);
    assert_status(kw_store_refresh_grant_list(world->store->store, &(kw_refresh_grant_key){.subject = KW_STRING(KW_TEST_USER)},
                                              world->arena, &grants, &count),
                  KW_GOOD);
    assert_int_equal(count, 1);
    const kw_string service = kw_test_token_claims(world, tokens.access).iss;
    const kw_revoked_token row = kw_grant_revocation(service, grants[0].id, 0, world->clock->utc);
    assert_status(kw_store_grant_revoke(world->store->store, &row), KW_GOOD);
    assert_status(refresh(client, &session, tokens.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(kw_test_create_session(client, &later), KW_GOOD);
    assert_status(kw_test_activate(client, &later, kw_test_issued(client, &later, tokens.access)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_test_world_advance(world, 2000); /* the next review */
    assert_true(kw_status_is_bad(kw_test_read(client, &in_use, &KW_TEST_SECRET, NULL)));
}

/* Two calls with the same token are on their way at the same time: at most one is served, and the other one is noticed. */
static void az_15_of_two_at_once_one_wins_and_the_grant_ends(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_string uri = KW_STRING(KW_TEST_SERVER), token = tokens.refresh;
    kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &token)};
    kw_call_method_request two[2];
    two[0] = two[1] = (kw_call_method_request){.object_id = KW_AUTHORITY_OBJECT,
                                               .method_id = kw_test_authority_method(world, "RefreshToken"),
                                               .input_arguments = inputs,
                                               .input_arguments_count = 2};
    kw_call_request request = {.methods_to_call_count = 2, .methods_to_call = two};
    const void *response = NULL;
    assert_status(kw_test_call(client, &session, KW_TYPE_CALL_REQUEST, &request, &response), KW_GOOD);
    const kw_call_response *called = response;
    assert_status(called->results[0].status_code, KW_GOOD);
    assert_status(called->results[1].status_code, KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_test_tokens none;
    const kw_string next = *(const kw_string *)kw_variant_get(&called->results[0].output_arguments[2], KW_BUILTIN_STRING);
    assert_status(refresh(client, &session, next, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- what the user may do now -------------------------------------------------------------------------------------------------- */

static void az_15_a_role_that_was_taken_away_is_not_in_the_next_token(void **state)
{
    kw_test_world *world = *state;
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING(KW_TEST_USER)};
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    assert_true(kw_test_token_has_role(world, tokens.access, "Operator"));
    assert_status(kw_store_role_rule_remove(world->store->store, KW_STRING("Operator"), &rule), KW_GOOD);
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
    assert_false(kw_test_token_has_role(world, next.access, "Operator"));
    assert_true(kw_test_token_has_role(world, next.access, "Observer"));
    assert_true(kw_test_token_has_role(world, next.access, "Engineer"));
}

static void az_15_and_az_12_what_was_narrowed_stays_narrow(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_test_user user = kw_test_token_user(client, &start, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_test_tokens tokens, next;
    assert_status(kw_test_token_finish(client, &session, &start, "Observer", &user, &tokens), KW_GOOD);
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
    assert_int_equal(kw_test_token_claims(world, next.access).role_count, 1);
    assert_true(kw_test_token_has_role(world, next.access, "Observer"));
}

/* Not again either when the user is let in again: who left proves himself anew. */
static void az_15_a_disabled_user_has_nothing_to_renew(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    change_configuration(world, KW_USER_DISABLED);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(kw_store_user_change(world->store->store,
                                       &(kw_user_change){.name = KW_STRING(KW_TEST_USER), .configuration_cleared = KW_USER_DISABLED}),
                  KW_GOOD);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void az_15_who_must_change_the_password_does_that_first(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    change_configuration(world, KW_USER_MUST_CHANGE_PASSWORD);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void az_15_a_removed_user_has_nothing_to_renew(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    assert_status(kw_store_user_remove(world->store->store, KW_STRING(KW_TEST_USER)), KW_GOOD);
    kw_test_clock_advance(world->clock, 1000);
    kw_test_world_add_user(world, KW_TEST_USER, "another password", 0); /* somebody else of the same name */
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void az_15_a_user_certificate_is_looked_at_again(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048);
    kw_test_trust_add(&world->user_trust, erin);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    const kw_test_user user = kw_test_token_certificate(client, &start, erin);
    kw_test_tokens tokens, next;
    assert_status(kw_test_token_finish(client, &session, &start, NULL, &user, &tokens), KW_GOOD);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
    assert_true(kw_bytes_equal(kw_test_token_claims(world, next.access).sub, kw_certificate_subject(erin->certificate)));
    kw_test_trust_remove(&world->user_trust, erin);
    assert_status(refresh(client, &session, next.refresh, &tokens), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static kw_test_tokens get_chained(kw_test_client *client, const kw_test_session *session, const kw_test_issuer *issuer)
{
    kw_test_tokens tokens;
    kw_test_world *world = client->world;
    const kw_test_token_start start = kw_test_token_start_good(client, session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    const kw_string theirs =
        kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "carol", 600, ",\"roles\":[\"op\"],\"groups\":[\"g\"]"));
    const kw_test_user user = kw_test_token_issued(client, &start, theirs);
    assert_status(kw_test_token_finish(client, session, &start, NULL, &user, &tokens), KW_GOOD);
    return tokens;
}

/* What was claimed is remembered, and mapped by the rules of now. */
static void az_15_a_token_of_another_issuer_is_mapped_again(void **state)
{
    kw_test_world *world = *state;
    kw_test_tokens next, none;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:keyway:test:issuer");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "urn:keyway:test:issuer/op");
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = get_chained(client, &session, issuer);
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_GROUP_ID, "g");
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
    assert_true(kw_test_token_has_role(world, next.access, "Operator"));
    assert_true(kw_test_token_has_role(world, next.access, "Engineer"));
    assert_int_equal(next.access_ends, tokens.access_ends); /* not longer than the token that it comes from */
    assert_status(kw_store_issuer_remove(world->store->store, issuer->uri), KW_GOOD);
    assert_status(refresh(client, &session, next.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void az_15_the_resource_is_still_registered(void **state)
{
    kw_test_world *world = *state;
    const kw_resource again = {.uri = KW_STRING(KW_TEST_SERVER), .name = KW_STRING("Test")};
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    assert_status(kw_store_resource_remove(world->store->store, KW_STRING(KW_TEST_SERVER)), KW_GOOD);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_BAD_NOT_FOUND);
    assert_status(kw_store_resource_add(world->store->store, &again), KW_GOOD);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD); /* it was not used up */
}

/* --- what is kept and told ------------------------------------------------------------------------------------------------------- */

static void az_15_only_a_hash_is_stored(void **state)
{
    kw_test_world *world = *state;
    uint8_t hash[KW_HASH_MAX];
    char sql[256];
    kw_bytes raw = KW_BYTES_NULL;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    assert_status(kw_base64url_decode(tokens.refresh, world->arena, &raw), KW_GOOD);
    assert_int_equal(raw.len, 48);
    const kw_bytes secret = {raw.data + 16, 32};
    assert_status(kw_hash_of(KW_HASH_SHA256, &secret, 1, hash), KW_GOOD);
    char hex[65] = "", raw_hex[65] = "";
    for (size_t i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02X", hash[i]);
        snprintf(raw_hex + 2 * i, 3, "%02X", secret.data[i]);
    }
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM refresh_grant WHERE hex(secret_hash) = '%s'", hex);
    assert_int_equal(kw_test_store_query(world->store, sql), 1);
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM refresh_grant WHERE hex(secret_hash) = '%s' OR instr(hex(detail), '%s') > 0", raw_hex,
             raw_hex);
    assert_int_equal(kw_test_store_query(world->store, sql), 0);
}

static void az_16_a_refresh_is_audited_without_tokens(void **state)
{
    kw_test_world *world = *state;
    kw_test_events *events = KW_ARENA_NEW(world->arena, kw_test_events);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    kw_test_tokens next;
    kw_test_events_init(events, world);
    assert_status(refresh(client, &session, tokens.refresh, &next), KW_GOOD);
    const kw_event *asked = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE);
    const kw_event *issued = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE);
    assert_false(kw_test_event_holds(asked, tokens.refresh) || kw_test_event_holds(issued, tokens.refresh));
    assert_false(kw_test_event_holds(issued, next.access) || kw_test_event_holds(issued, next.refresh));
}

static int setup_without_refresh(void **state)
{
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.with_authority = true});
    *state = world;
    return 0;
}

static void az_11_without_a_lifetime_no_refresh_token_is_given(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    assert_int_equal(tokens.refresh.len, 0);
    assert_true(tokens.access.len > 0 && tokens.refresh_ends > 0);
    assert_int_equal(kw_test_store_query(((kw_test_world *)*state)->store, "SELECT COUNT(*) FROM refresh_grant"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(az_15_and_az_14_a_refresh_token_brings_the_next_tokens),
        TEST(az_15_a_refresh_token_serves_in_any_session_of_its_client),
        TEST(az_15_what_is_no_refresh_token_is_rejected),
        TEST(az_15_it_ends_with_its_time),
        TEST(az_15_it_is_for_its_client_and_its_resource_alone),
        TEST(az_15_a_second_use_ends_all_that_came_from_it),
        TEST(az_15_a_second_use_ends_the_access_tokens_that_came_from_it),
        TEST(az_15_a_revoked_grant_is_refused_at_once_with_all_its_tokens),
        TEST(az_15_of_two_at_once_one_wins_and_the_grant_ends),
        TEST(az_15_a_role_that_was_taken_away_is_not_in_the_next_token),
        TEST(az_15_and_az_12_what_was_narrowed_stays_narrow),
        TEST(az_15_a_disabled_user_has_nothing_to_renew),
        TEST(az_15_who_must_change_the_password_does_that_first),
        TEST(az_15_a_removed_user_has_nothing_to_renew),
        TEST(az_15_a_user_certificate_is_looked_at_again),
        TEST(az_15_a_token_of_another_issuer_is_mapped_again),
        TEST(az_15_the_resource_is_still_registered),
        TEST(az_15_only_a_hash_is_stored),
        TEST(az_16_a_refresh_is_audited_without_tokens),
        cmocka_unit_test_setup_teardown(az_11_without_a_lifetime_no_refresh_token_is_given, setup_without_refresh, kw_test_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

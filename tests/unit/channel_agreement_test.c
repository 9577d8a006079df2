/* SecureChannels under the policies that agree on keys: every one in every mode over several tokens, and who tries to get between. */
#include "channel/channel_internal.h"
#include "support/kw_test_channel.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
enum { LIFETIME = 60 * 1000, RENEWAL = LIFETIME / 4 * 3, OPEN_MAX = 8192 };

static const kw_message_security_mode MODES[] = {KW_MESSAGE_SECURITY_MODE_SIGN, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};

static const kw_security_policy *by_name(const char *name)
{
    const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(name));
    assert_non_null(policy);
    return policy;
}

/* The key that the policy is named after: the smallest of those that it takes. */
static kw_key_type key_for(const kw_security_policy *policy)
{
    kw_key_type type = KW_KEY_RSA;
    while (!kw_security_policy_takes_key(policy, type, 2048)) {
        type++;
    }
    return type;
}

static const kw_application_identity *who(const char *name, kw_key_type type)
{
    return type == KW_KEY_RSA ? kw_test_identity(name, 2048) : kw_test_identity_of(name, type);
}

static kw_test_pair *pair_of(const kw_security_policy *policy, kw_message_security_mode mode)
{
    const kw_key_type type = key_for(policy);
    return kw_test_pair_new(&(kw_test_pair_options){
        .policy = policy, .mode = mode, .client = who("client", type), .server = who("server", type), .lifetime_ms = LIFETIME});
}

static void say(kw_test_pair *pair, kw_test_peer *from, uint32_t request_id, size_t len)
{
    uint8_t *body = kw_test_body(request_id + len, len);
    kw_test_pair_forget(pair);
    assert_int_equal(kw_channel_send(from->channel, request_id, (kw_bytes){body, len}), KW_GOOD);
    kw_test_pair_pump(pair);
    kw_test_assert_message(from == &pair->client ? &pair->server : &pair->client, request_id, (kw_bytes){body, len});
    free(body);
}

static void say_all(kw_test_pair *pair)
{
    static const size_t LENGTHS[] = {1, 15, 16, 17, 1000, 65535, 200000};
    for (size_t i = 0; i < COUNT(LENGTHS); i++) {
        say(pair, &pair->client, (uint32_t)i + 1, LENGTHS[i]);
        say(pair, &pair->server, (uint32_t)i + 1, LENGTHS[i]);
    }
}

typedef void each_pair(const kw_security_policy *policy, kw_message_security_mode mode);

static void for_each(each_pair *test)
{
    size_t count = 0;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        if (policy->ephemeral == KW_EPHEMERAL_NONE) {
            continue;
        }
        for (size_t m = 0; m < COUNT(MODES); m++) {
            test(policy, MODES[m]);
            count++;
        }
    }
    assert_true(count == 40);
}

static void talk_and_renew(const kw_security_policy *policy, kw_message_security_mode mode)
{
    kw_test_pair *pair = pair_of(policy, mode);
    kw_test_pair_open(pair);
    assert_ptr_equal(kw_channel_policy(pair->server.channel), policy);
    assert_int_equal(kw_channel_mode(pair->server.channel), mode);
    say_all(pair);
    for (uint32_t token = 2; token <= 4; token++) {
        kw_test_pair_advance(pair, RENEWAL);
        kw_test_pair_pump(pair);
        assert_int_equal(pair->client.channel->last_token_id, token);
        assert_null(pair->client.channel->offer.key); /* nothing is left to find */
        say_all(pair);
        assert_int_equal(pair->server.channel->token_count, 1);
    }
    kw_channel_close(pair->client.channel, KW_GOOD);
    kw_test_pair_pump(pair);
    kw_test_assert_closed(&pair->server, KW_GOOD);
    kw_test_pair_free(pair);
}

static void every_policy_talks_in_every_mode_over_several_tokens(void **state)
{
    (void)state;
    for_each(talk_and_renew);
}

static void every_certificate_that_a_policy_takes_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        for (kw_key_type type = KW_KEY_EC_P256; type < KW_KEY_OTHER; type++) {
            if (policy->is_none || !kw_security_policy_takes_key(policy, type, 0)) {
                continue;
            }
            kw_test_pair *pair = kw_test_pair_new(&(kw_test_pair_options){.policy = policy,
                                                                          .mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT,
                                                                          .client = who("client", key_for(policy)),
                                                                          .server = who("server", type)});
            kw_test_pair_open(pair);
            kw_test_pair_free(pair);
        }
    }
}

static bool contains(const kw_writer *w, kw_bytes what)
{
    for (size_t i = 0; i + what.len <= w->len; i++) {
        if (memcmp(w->data + i, what.data, what.len) == 0) {
            return true;
        }
    }
    return false;
}

static void look_for_clear_text(const kw_security_policy *policy, kw_message_security_mode mode)
{
    const kw_bytes body = KW_STRING("the words of a client that has something to say");
    kw_test_pair *pair = pair_of(policy, mode);
    kw_test_pair_open(pair);
    assert_int_equal(kw_channel_send(pair->client.channel, 1, body), KW_GOOD);
    assert_int_equal(contains(&pair->client.sent, body), mode == KW_MESSAGE_SECURITY_MODE_SIGN);
    kw_test_pair_free(pair);
}

static void only_encrypted_channels_hide_their_messages(void **state)
{
    (void)state;
    for_each(look_for_clear_text);
}

static void change_every_byte(const kw_security_policy *policy, kw_message_security_mode mode)
{
    for (size_t at = 0, size = 1; at < size; at += 7) {
        kw_test_pair *pair = pair_of(policy, mode);
        kw_test_pair_open(pair);
        assert_int_equal(kw_channel_send(pair->client.channel, 1, KW_STRING("as it was sent")), KW_GOOD);
        size = pair->client.sent.len;
        if (at < 4 || at >= KW_TCP_HEADER) { /* a length that is not that of the chunk is a matter of frames */
            pair->client.sent.data[at] ^= 0x10;
            kw_test_pair_forget(pair);
            kw_test_pair_pump(pair);
            assert_int_equal(pair->server.message_count, 0);
            assert_int_equal(pair->server.closed, 1);
        }
        kw_test_pair_free(pair);
    }
}

static void no_byte_of_a_message_can_be_changed(void **state)
{
    (void)state;
    for_each(change_every_byte);
}

static void send_twice(const kw_security_policy *policy, kw_message_security_mode mode)
{
    kw_test_pair *pair = pair_of(policy, mode);
    kw_test_pair_open(pair);
    assert_int_equal(kw_channel_send(pair->client.channel, 1, KW_STRING("once")), KW_GOOD);
    const kw_bytes chunk = kw_writer_bytes(&pair->client.sent);
    uint8_t copy[512];
    assert_true(chunk.len <= sizeof copy);
    memcpy(copy, chunk.data, chunk.len);
    kw_write_raw(&pair->client.sent, (kw_bytes){copy, chunk.len});
    kw_test_pair_pump(pair);
    assert_int_equal(pair->server.message_count, 1);
    assert_int_equal(pair->server.closed, 1);
    assert_true(kw_status_is_bad(pair->server.close_reason));
    kw_test_pair_free(pair);
}

static void a_message_arrives_once(void **state)
{
    (void)state;
    for_each(send_twice);
}

/* --- OpenSecureChannel as the test makes it -------------------------------------------------------------------------------------------- */

/* HEL is through; what the server says is thrown away. */
static kw_test_pair *greeted_server(const kw_security_policy *policy)
{
    const kw_key_type type = key_for(policy);
    kw_test_pair *pair = kw_test_pair_new(&(kw_test_pair_options){.policy = policy,
                                                                  .mode = KW_MESSAGE_SECURITY_MODE_SIGN,
                                                                  .client = who("client", type),
                                                                  .server = who("server", type),
                                                                  .no_client = true});
    kw_test_pair *other = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
    kw_channel_input(pair->server.channel, kw_writer_bytes(&other->client.sent));
    kw_test_pair_free(other);
    kw_writer_reset(&pair->server.sent);
    return pair;
}

typedef struct forged_open {
    kw_bytes nonce;
    uint32_t sequence, channel_id;
    bool is_renewal;
    const kw_application_identity *signer, *receiver; /* NULL: the ones of the pair */
} forged_open;

static void send_open(kw_test_pair *pair, const forged_open *forged)
{
    const kw_test_pair_options *o = &pair->options;
    const kw_open_parties parties = {.policy = o->policy,
                                     .own = forged->signer != NULL ? *forged->signer : *o->client,
                                     .peer = (forged->receiver != NULL ? forged->receiver : o->server)->certificate};
    const kw_open_secure_channel_request request = {.request_type = forged->is_renewal ? KW_SECURITY_TOKEN_REQUEST_TYPE_RENEW
                                                                                       : KW_SECURITY_TOKEN_REQUEST_TYPE_ISSUE,
                                                    .security_mode = o->mode,
                                                    .client_nonce = forged->nonce};
    kw_arena *arena = kw_arena_new((size_t)1 << 16);
    kw_writer w;
    kw_bytes chunk;
    kw_writer_init(&w, OPEN_MAX);
    assert_int_equal(kw_ua_encode_message(&w, KW_TYPE_OPEN_SECURE_CHANNEL_REQUEST, &request), KW_GOOD);
    const kw_open_plain plain = {.sequence = forged->sequence, .request_id = 1 + forged->sequence, .body = kw_writer_bytes(&w)};
    assert_int_equal(kw_open_chunk_seal(&parties, forged->channel_id, &plain, OPEN_MAX, arena, &chunk), KW_GOOD);
    kw_channel_input(pair->server.channel, chunk);
    kw_writer_clear(&w);
    kw_arena_free(arena);
}

static kw_ephemeral_key *fresh_key(const kw_security_policy *policy)
{
    kw_ephemeral_key *key = NULL;
    assert_int_equal(kw_ephemeral_key_generate(policy, &key), KW_GOOD);
    return key;
}

static void try_key(const char *policy, kw_bytes nonce, kw_status expected)
{
    kw_test_pair *pair = greeted_server(by_name(policy));
    send_open(pair, &(forged_open){.nonce = nonce});
    kw_test_assert_closed(&pair->server, expected);
    kw_test_pair_free(pair);
}

static void keys_that_are_not_on_the_curve_or_of_small_order_are_refused_with_one_code(void **state)
{
    (void)state;
    static const uint8_t ZEROS[384], ONE[384] = {1};
    static const char *const ALL[] = {"ECC_nistP256",        "ECC_nistP384",   "ECC_brainpoolP256r1",
                                      "ECC_brainpoolP384r1", "ECC_curve25519", "ECC_curve448"};
    uint8_t near[128];
    for (size_t i = 0; i < COUNT(ALL); i++) {
        const kw_security_policy *policy = by_name(ALL[i]);
        try_key(ALL[i], (kw_bytes){ZEROS, policy->nonce_len}, KW_BAD_SECURITY_CHECKS_FAILED);
        try_key(ALL[i], (kw_bytes){ONE, policy->nonce_len}, KW_BAD_SECURITY_CHECKS_FAILED);
        try_key(ALL[i], (kw_bytes){ONE, policy->nonce_len - 1}, KW_BAD_NONCE_INVALID);
        if (policy->ephemeral != KW_EPHEMERAL_X25519 && policy->ephemeral != KW_EPHEMERAL_X448) {
            kw_ephemeral_key *key = fresh_key(policy);
            memcpy(near, kw_ephemeral_key_public(key).data, policy->nonce_len);
            near[policy->nonce_len - 1] ^= 1; /* one bit beside the curve */
            try_key(ALL[i], (kw_bytes){near, policy->nonce_len}, KW_BAD_SECURITY_CHECKS_FAILED);
            kw_ephemeral_key_free(key);
        }
    }
}

static void what_a_test_makes_by_itself_is_accepted_when_it_is_right(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256");
    kw_test_pair *pair = greeted_server(policy);
    kw_ephemeral_key *key = fresh_key(policy);
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key)});
    assert_true(kw_channel_is_open(pair->server.channel));
    /* The same key for another token: attack A-57. */
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key),
                                   .sequence = 1,
                                   .channel_id = kw_channel_id(pair->server.channel),
                                   .is_renewal = true});
    kw_test_assert_closed(&pair->server, KW_BAD_NONCE_INVALID);
    kw_ephemeral_key_free(key);
    kw_test_pair_free(pair);
}

static void the_first_number_is_0(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_curve25519");
    kw_test_pair *pair = greeted_server(policy);
    kw_ephemeral_key *key = fresh_key(policy);
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key), .sequence = 1});
    kw_test_assert_closed(&pair->server, KW_BAD_SEQUENCE_NUMBER_INVALID);
    kw_test_pair_free(pair);

    pair = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
    kw_test_pair_open(pair);
    assert_int_equal(pair->client.channel->sent_sequence, 0);
    assert_int_equal(pair->server.channel->sent_sequence, 0);
    kw_test_pair_free(pair);
    kw_ephemeral_key_free(key);
}

/* The attack on the first drafts (appendix A, 5.2): what was signed for one server opens no channel with another. */
static void an_open_for_another_server_is_refused(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256");
    kw_test_pair *pair = greeted_server(policy);
    kw_ephemeral_key *key = fresh_key(policy);
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key), .receiver = who("elsewhere", KW_KEY_EC_P256)});
    kw_test_assert_closed(&pair->server, KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(pair->server.audits[0].status, KW_BAD_CERTIFICATE_INVALID);
    kw_ephemeral_key_free(key);
    kw_test_pair_free(pair);
}

static void an_open_with_a_certificate_of_somebody_else_is_refused(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256");
    kw_test_pair *pair = greeted_server(policy);
    kw_ephemeral_key *key = fresh_key(policy);
    const kw_application_identity mixed = {.certificate = pair->options.client->certificate, .key = who("thief", KW_KEY_EC_P256)->key};
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key), .signer = &mixed});
    kw_test_assert_closed(&pair->server, KW_BAD_SECURITY_CHECKS_FAILED);
    kw_ephemeral_key_free(key);
    kw_test_pair_free(pair);
}

static void a_certificate_of_another_curve_is_refused(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256");
    kw_test_pair *pair = greeted_server(policy);
    kw_ephemeral_key *key = fresh_key(policy);
    const kw_application_identity mixed = {.certificate = who("client", KW_KEY_EC_BP256)->certificate, .key = pair->options.client->key};
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key), .signer = &mixed});
    kw_test_assert_closed(&pair->server, KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(pair->server.audits[0].status, KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED);
    kw_ephemeral_key_free(key);
    kw_test_pair_free(pair);
}

static void a_server_speaks_no_policy_that_its_key_does_not_fit(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP384");
    kw_test_pair *pair = kw_test_pair_new(&(kw_test_pair_options){.policy = policy,
                                                                  .mode = KW_MESSAGE_SECURITY_MODE_SIGN,
                                                                  .client = who("client", KW_KEY_EC_P384),
                                                                  .server = who("server", KW_KEY_EC_P256),
                                                                  .no_client = true});
    kw_test_pair *other = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
    kw_channel_input(pair->server.channel, kw_writer_bytes(&other->client.sent));
    kw_ephemeral_key *key = fresh_key(policy);
    send_open(pair, &(forged_open){.nonce = kw_ephemeral_key_public(key)});
    kw_test_assert_closed(&pair->server, KW_BAD_SECURITY_POLICY_REJECTED);
    kw_ephemeral_key_free(key);
    kw_test_pair_free(other);
    kw_test_pair_free(pair);
}

static void change_open(kw_test_pair *pair, kw_test_peer *from, size_t at)
{
    from->sent.data[at] ^= 0x10;
    kw_test_pair_pump(pair);
    assert_int_equal(pair->client.opened, 0);
}

/* In the request, and in the response. */
static void no_byte_of_an_open_can_be_changed(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256");
    for (size_t at = KW_TCP_HEADER, size = SIZE_MAX; at < size; at += 5) {
        kw_test_pair *pair = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
        assert_true(kw_test_pair_deliver(pair, &pair->client)); /* HEL */
        assert_true(kw_test_pair_deliver(pair, &pair->server)); /* ACK */
        size = pair->client.sent.len;
        change_open(pair, &pair->client, at);
        assert_int_equal(pair->server.opened, 0);
        kw_test_pair_free(pair);

        pair = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
        assert_true(kw_test_pair_deliver(pair, &pair->client));
        assert_true(kw_test_pair_deliver(pair, &pair->server));
        assert_true(kw_test_pair_deliver(pair, &pair->client));
        if (at < pair->server.sent.len) {
            change_open(pair, &pair->server, at);
        }
        kw_test_pair_free(pair);
    }
}

/* The attack on renewals (appendix A, 5.5): the new keys are those of the old secret and the new one. */
static void renewed_keys_need_what_was_agreed_before(void **state)
{
    (void)state;
    for (int is_known = 0; is_known < 2; is_known++) {
        kw_test_pair *pair = pair_of(by_name("ECC_nistP256_AesGcm"), KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
        kw_test_pair_open(pair);
        assert_int_equal(pair->client.channel->agreed.len, 32);
        assert_memory_equal(pair->client.channel->agreed.data, pair->server.channel->agreed.data, 32);
        pair->client.channel->agreed.data[0] ^= is_known ? 0 : 1;
        kw_test_pair_advance(pair, RENEWAL);
        kw_test_pair_pump(pair);
        kw_test_pair_forget(pair);
        assert_int_equal(kw_channel_send(pair->client.channel, 1, KW_STRING("under the new token")), KW_GOOD);
        kw_test_pair_pump(pair);
        assert_int_equal(pair->server.message_count, is_known);
        assert_int_equal(pair->server.closed, !is_known);
        kw_test_pair_free(pair);
    }
}

/* The first answer is signed along with the request that it answers, and both ends know the channel by that signature. */
static void a_first_answer_is_for_one_request_alone(void **state)
{
    (void)state;
    const kw_security_policy *policy = by_name("ECC_nistP256_AesGcm");
    for (int is_right = 0; is_right < 2; is_right++) {
        kw_test_pair *pair = pair_of(policy, KW_MESSAGE_SECURITY_MODE_SIGN);
        assert_true(kw_test_pair_deliver(pair, &pair->client));
        assert_true(kw_test_pair_deliver(pair, &pair->server));
        assert_int_equal(pair->client.channel->request_signature.len, 64);
        pair->client.channel->request_signature.data[5] ^= is_right ? 0 : 1; /* as if it had asked something else */
        kw_test_pair_pump(pair);
        assert_int_equal(pair->client.opened, is_right);
        const kw_bytes ours = kw_channel_thumbprint(pair->client.channel), theirs = kw_channel_thumbprint(pair->server.channel);
        assert_int_equal(kw_bytes_equal(ours, theirs) && ours.len == 64, is_right);
        kw_test_pair_free(pair);
    }
}

static void numbers_go_all_the_way_round(void **state)
{
    (void)state;
    static const char *const SOME[] = {"ECC_nistP256", "ECC_curve448"};
    for (size_t i = 0; i < COUNT(SOME); i++) {
        kw_test_pair *pair = pair_of(by_name(SOME[i]), KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
        kw_test_pair_open(pair);
        pair->client.channel->sent_sequence = pair->server.channel->received_sequence = UINT32_MAX - 2;
        for (uint32_t id = 1; id <= 4; id++) {
            say(pair, &pair->client, id, 10);
        }
        assert_int_equal(pair->server.channel->received_sequence, 1);
        kw_test_pair_free(pair);
    }
}

static void numbers_of_old_and_new_policies_differ_at_both_ends(void **state)
{
    (void)state;
    const kw_security_policy *agreed = by_name("ECC_nistP256"), *old = by_name("Basic256Sha256");
    const uint32_t last = UINT32_MAX, early = UINT32_MAX - 100;
    assert_true(kw_sequence_follows(agreed, &last, 0));
    assert_false(kw_sequence_follows(agreed, &last, 1));
    assert_false(kw_sequence_follows(agreed, &early, 0));
    assert_false(kw_sequence_follows(agreed, NULL, 1));
    assert_true(kw_sequence_follows(old, &early, 5));
    assert_true(kw_sequence_follows(old, NULL, 51));
    assert_int_equal(kw_sequence_next(agreed, UINT32_MAX), 0);
    assert_int_equal(kw_sequence_next(old, UINT32_MAX), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_talks_in_every_mode_over_several_tokens),
        cmocka_unit_test(every_certificate_that_a_policy_takes_opens),
        cmocka_unit_test(only_encrypted_channels_hide_their_messages),
        cmocka_unit_test(no_byte_of_a_message_can_be_changed),
        cmocka_unit_test(a_message_arrives_once),
        cmocka_unit_test(keys_that_are_not_on_the_curve_or_of_small_order_are_refused_with_one_code),
        cmocka_unit_test(what_a_test_makes_by_itself_is_accepted_when_it_is_right),
        cmocka_unit_test(the_first_number_is_0),
        cmocka_unit_test(an_open_for_another_server_is_refused),
        cmocka_unit_test(an_open_with_a_certificate_of_somebody_else_is_refused),
        cmocka_unit_test(a_certificate_of_another_curve_is_refused),
        cmocka_unit_test(a_server_speaks_no_policy_that_its_key_does_not_fit),
        cmocka_unit_test(no_byte_of_an_open_can_be_changed),
        cmocka_unit_test(renewed_keys_need_what_was_agreed_before),
        cmocka_unit_test(a_first_answer_is_for_one_request_alone),
        cmocka_unit_test(numbers_go_all_the_way_round),
        cmocka_unit_test(numbers_of_old_and_new_policies_differ_at_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

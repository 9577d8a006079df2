/*
 * The Client of the library among the others: on a network that delays, cuts and swallows, with a token that it renews by itself.
 * While it waits for an answer the plant goes on.
 */
#include "sim/sim.h"
#include "support/kw_test_network.h"
#include "support/test.h"

#include <stdlib.h>

#define TOKEN_S 45
#define PATIENCE_MS 5000u
#define RECONNECT_MS 10000u
#define SESSION_MS 60000.0
#define TRIES 5
#define BETWEEN_TRIES_MS 20000u /* renewals and lock-outs have their time */

struct sim_client {
    sim *sim;
    kw_test_network *network;
    kw_client *client;
    bool is_connected, is_waiting; /* has a Session; is within a call */
    sim_person person;
    uint64_t calls, good;
};

/* --- while it waits ----------------------------------------------------------------------------------------------------------- */

static void pass(kw_test_network *network, uint64_t ms)
{
    sim *s = network->ctx;
    if (!s->is_calm && sim_chance(s, 20)) {
        sim_act(s);
        sim_finish_renewals(s);
        sim_age(s);
        sim_judge(s);
    }
    sim_pass(s, ms);
}

static kw_status fetch_token(void *ctx, kw_arena *arena, kw_string *token)
{
    sim *s = ctx;
    (void)arena;
    *token = kw_test_jwt(s->world, s->issuer, kw_test_claims(s->world, s->issuer, "library", TOKEN_S, ",\"roles\":[\"mover\"]"));
    return KW_GOOD;
}

/* --- what it does ---------------------------------------------------------------------------------------------------------------- */

static kw_status activate(sim_client *c, sim_person person)
{
    const kw_client_identity visitor = {
        .kind = KW_USER_TOKEN_TYPE_USER_NAME, .user_name = KW_STRING("visitor"), .password = KW_STRING("visitor")};
    const kw_client_identity robot = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .source = {.fetch = fetch_token, .ctx = c->sim}};
    return kw_client_activate(c->client, person == SIM_ROBOT ? &robot : &visitor);
}

static void come(sim_client *c)
{
    const sim_person person = sim_chance(c->sim, 75) ? SIM_ROBOT : SIM_VISITOR;
    kw_status status = c->is_connected ? KW_GOOD : kw_client_connect(c->client, KW_TEST_NETWORK_URL);
    c->is_connected = !kw_status_is_bad(status);
    if (c->is_connected) {
        status = activate(c, person);
        c->person = !kw_status_is_bad(status) ? person : SIM_NOBODY;
    }
    sim_note(c->sim, "the library comes as %s: %s", sim_person_name(person), kw_status_name(status));
}

/* What it gets is what was written last, or meanwhile; and the secret is for the robot alone. */
static kw_status read_value(sim_client *c, bool is_secret)
{
    sim *s = c->sim;
    kw_data_value value = {.has_value = false};
    const uint32_t before = s->variables[is_secret].count;
    kw_status status = kw_client_read(c->client, is_secret ? &KW_TEST_SECRET : &KW_TEST_PUBLIC, 13, s->world->arena, &value);
    if (!kw_status_is_bad(status) && value.has_status) {
        status = value.status;
    }
    sim_note(s, "the library reads %s: %s", is_secret ? "secret" : "public", kw_status_name(status));
    c->calls++;
    if (kw_status_is_bad(status)) {
        return status;
    }
    const int32_t *number = kw_variant_get(&value.value, KW_BUILTIN_INT32);
    if (is_secret && c->person != SIM_ROBOT) {
        sim_violation(s, "the library got at the secret as %s", sim_person_name(c->person));
    }
    if (number == NULL || sim_value_order(s, is_secret, *number) < before) {
        sim_violation(s, "the library read a value of before");
    }
    c->good++;
    return status;
}

static void disturb(sim_client *c)
{
    sim *s = c->sim;
    kw_test_network *n = c->network;
    switch (sim_below(s, 5)) {
    case 0:
        n->delay_ms = sim_below(s, 3000);
        sim_note(s, "the library hears with a delay of %llu ms", (unsigned long long)n->delay_ms);
        break;
    case 1:
        n->to_server_left = sim_below(s, 3000);
        n->is_dropping = sim_chance(s, 30);
        sim_note(s, "%zu bytes of the library still arrive", n->to_server_left);
        break;
    case 2:
        n->to_client_left = sim_below(s, 3000);
        n->is_dropping = sim_chance(s, 30);
        sim_note(s, "%zu bytes still reach the library", n->to_client_left);
        break;
    case 3:
        n->down_until = sim_now(s) + sim_below(s, 8000);
        kw_test_network_cut(n);
        sim_note(s, "the network of the library is down");
        break;
    default:
        kw_test_network_cut(n);
        sim_note(s, "the library is cut off");
    }
}

static void mend(kw_test_network *n)
{
    n->delay_ms = n->down_until = 0;
    n->to_server_left = n->to_client_left = SIZE_MAX;
    n->is_dropping = false;
}

void sim_use_library(sim *s)
{
    sim_client *c = s->client;
    if (c == NULL || c->is_waiting) {
        return;
    }
    c->is_waiting = true;
    if (sim_chance(s, 25)) {
        disturb(c);
    } else if (sim_chance(s, 25)) {
        mend(c->network);
    }
    if (!c->is_connected || c->person == SIM_NOBODY || sim_chance(s, 5)) {
        come(c);
    } else if (sim_chance(s, 30)) {
        const uint32_t ms = 1 + (uint32_t)sim_below(s, 20000);
        sim_note(s, "the library idles for %u ms: %s", ms, kw_status_name(kw_client_idle(c->client, ms)));
    } else {
        read_value(c, sim_chance(s, 60));
    }
    c->is_waiting = false;
}

void sim_cut_library(sim *s)
{
    if (s->client != NULL) {
        kw_test_network_cut(s->client->network);
    }
}

/* --- its life ------------------------------------------------------------------------------------------------------------------- */

void sim_begin_library(sim *s)
{
    const kw_application_identity *identity = kw_test_identity("library", 2048);
    sim_client *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    kw_client_config config = {
        .timeout_ms = PATIENCE_MS, .reconnect_ms = RECONNECT_MS, .session_timeout_ms = SESSION_MS, .policy = "Basic256Sha256"};
    c->sim = s;
    c->network = kw_test_network_on(s->world);
    c->network->pass = pass;
    c->network->ctx = s;
    kw_test_trust_add(&s->world->trust, identity);
    kw_test_network_write(c->network, "library", identity, &config.certificate_file, &config.key_file);
    c->client = kw_test_network_client(c->network, &config);
    s->client = c;
}

/* All is well again: who renews his token by himself is served as if nothing had been. */
void sim_end_library(sim *s)
{
    sim_client *c = s->client;
    if (c == NULL) {
        return;
    }
    mend(c->network);
    c->is_waiting = true;
    const bool is_robot = c->is_connected && c->person == SIM_ROBOT;
    kw_status status = is_robot ? read_value(c, true) : KW_GOOD;
    for (int i = 1; i < TRIES && kw_status_is_bad(status); i++) {
        sim_pass(s, BETWEEN_TRIES_MS);
        status = read_value(c, true);
    }
    if (kw_status_is_bad(status)) {
        sim_violation(s, "the library does not get over it: %s, %s", kw_status_name(status), kw_client_error(c->client));
    }
    kw_client_disconnect(c->client);
    kw_test_network_free(c->network);
    s->library_calls = c->calls;
    s->library_good = c->good;
    free(c);
    s->client = NULL;
}

#include "sim/sim.h"
#include "support/test.h"

#include <string.h>

static const char *const POLICIES[] = {"Basic256Sha256", "Aes128_Sha256_RsaOaep", "None"};

/* --- whom and what --------------------------------------------------------------------------------------------------------------- */

sim_request *sim_request_new(sim *s, sim_kind kind, kw_test_client *line, sim_session *session)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        sim_request *r = &s->requests[i];
        if (!r->is_open) {
            *r = (sim_request){.is_open = true, .kind = kind, .line = line, .session = session, .sent_ms = s->world->clock->ms};
            if (session != NULL) {
                r->token = session->wire.token;
            }
            return r;
        }
    }
    return NULL;
}

static kw_test_client *some_line(sim *s)
{
    kw_test_client *line = s->lines[sim_below(s, SIM_LINES)];
    return line != NULL && !line->is_closed ? line : NULL;
}

static sim_session *some_session(sim *s)
{
    sim_session *session = &s->sessions[sim_below(s, SIM_SESSIONS)];
    for (int tries = 0; tries < 3 && !session->exists; tries++) { /* seldom one that is over */
        session = &s->sessions[sim_below(s, SIM_SESSIONS)];
    }
    return session->wire.token.id.string.len > 0 ? session : NULL;
}

/* Mostly the line that it is bound to: otherwise little would ever work. */
static kw_test_client *line_for(sim *s, const sim_session *session, unsigned elsewhere_percent)
{
    if (session->bound != NULL && !session->bound->is_closed && !sim_chance(s, elsewhere_percent)) {
        return session->bound;
    }
    return some_line(s);
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------ */

static void open_line_at(sim *s, size_t at)
{
    static const unsigned WEIGHTS[] = {0, 0, 0, 0, 0, 0, 1, 2};
    kw_test_client_options options = {.policy = kw_security_policy_by_name(kw_string_from(POLICIES[WEIGHTS[sim_below(s, 8)]])),
                                      .identity = s->applications[sim_chance(s, 25)]};
    if (!options.policy->is_none && sim_chance(s, 15)) {
        options.mode = KW_MESSAGE_SECURITY_MODE_SIGN;
    }
    const bool is_held = s->world->is_held;
    s->world->is_held = false; /* the handshake itself has its own tests */
    s->lines[at] = kw_test_client_new(s->world, &options);
    s->world->is_held = is_held;
    s->is_closing[at] = false;
    sim_note(s, "line %zu: %s, mode %d, application %d", at, options.policy->name, (int)s->lines[at]->mode,
             options.identity == s->applications[1]);
}

static void open_line(sim *s)
{
    const size_t at = sim_below(s, SIM_LINES);
    if (s->lines[at] == NULL || s->lines[at]->is_closed) {
        open_line_at(s, at);
    }
}

static void end_line(sim *s)
{
    const size_t at = sim_below(s, SIM_LINES);
    if (s->lines[at] == NULL || s->lines[at]->is_closed) {
        return;
    }
    s->is_closing[at] = true;
    if (sim_chance(s, 60)) {
        sim_note(s, "line %zu is cut", at);
        kw_test_client_cut(s->lines[at]);
    } else {
        sim_note(s, "line %zu is closed", at);
        s->lines[at]->is_slow = false;
        kw_test_world_pump(s->world);
        sim_judge(s); /* what was on its way arrives first, and is answered */
        kw_test_client_close(s->lines[at]);
    }
}

static void slow_line(sim *s)
{
    kw_test_client *line = some_line(s);
    if (line != NULL) {
        line->is_slow = !line->is_slow;
        sim_note(s, "line %u is %s", sim_line_number(s, line), line->is_slow ? "slow" : "quick again");
        kw_test_world_pump(s->world);
    }
}

/* --- Sessions --------------------------------------------------------------------------------------------------------------------- */

static void create(sim *s)
{
    kw_test_client *line = some_line(s);
    sim_session *session = &s->sessions[sim_below(s, SIM_SESSIONS)];
    if (line == NULL || session->exists) {
        return;
    }
    for (size_t i = 0; i < SIM_REQUESTS; i++) { /* its place in the model is taken already */
        if (s->requests[i].is_open && s->requests[i].session == session) {
            return;
        }
    }
    *session = (sim_session){.application = line->policy->is_none ? NULL : line->identity, .policy = line->policy, .mode = line->mode};
    sim_request *r = sim_request_new(s, SIM_CREATE, line, session);
    if (r != NULL) {
        sim_note(s, "create session %u on line %u", sim_session_number(s, session), sim_line_number(s, line));
        kw_create_session_request *request = kw_test_creation(line);
        request->requested_session_timeout = 600000;
        r->id = kw_test_send(line, NULL, KW_TYPE_CREATE_SESSION_REQUEST, request);
    }
}

static kw_string token_of(sim *s, sim_user *user)
{
    kw_test_world *world = s->world;
    const int life = 5 + (int)sim_below(s, 120);
    const bool expired = user->is_false && sim_chance(s, 50);
    const kw_test_issuer *issuer = user->is_false && !expired ? s->stranger : s->issuer;
    user->expires = world->clock->utc - world->clock->utc % KW_TICKS_PER_S + life * KW_TICKS_PER_S;
    return kw_test_token(world, issuer, sim_person_name(user->person), expired ? -3600 : life);
}

static kw_string claims_token(sim *s, sim_user *user)
{
    if (user->person != SIM_ROBOT || user->is_false) {
        return token_of(s, user);
    }
    const int life = 5 + (int)sim_below(s, 120);
    user->expires = s->world->clock->utc - s->world->clock->utc % KW_TICKS_PER_S + life * KW_TICKS_PER_S;
    return kw_test_jwt(s->world, s->issuer, kw_test_claims(s->world, s->issuer, "robot", life, ",\"roles\":[\"mover\"]"));
}

/* The token of this user for this Session, made with the nonce that `wire` has. */
static kw_test_user proof_of(sim *s, kw_test_client *line, const kw_test_session *wire, sim_user *user)
{
    const char *name = sim_person_name(user->person);
    switch (user->person) {
    case SIM_OPERATOR:
    case SIM_VISITOR:
        return kw_test_user_name_as(line, wire, sim_chance(s, 50) ? KW_SECRET_LEGACY : KW_SECRET_RSA, name,
                                    user->is_false ? "guessed" : name);
    case SIM_ROBOT:
    case SIM_GUEST:
        return kw_test_issued(line, wire, claims_token(s, user));
    default:
        user->is_false = !s->allows_anonymous;
        return s->allows_anonymous && sim_chance(s, 50) ? kw_test_anonymous(line, wire) : kw_test_nobody();
    }
}

/* A wrong proof of the application, of one kind or another; true when there is something to get wrong. */
static bool spoil(sim *s, kw_test_client *line, const kw_test_session *wire, kw_activate_session_request *request)
{
    const kw_bytes leaf = kw_test_leaf(s->world, wire->server_certificate);
    const kw_bytes swapped[] = {wire->nonce, leaf}, right[] = {leaf, wire->nonce};
    if (line->policy->is_none) {
        return false;
    }
    switch (sim_below(s, 3)) {
    case 0:
        request->client_signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
        return true;
    case 1:
        request->client_signature = kw_test_sign(line, line->identity->key, swapped, 2);
        return true;
    default:
        request->client_signature = kw_test_sign(line, kw_test_identity("thief", 2048)->key, right, 2);
        return true;
    }
}

static void send_activation(sim *s, sim_session *session, kw_test_client *line, sim_request *r, kw_activate_session_request *request)
{
    sim_note(s, "activate session %u on line %u as %s%s%s%s", sim_session_number(s, session), sim_line_number(s, line),
             sim_person_name(r->user.person), r->user.is_false ? " (false)" : "", r->is_unproven ? " unproven" : "",
             kw_bytes_equal(r->nonce, session->wire.nonce) ? "" : " with an old nonce");
    for (size_t i = 0; i < SIM_REQUESTS; i++) { /* one at a time: either may be refused */
        sim_request *other = &s->requests[i];
        if (other->is_open && other != r && other->kind == SIM_ACTIVATE && other->session == session) {
            other->possible |= SIM_BUSY;
            r->possible |= SIM_BUSY;
        }
    }
    r->id = kw_test_send(line, &session->wire, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
}

static void activate(sim *s)
{
    sim_session *session = some_session(s);
    kw_test_client *line = session != NULL ? line_for(s, session, 25) : NULL;
    sim_request *r = line != NULL && session->wire.created != NULL ? sim_request_new(s, SIM_ACTIVATE, line, session) : NULL;
    if (r == NULL) {
        return;
    }
    kw_test_session wire = session->wire;
    if (sim_chance(s, 8) && s->nonce_count > 0) {
        wire.nonce = s->nonces[sim_below(s, s->nonce_count)];
    }
    r->nonce = wire.nonce;
    r->made = s->world->clock->utc;
    r->user.person = sim_chance(s, line == session->bound ? 40 : 75) && session->is_activated ? session->user.person
                                                                                              : (sim_person)sim_below(s, SIM_PERSONS);
    r->user.is_false = r->user.person != SIM_NOBODY && sim_chance(s, 6);
    const kw_test_user user = proof_of(s, line, &wire, &r->user);
    kw_activate_session_request *request = kw_test_activation(line, &wire, user);
    r->is_unproven = sim_chance(s, 8) && spoil(s, line, &wire, request);
    session->last_sent = request;
    session->last_user = r->user;
    session->last_is_unproven = r->is_unproven;
    session->last_nonce = r->nonce;
    session->last_made = r->made;
    session->last_line = line;
    session->last_signer = line->policy->is_none ? NULL : line->identity;
    s->failures += r->user.is_false || r->is_unproven;
    send_activation(s, session, line, r, request);
}

/* Byte for byte what was sent before, by whoever listened, on any line. */
static void replay(sim *s)
{
    sim_session *session = some_session(s);
    kw_test_client *line = session != NULL && session->last_sent != NULL ? line_for(s, session, 50) : NULL;
    if (line == NULL || line->policy->is_none || session->policy->is_none) { /* None proves nothing: note N2 */
        return;
    }
    sim_request *r = sim_request_new(s, SIM_ACTIVATE, line, session);
    if (r != NULL) {
        kw_activate_session_request *request = KW_ARENA_NEW(s->world->arena, kw_activate_session_request);
        *request = *session->last_sent;
        r->is_unproven = session->last_is_unproven || session->last_signer != line->identity;
        r->nonce = session->last_nonce; /* if nothing was accepted since, it is the same attempt once more */
        r->user = session->last_user;
        r->made = session->last_made;
        if (session->last_line->policy != line->policy) { /* its token names a UserTokenPolicy of another endpoint */
            r->possible = SIM_FALSE_USER | SIM_STALE_SECRET;
        }
        s->failures += r->is_unproven;
        send_activation(s, session, line, r, request);
    }
}

static void read_or_write(sim *s)
{
    sim_session *session = some_session(s);
    kw_test_client *line = session != NULL ? line_for(s, session, 15) : NULL;
    sim_request *r = line != NULL ? sim_request_new(s, sim_chance(s, 25) ? SIM_WRITE : SIM_READ, line, session) : NULL;
    if (r == NULL) {
        return;
    }
    r->is_secret = sim_chance(s, 80);
    const kw_node_id *node = r->is_secret ? &KW_TEST_SECRET : &KW_TEST_PUBLIC;
    sim_note(s, "%s %s in session %u on line %u", r->kind == SIM_READ ? "read" : "write", r->is_secret ? "secret" : "public",
             sim_session_number(s, session), sim_line_number(s, line));
    if (r->kind == SIM_READ) {
        kw_read_value_id what = {.node_id = *node, .attribute_id = 13};
        kw_read_request request = {
            .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER, .nodes_to_read_count = 1, .nodes_to_read = &what};
        r->id = kw_test_send(line, &session->wire, KW_TYPE_READ_REQUEST, &request);
        return;
    }
    r->value = (int32_t)sim_below(s, 1000000);
    kw_write_value what = {
        .node_id = *node, .attribute_id = 13, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &r->value)}};
    kw_write_request request = {.nodes_to_write_count = 1, .nodes_to_write = &what};
    r->id = kw_test_send(line, &session->wire, KW_TYPE_WRITE_REQUEST, &request);
}

static void close_session(sim *s)
{
    sim_session *session = some_session(s);
    kw_test_client *line = session != NULL ? line_for(s, session, 30) : NULL;
    sim_request *r = line != NULL ? sim_request_new(s, SIM_CLOSE, line, session) : NULL;
    if (r != NULL) {
        kw_close_session_request request = {.delete_subscriptions = true};
        sim_note(s, "close session %u on line %u", sim_session_number(s, session), sim_line_number(s, line));
        r->id = kw_test_send(line, &session->wire, KW_TYPE_CLOSE_SESSION_REQUEST, &request);
    }
}

/* --- the world around ----------------------------------------------------------------------------------------------------------------- */

static void pass_time(sim *s)
{
    static const uint64_t SPANS[] = {10, 200, 1000, 5000, 30000, 120000};
    const uint64_t span = 1 + sim_below(s, SPANS[sim_below(s, 6)]);
    sim_note(s, "%llu ms pass", (unsigned long long)span);
    kw_test_world_advance(s->world, span);
}

static void jump(sim *s)
{
    const int64_t seconds = (int64_t)sim_below(s, 240) - 120;
    sim_note(s, "the wall clock jumps by %lld s", (long long)seconds);
    s->world->clock->utc += seconds * KW_TICKS_PER_S;
}

static void work(sim *s)
{
    kw_test_world *world = s->world;
    if (!world->is_held && sim_chance(s, 85)) {
        return;
    }
    if (!world->is_held) {
        sim_note(s, "the pool is busy from now on");
        kw_test_world_hold(world);
    } else if (world->held.waiting > 0 && sim_chance(s, 90)) {
        sim_note(s, "one of %zu jobs is done", world->held.waiting);
        kw_test_executor_run_nth(&world->held, sim_below(s, world->held.waiting));
        kw_test_world_pump(world);
    } else {
        sim_note(s, "the pool has time");
        while (world->held.waiting > 0) { /* one by one, so that the model sees each */
            kw_test_executor_run_nth(&world->held, 0);
            kw_test_world_pump(world);
            sim_judge(s);
        }
        kw_test_world_run(world);
    }
}

static void break_store(sim *s)
{
    s->store_is_broken = !s->store_is_broken;
    s->store_changed_ms = s->world->clock->ms;
    sim_note(s, "the store %s", s->store_is_broken ? "fails" : "works again");
    kw_test_store_tamper(s->world->store,
                         s->store_is_broken ? "ALTER TABLE account RENAME TO lost_account" : "ALTER TABLE lost_account RENAME TO account");
}

static void change_user(sim *s)
{
    kw_user user;
    if (s->store_is_broken || kw_status_is_bad(kw_store_user_get(s->world->store->store, KW_STRING("operator"), s->world->arena, &user))) {
        return;
    }
    s->operator_is_disabled = !s->operator_is_disabled;
    s->operator_changed_ms = s->world->clock->ms;
    sim_note(s, "the operator is %s", s->operator_is_disabled ? "disabled" : "enabled");
    user.configuration = s->operator_is_disabled ? 2 : 0;
    assert_status(kw_store_user_set(s->world->store->store, &user), KW_GOOD);
}

void sim_begin(sim *s)
{
    for (size_t i = 0; i < SIM_LINES; i++) {
        open_line_at(s, i);
    }
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        create(s);
        sim_judge(s);
    }
}

/* --- chance ----------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned weight;
    void (*act)(sim *s);
} ACTIONS[] = {
    {14, open_line},    {4, end_line},  {3, slow_line}, {10, create}, {24, activate},   {4, replay},      {28, read_or_write},
    {2, close_session}, {8, pass_time}, {2, jump},      {20, work},   {1, break_store}, {1, change_user},
};

void sim_act(sim *s)
{
    unsigned total = 0;
    for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(ACTIONS[0]); i++) {
        total += ACTIONS[i].weight;
    }
    size_t at = sim_below(s, total);
    for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(ACTIONS[0]); i++) {
        if (at < ACTIONS[i].weight) {
            ACTIONS[i].act(s);
            return;
        }
        at -= ACTIONS[i].weight;
    }
}

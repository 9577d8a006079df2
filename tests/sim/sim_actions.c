/* What Clients do with their Sessions. */
#include "sim/sim.h"
#include "support/test.h"

#include <string.h>

/* --- whom and what --------------------------------------------------------------------------------------------------------------- */

sim_request *sim_request_new(sim *s, sim_kind kind, kw_test_client *line, sim_session *session)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        sim_request *r = &s->requests[i];
        if (!r->is_open) {
            *r = (sim_request){.is_open = true, .kind = kind, .line = line, .session = session, .always = ~(uint32_t)0};
            if (session != NULL) {
                r->token = session->wire.token;
            }
            return r;
        }
    }
    return NULL;
}

void sim_send(sim *s, sim_request *r, const kw_type *type, void *request)
{
    r->sent_ms = sim_now(s);
    r->id = kw_test_send(r->line, r->session != NULL && r->kind != SIM_CREATE ? &r->session->wire : NULL, type, request);
}

static kw_test_client *some_line(sim *s)
{
    kw_test_client *line = s->lines[sim_below(s, SIM_LINES)].wire;
    return line != NULL && !line->is_closed ? line : NULL;
}

sim_session *sim_some_session(sim *s)
{
    sim_session *session = &s->sessions[sim_below(s, SIM_SESSIONS)];
    for (int tries = 0; tries < 3 && !session->exists; tries++) {
        session = &s->sessions[sim_below(s, SIM_SESSIONS)];
    }
    return session->wire.token.id.string.len > 0 ? session : NULL;
}

sim_session *sim_session_in_use(sim *s)
{
    sim_session *session = sim_some_session(s);
    for (int tries = 0; tries < 6 && session != NULL && session->exists && !session->is_activated && !sim_chance(s, 3); tries++) {
        session = sim_some_session(s);
    }
    return session;
}

/* Mostly the line that it is bound to: otherwise little would ever work. */
kw_test_client *sim_line_for(sim *s, const sim_session *session, unsigned elsewhere_percent)
{
    if (session->bound != NULL && !session->bound->is_closed && !sim_chance(s, elsewhere_percent)) {
        return session->bound;
    }
    return some_line(s);
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
        request->requested_session_timeout = SIM_SESSION_TIMEOUT_MS;
        sim_send(s, r, KW_TYPE_CREATE_SESSION_REQUEST, request);
    }
}

static kw_string token_of(sim *s, sim_user *user)
{
    kw_test_world *world = s->world;
    const int life = 5 + (int)sim_below(s, 120);
    const bool expired = user->is_false && sim_chance(s, 50);
    const kw_test_issuer *issuer = user->is_false && !expired ? s->stranger : s->issuer;
    user->expires = world->clock->utc - world->clock->utc % KW_TICKS_PER_S + life * KW_TICKS_PER_S;
    user->key = s->keys[0].latest;
    return kw_test_token(world, issuer, sim_person_name(user->person), expired ? -3600 : life);
}

static kw_string claims_token(sim *s, sim_user *user)
{
    if (user->person != SIM_ROBOT || user->is_false) {
        return token_of(s, user);
    }
    const int life = 5 + (int)sim_below(s, 120);
    user->expires = s->world->clock->utc - s->world->clock->utc % KW_TICKS_PER_S + life * KW_TICKS_PER_S;
    user->key = s->keys[0].latest;
    user->claims = SIM_YES;
    return kw_test_jwt(s->world, s->issuer, kw_test_claims(s->world, s->issuer, "robot", life, ",\"roles\":[\"mover\"]"));
}

/* One that the Authorization Service has given: maybe long ago. */
static kw_string bearer_token(sim *s, sim_user *user, kw_date_time *made)
{
    const sim_token *token = &s->tokens[sim_below(s, s->token_count)];
    *user = token->user;
    *made = token->made;
    return token->text;
}

/* The token of this user for this Session, made with the nonce that `wire` has. */
static kw_test_user proof_of(sim *s, kw_test_client *line, const kw_test_session *wire, sim_user *user, kw_date_time *made)
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
    case SIM_BEARER:
        return kw_test_issued(line, wire, bearer_token(s, user, made));
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
    sim_send(s, r, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
}

/* For a transfer: one that could work, if there is any. */
static kw_test_client *line_like(sim *s, const sim_session *session)
{
    kw_test_client *line = some_line(s);
    for (int tries = 0; tries < 8; tries++) {
        if (line != NULL && line != session->bound && line->policy == session->policy && line->mode == session->mode &&
            (line->policy->is_none || line->identity == session->application)) {
            break;
        }
        line = some_line(s);
    }
    return line;
}

static sim_person some_person(sim *s)
{
    static const sim_person PERSONS[] = {SIM_NOBODY,  SIM_OPERATOR, SIM_OPERATOR, SIM_OPERATOR,
                                         SIM_VISITOR, SIM_ROBOT,    SIM_ROBOT,    SIM_GUEST};
    if (s->token_count > 0 && sim_chance(s, 30)) {
        return SIM_BEARER;
    }
    return PERSONS[sim_below(s, sizeof(PERSONS) / sizeof(PERSONS[0]))];
}

static kw_test_client *line_to_activate_on(sim *s, const sim_session *session)
{
    const bool is_free = session->bound == NULL || session->bound->is_closed;
    if (session->is_activated && sim_chance(s, is_free ? 85 : 30)) {
        return line_like(s, session);
    }
    return sim_line_for(s, session, 8);
}

static void activate(sim *s)
{
    sim_session *session = sim_some_session(s);
    kw_test_client *line = session != NULL ? line_to_activate_on(s, session) : NULL;
    sim_request *r = line != NULL && session->known_nonce.len > 0 ? sim_request_new(s, SIM_ACTIVATE, line, session) : NULL;
    if (r == NULL) {
        return;
    }
    kw_test_session wire = session->wire;
    wire.nonce = session->known_nonce;
    if (sim_chance(s, 8) && s->nonce_count > 0) {
        wire.nonce = s->nonces[sim_below(s, s->nonce_count)];
    }
    r->nonce = wire.nonce;
    r->made = s->world->clock->utc;
    r->user.person = sim_chance(s, line == session->bound ? 40 : 80) && session->is_activated ? session->user.person : some_person(s);
    r->user.is_false = r->user.person != SIM_NOBODY && r->user.person != SIM_BEARER && sim_chance(s, 6);
    const kw_test_user user = proof_of(s, line, &wire, &r->user, &r->made);
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
    sim_session *session = sim_some_session(s);
    kw_test_client *line = session != NULL && session->last_sent != NULL ? sim_line_for(s, session, 50) : NULL;
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
    sim_session *session = sim_session_in_use(s);
    kw_test_client *line = session != NULL ? sim_line_for(s, session, 15) : NULL;
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
        sim_send(s, r, KW_TYPE_READ_REQUEST, &request);
        return;
    }
    r->value = ++s->last_value;
    kw_write_value what = {
        .node_id = *node, .attribute_id = 13, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &r->value)}};
    kw_write_request request = {.nodes_to_write_count = 1, .nodes_to_write = &what};
    sim_send(s, r, KW_TYPE_WRITE_REQUEST, &request);
}

static void close_session(sim *s)
{
    sim_session *session = sim_some_session(s);
    kw_test_client *line = session != NULL ? sim_line_for(s, session, 30) : NULL;
    sim_request *r = line != NULL ? sim_request_new(s, SIM_CLOSE, line, session) : NULL;
    if (r != NULL) {
        r->keeps = sim_chance(s, 50);
        kw_close_session_request request = {.delete_subscriptions = !r->keeps};
        sim_note(s, "close session %u on line %u", sim_session_number(s, session), sim_line_number(s, line));
        sim_send(s, r, KW_TYPE_CLOSE_SESSION_REQUEST, &request);
    }
}

void sim_begin(sim *s)
{
    for (size_t i = 0; i < SIM_LINES; i++) {
        sim_open_line_at(s, i);
    }
    for (size_t i = 0; i < 2 * SIM_SESSIONS; i++) {
        create(s);
        sim_judge(s);
    }
    for (size_t i = 0; i < 3 * SIM_SESSIONS; i++) {
        activate(s);
        sim_judge(s);
        sim_subscribe(s);
        sim_judge(s);
    }
}

/* --- chance ----------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned weight;
    bool may_be_rare; /* there are lives without it */
    void (*act)(sim *s);
} ACTIONS[] = {
    {14, false, sim_open_line}, {4, true, sim_end_line},    {3, true, sim_slow_line},   {2, true, sim_deafen_line},
    {2, true, sim_dribble},     {10, false, create},        {24, false, activate},      {4, true, replay},
    {24, false, read_or_write}, {2, true, close_session},   {16, false, sim_pass_time}, {2, true, sim_jump},
    {18, true, sim_work},       {1, true, sim_break_store}, {1, true, sim_change_user}, {1, true, sim_change_role},
    {12, true, sim_subscribe},  {18, true, sim_publish},    {3, true, sim_republish},   {4, true, sim_take},
    {1, true, sim_unsubscribe}, {1, true, sim_change_keys}, {1, true, sim_guess},       {4, true, sim_request_token},
    {1, true, sim_restart},     {8, true, sim_use_library},
};

enum { ACTION_COUNT = sizeof(ACTIONS) / sizeof(ACTIONS[0]) };

void sim_choose_weights(sim *s)
{
    static const unsigned OFTEN[] = {0, 1, 1, 1, 2, 4};
    _Static_assert(ACTION_COUNT <= sizeof(s->weights) / sizeof(s->weights[0]), "room for every action");
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        const unsigned often = OFTEN[sim_below(s, 6)];
        s->weights[i] = ACTIONS[i].weight * (ACTIONS[i].may_be_rare ? often : 1);
    }
}

void sim_act(sim *s)
{
    unsigned total = 0;
    sim_mend_lines(s);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        total += s->weights[i];
    }
    size_t at = sim_below(s, total);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (at < s->weights[i]) {
            ACTIONS[i].act(s);
            return;
        }
        at -= s->weights[i];
    }
}

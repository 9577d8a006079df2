/* What must have been answered, and what must never have been. */
#include "server/server_internal.h"
#include "sim/sim.h"
#include "support/test.h"

#include <string.h>

#define ACTIVATION_TIMEOUT_MS 60000u
#define KEPT_MAX 40u /* messages that the Server keeps for Republish */
#define TOKEN_SKEW (60 * KW_TICKS_PER_S)

const char *sim_person_name(sim_person person)
{
    static const char *const NAMES[] = {"nobody", "operator", "visitor", "robot", "guest", "bearer"};
    return NAMES[person];
}

#define KEY_NAP_MS 11000u /* so often a Session looks whether the key of its token is believed */

static const sim_keys *keys_of(const sim *s, const sim_user *user)
{
    return &s->keys[user->person == SIM_BEARER];
}

static bool has_revoked_key(const sim *s, const sim_user *user)
{
    return user->expires != 0 && user->key < keys_of(s, user)->oldest;
}

static bool is_over(const sim *s, const sim_session *session)
{
    const sim_user *user = &session->user;
    const bool is_revoked = has_revoked_key(s, user) && sim_now(s) - s->unsettled_ms > SIM_SETTLE_MS + KEY_NAP_MS;
    return user->expires != 0 && (s->world->clock->utc >= user->expires || sim_now(s) > user->ends_ms || is_revoked);
}

/* The same, but for the milliseconds that the Server rounds, and for what it may not have noticed yet. */
static bool may_be_over(const sim *s, const sim_session *session)
{
    const sim_user *user = &session->user;
    return user->expires != 0 &&
           (s->world->clock->utc >= user->expires || sim_now(s) + 2 >= user->ends_early_ms || has_revoked_key(s, user));
}

sim_truth sim_right_of(const sim *s, const sim_user *user)
{
    if (user->person == SIM_OPERATOR) {
        return !sim_is_settled(s) ? SIM_MAYBE : s->operator_has_role ? SIM_YES : SIM_NO;
    }
    return user->claims;
}

sim_truth sim_right(const sim *s, const sim_session *session)
{
    if (is_over(s, session)) {
        return SIM_NO;
    }
    const sim_truth right = sim_right_of(s, &session->user);
    return right == SIM_YES && session->may_have_expired ? SIM_MAYBE : right;
}

static bool has_secret(const sim_user *user)
{
    return user->person != SIM_NOBODY;
}

uint32_t sim_value_order(const sim *s, bool is_secret, int32_t value)
{
    const sim_variable *v = &s->variables[is_secret];
    uint32_t order = v->count;
    while (order > 0 && v->values[order - 1] != value) {
        order--;
    }
    return order;
}

/* --- time -------------------------------------------------------------------------------------------------------------------- */

bool sim_is_settled(const sim *s)
{
    return sim_now(s) - s->unsettled_ms >= SIM_SETTLE_MS;
}

void sim_unsettle(sim *s)
{
    s->unsettled_ms = sim_now(s);
}

static void forget(sim *s, sim_session *session, bool is_known, bool keeps)
{
    session->exists = false;
    session->is_activated = false;
    sim_subscriptions_closed(s, session, is_known, keeps);
}

static void used(const sim *s, sim_session *session)
{
    session->alive_ms = session->alive_latest_ms = sim_now(s);
}

static bool must_be_closed(const sim *s, const sim_session *session)
{
    if (!session->is_activated) {
        return session->bound->is_closed || sim_now(s) - session->created_ms > ACTIVATION_TIMEOUT_MS;
    }
    if (session->user.person == SIM_OPERATOR && s->operator_is_disabled && sim_is_settled(s)) { /* UM-11 */
        return true;
    }
    return sim_now(s) - session->alive_latest_ms > SIM_SESSION_TIMEOUT_MS;
}

static void age_session(sim *s, sim_session *session)
{
    const uint64_t idle = sim_now(s) - session->alive_ms;
    if (must_be_closed(s, session)) {
        forget(s, session, false, false); /* an activation that is under way finds it closed */
        return;
    }
    session->may_be_closed = session->may_be_closed || idle + 1000 > SIM_SESSION_TIMEOUT_MS ||
                             (!session->is_activated && sim_now(s) - session->asked_ms + 1000 > ACTIVATION_TIMEOUT_MS);
    if (session->is_activated && session->user.person == SIM_OPERATOR && s->operator_is_disabled) {
        session->may_be_closed = true;
    }
    if (session->is_activated && may_be_over(s, session)) {
        session->may_have_expired = true;
        session->may_be_closed = session->may_be_closed || !s->allows_anonymous;
    }
}

void sim_age(sim *s)
{
    if (s->world->is_held || sim_store_is_broken(s)) {
        sim_unsettle(s);
    }
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        if (s->sessions[i].exists) {
            age_session(s, &s->sessions[i]);
        }
    }
    sim_age_subscriptions(s);
    sim_age_lines(s);
}

/* --- reasons ------------------------------------------------------------------------------------------------------------------- */

static bool is_alike(const sim_session *session, const kw_test_client *line)
{
    return line->policy == session->policy && line->mode == session->mode && line->mode != KW_MESSAGE_SECURITY_MODE_SIGN &&
           (line->policy->is_none || line->identity == session->application);
}

/* Why the store or its changes may have a say in this. */
static uint32_t reasons_of_store(const sim *s, const sim_request *r)
{
    uint32_t reasons = 0;
    if (sim_store_is_broken(s) || !sim_is_settled(s)) {
        reasons |= SIM_STORE;
    }
    if (r->user.person == SIM_OPERATOR && (s->operator_is_disabled || !sim_is_settled(s))) {
        reasons |= SIM_FALSE_USER;
    }
    reasons |= s->has_throttle ? SIM_BUSY : 0u; /* delayed answers: only so many */
    return s->has_throttle && s->failures >= 3 ? reasons | SIM_LOCKED : reasons;
}

/* Tokens from the future and secrets of long ago are refused; how much is too much has its own tests. */
static uint32_t reasons_of_age(const sim *s, const sim_request *r)
{
    const int64_t age = s->world->clock->utc - r->made;
    return age < 0 || age > TOKEN_SKEW ? SIM_FALSE_USER | SIM_STALE_SECRET : 0;
}

static uint32_t reasons_against_activation(const sim *s, const sim_request *r)
{
    const sim_session *session = r->session;
    uint32_t reasons = reasons_of_store(s, r);
    if (!kw_node_id_equal(&session->wire.token, &r->token)) {
        return ~(uint32_t)0; /* long ago: another one has its place in the model */
    }
    reasons |= (session->exists ? 0u : SIM_GONE) | (session->is_orphaned ? SIM_BUSY : 0u);
    if (r->line != session->bound) {
        reasons |= !session->is_activated ? SIM_ELSEWHERE : 0u;
        reasons |= !is_alike(session, r->line) ? SIM_NOT_ALIKE : 0u;
        reasons |=
            r->user.person != session->user.person || (session->may_have_expired && r->user.person != SIM_NOBODY) ? SIM_OTHER_USER : 0u;
    }
    const bool is_fresh = kw_bytes_equal(r->nonce, session->wire.nonce);
    if (!r->line->policy->is_none && (r->is_unproven || !is_fresh)) {
        reasons |= SIM_UNPROVEN;
    }
    if (has_secret(&r->user) && !is_fresh) {
        reasons |= SIM_STALE_SECRET;
    }
    const bool is_late = r->user.expires != 0 && s->world->clock->utc >= r->user.expires;
    if (r->user.is_false || is_late || has_revoked_key(s, &r->user)) {
        reasons |= SIM_FALSE_USER;
    }
    return session->may_be_closed ? reasons | SIM_GONE : reasons;
}

/* What of them, if it holds, leaves the Server no choice but to refuse. */
static uint32_t certain_against_activation(const sim *s, const sim_request *r)
{
    uint32_t reasons = reasons_against_activation(s, r) & ~(uint32_t)(SIM_STORE | SIM_LOCKED | SIM_BUSY);
    const bool expired_within_skew = r->user.expires != 0 && !r->user.is_false && s->world->clock->utc < r->user.expires + TOKEN_SKEW;
    if (r->session->exists && r->session->may_be_closed) {
        reasons &= ~(uint32_t)SIM_GONE;
    }
    if (r->session->may_have_expired) { /* the nobody that it may be, or the one it was */
        reasons &= r->user.person == SIM_NOBODY || r->user.person == r->session->user.person ? ~(uint32_t)SIM_OTHER_USER : ~0u;
    }
    const bool is_just_revoked = has_revoked_key(s, &r->user) && !sim_is_settled(s);
    if ((expired_within_skew && !has_revoked_key(s, &r->user)) || is_just_revoked ||
        r->user.person == SIM_OPERATOR) { /* enabled or disabled a moment before: see is_disabled_for_long */
        reasons &= r->user.is_false ? ~0u : ~(uint32_t)SIM_FALSE_USER;
    }
    return reasons;
}

/* Its Publish requests are answered before those that are the reason for it. */
static uint32_t reasons_of_others(const sim *s, const sim_request *r)
{
    uint32_t reasons = 0;
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        const sim_request *other = &s->requests[i];
        if (!other->is_open || other == r) {
            continue;
        }
        const bool is_ours = kw_node_id_equal(&other->token, &r->token);
        reasons |= is_ours && other->kind == SIM_CLOSE ? SIM_GONE : 0u;
        reasons |= is_ours && other->kind == SIM_ACTIVATE && other->line != r->line ? SIM_ELSEWHERE : 0u;
        reasons |= other->kind == SIM_TAKE || other->kind == SIM_UNSUBSCRIBE ? SIM_NO_SUBSCRIPTION : 0u;
    }
    return reasons;
}

static bool has_subscription(const sim *s, const sim_session *session)
{
    bool has = false;
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        const sim_subscription *subscription = &s->subscriptions[i];
        has = has || (subscription->exists && !subscription->may_be_gone && subscription->owner == session);
    }
    return has;
}

static bool is_acknowledged_by_now(const sim *s, const sim_subscription *subscription, const sim_message *m)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        const sim_request *r = &s->requests[i];
        if (r->is_open && r->kind == SIM_PUBLISH && r->subscription_id == subscription->id && r->number == m->number) {
            return true;
        }
    }
    return m->is_acknowledged || m->may_be_acknowledged;
}

static uint32_t reasons_against_message(const sim *s, const sim_request *r)
{
    const sim_subscription *subscription = r->subscription;
    for (size_t i = 0; i < subscription->sent_count; i++) {
        const sim_message *m = &subscription->sent[i];
        if (m->number == r->number && m->number >= subscription->first_certainly_kept && subscription->next_number - m->number < KEPT_MAX &&
            !is_acknowledged_by_now(s, subscription, m)) {
            return 0;
        }
    }
    return SIM_NO_MESSAGE;
}

/* What cannot be accounted for is not given out. */
static uint32_t reasons_against_token(const sim *s, const sim_request *r)
{
    const bool is_secret = r->line->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    const bool is_nobody = r->session->user.person == SIM_NOBODY || r->session->may_have_expired;
    return (is_secret && !is_nobody ? 0u : SIM_UNPROTECTED) | (sim_trail_is_broken(s) ? SIM_NO_TRAIL | SIM_STORE : 0u) |
           (sim_is_settled(s) ? 0u : SIM_STORE);
}

static uint32_t reasons_against_subscription(const sim *s, const sim_request *r)
{
    const sim_subscription *subscription = r->subscription;
    if (r->kind == SIM_TOKEN) {
        return reasons_against_token(s, r);
    }
    if (r->kind == SIM_PUBLISH) {
        return has_subscription(s, r->session) ? 0u : SIM_NO_SUBSCRIPTION;
    }
    if (subscription == NULL || r->kind == SIM_SUBSCRIBE || r->kind == SIM_TAKE) {
        return 0;
    }
    const bool is_there = subscription->exists && subscription->id == r->subscription_id && !subscription->may_be_gone;
    const uint32_t reasons = is_there && subscription->owner == r->session ? 0u : SIM_NO_SUBSCRIPTION;
    return r->kind == SIM_REPUBLISH ? reasons | reasons_against_message(s, r) : reasons;
}

uint32_t sim_reasons_against_service(const sim *s, const sim_request *r)
{
    const sim_session *session = r->session;
    uint32_t reasons = reasons_against_subscription(s, r);
    if (!session->exists || !kw_node_id_equal(&session->wire.token, &r->token)) {
        return reasons | SIM_GONE;
    }
    reasons |= session->may_be_closed ? SIM_GONE : 0u;
    if (r->line != session->bound) {
        reasons |= SIM_ELSEWHERE;
    }
    if (!session->is_activated && r->kind != SIM_CLOSE) {
        reasons |= SIM_NOT_ACTIVATED;
    }
    if (r->is_secret && sim_right(s, session) != SIM_YES) {
        reasons |= SIM_NO_RIGHT;
    }
    return reasons;
}

/* --- codes ------------------------------------------------------------------------------------------------------------------------ */

static uint32_t reasons_that_explain(kw_status status)
{
    switch (status) {
    case KW_BAD_SESSION_ID_INVALID:
    case KW_BAD_SESSION_CLOSED:
        return SIM_GONE;
    case KW_BAD_SECURE_CHANNEL_ID_INVALID:
        return SIM_ELSEWHERE;
    case KW_BAD_SECURITY_CHECKS_FAILED:
        return SIM_NOT_ALIKE;
    case KW_BAD_TOO_MANY_OPERATIONS:
        return SIM_BUSY;
    case KW_BAD_APPLICATION_SIGNATURE_INVALID:
        return SIM_UNPROVEN;
    case KW_BAD_IDENTITY_TOKEN_INVALID:
        return SIM_STALE_SECRET | SIM_FALSE_USER;
    case KW_BAD_IDENTITY_TOKEN_REJECTED:
        return SIM_FALSE_USER;
    case KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED:
        return SIM_OTHER_USER;
    case KW_BAD_SESSION_NOT_ACTIVATED:
        return SIM_NOT_ACTIVATED;
    case KW_BAD_USER_ACCESS_DENIED:
        return SIM_FALSE_USER | SIM_NO_RIGHT | SIM_STORE | SIM_LOCKED | SIM_UNPROTECTED;
    case KW_BAD_INTERNAL_ERROR:
    case KW_BAD_RESOURCE_UNAVAILABLE:
        return SIM_STORE;
    case KW_BAD_TOO_MANY_SESSIONS:
        return SIM_FULL;
    case KW_BAD_NO_SUBSCRIPTION:
    case KW_BAD_SUBSCRIPTION_ID_INVALID:
        return SIM_NO_SUBSCRIPTION;
    case KW_BAD_MESSAGE_NOT_AVAILABLE:
        return SIM_NO_MESSAGE;
    case KW_BAD_SECURITY_MODE_INSUFFICIENT:
        return SIM_UNPROTECTED;
    case KW_BAD_NOTHING_TO_DO:
        return SIM_NOTHING_TO_DO;
    default:
        return 0;
    }
}

void sim_check_refusal(sim *s, const sim_request *r, kw_status status, uint32_t reasons, const char *what)
{
    s->refused++;
    if ((reasons_that_explain(status) & (reasons | r->possible)) == 0) {
        sim_violation(s, "%s in session %u on line %u was refused with %s, reasons known: 0x%x", what, sim_session_number(s, r->session),
                      sim_line_number(s, r->line), kw_status_name(status), reasons | r->possible);
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------------------------ */

static void take_nonce(sim *s, kw_bytes nonce)
{
    if (nonce.len < 32) { /* AS-61 */
        sim_violation(s, "a nonce of %zu bytes", nonce.len);
    }
    for (size_t i = 0; i < s->nonce_count; i++) {
        if (kw_bytes_equal(s->nonces[i], nonce)) { /* AS-07, AS-08 */
            sim_violation(s, "a nonce was given out twice");
        }
    }
    if (s->nonce_count < SIM_NONCES) {
        s->nonces[s->nonce_count++] = nonce;
    }
}

/* The Clients learn of the last nonce. */
static void tell(sim *s, sim_session *session, kw_test_client *line)
{
    if (sim_line_of(s, line)->is_deaf) {
        session->news = line;
    } else {
        session->known_nonce = session->wire.nonce;
        session->news = NULL;
    }
}

static void judge_create(sim *s, sim_request *r, kw_status status, const void *response)
{
    if (kw_status_is_bad(status)) {
        const uint32_t late = sim_now(s) - r->sent_ms >= ACTIVATION_TIMEOUT_MS ? SIM_GONE : 0; /* the pool took so long */
        sim_check_refusal(s, r, status, SIM_FULL | late | reasons_of_store(s, r), "CreateSession");
        return;
    }
    const kw_create_session_response *created = response;
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        if (kw_node_id_equal(&s->sessions[i].wire.token, &created->authentication_token)) {
            sim_violation(s, "an authenticationToken was given out twice");
        }
    }
    r->session->wire =
        (kw_test_session){created->session_id, created->authentication_token, created->server_nonce, created->server_certificate, created};
    r->session->exists = !r->line->is_closed;
    r->session->bound = r->line;
    used(s, r->session);
    r->session->created_ms = sim_now(s);
    r->session->asked_ms = r->sent_ms;
    take_nonce(s, created->server_nonce);
    tell(s, r->session, r->line);
}

/* The user of the request is that of the Session from now on. */
static void take_user(sim *s, const sim_request *r)
{
    sim_session *session = r->session;
    const sim_user former = session->user;
    session->user = r->user;
    if (r->user.expires != 0 && s->world->clock->utc >= r->user.expires) { /* accepted late: good for the rest of that time */
        session->user.expires += TOKEN_SKEW;
    }
    session->user.expires += r->user.expires != 0 ? s->grace_s * KW_TICKS_PER_S : 0;
    const uint64_t ends = sim_now(s) + (uint64_t)((session->user.expires - s->world->clock->utc) / KW_TICKS_PER_MS) + 2;
    const bool is_again = session->user.expires == former.expires && former.ends_early_ms < ends; /* its end was worked out before */
    session->user.ends_ms = ends;
    session->user.ends_early_ms = is_again ? former.ends_early_ms : ends;
    sim_subscriptions_changed(s, session, &former);
    session->may_have_expired = false;
}

static void judge_activate(sim *s, sim_request *r, kw_status status, const void *response)
{
    sim_session *session = r->session;
    const bool is_same = kw_node_id_equal(&session->wire.token, &r->token);
    if (kw_status_is_bad(status)) {
        const uint32_t reasons = reasons_against_activation(s, r) | reasons_of_age(s, r);
        sim_count_attempt(s, r, status);
        session->alive_latest_ms = is_same ? sim_now(s) : session->alive_latest_ms;
        sim_check_refusal(s, r, status, reasons, "ActivateSession");
        return;
    }
    const bool is_locked = has_secret(&r->user) && sim_is_locked_out(s, r->line); /* AS-23 */
    const uint32_t against = certain_against_activation(s, r) | (is_locked ? SIM_LOCKED : 0u);
    if (against != 0) {
        sim_violation(s, "ActivateSession of session %u on line %u was accepted, against 0x%x", sim_session_number(s, session),
                      sim_line_number(s, r->line), against);
    }
    sim_count_attempt(s, r, status);
    s->accepted++;
    s->activations++;
    s->transfers += session->bound != r->line;
    session->bound = r->line;
    session->is_activated = true;
    take_user(s, r);
    session->may_be_closed = false;
    used(s, session);
    session->wire.nonce = ((const kw_activate_session_response *)response)->server_nonce;
    take_nonce(s, session->wire.nonce);
    tell(s, session, r->line);
}

static void judge_value(sim *s, const sim_request *r, kw_status status, const kw_variant *value)
{
    sim_variable *v = &s->variables[r->is_secret];
    if (kw_status_is_bad(status)) {
        sim_check_refusal(s, r, status, sim_reasons_against_service(s, r), r->kind == SIM_READ ? "Read" : "Write");
        return;
    }
    if (r->is_secret && sim_right(s, r->session) == SIM_NO) {
        sim_violation(s, "session %u got at the secret as %s", sim_session_number(s, r->session), sim_person_name(r->session->user.person));
    }
    if (r->kind == SIM_READ && *(const int32_t *)kw_variant_get(value, KW_BUILTIN_INT32) != v->values[v->count - 1]) {
        sim_violation(s, "a value that was not written last");
    }
    if (r->kind == SIM_WRITE) {
        assert_true(v->count < SIM_WRITES);
        v->values[v->count++] = r->value;
    }
}

static void judge_good(sim *s, sim_request *r, kw_status status, const void *response)
{
    if (r->kind == SIM_CLOSE) {
        forget(s, r->session, true, r->keeps);
    } else if (r->kind == SIM_READ) {
        const kw_data_value *v = &((const kw_read_response *)response)->results[0];
        judge_value(s, r, v->has_status ? v->status : KW_GOOD, &v->value);
    } else if (r->kind == SIM_WRITE) {
        judge_value(s, r, ((const kw_write_response *)response)->results[0], NULL);
    } else if (r->kind == SIM_TOKEN) {
        sim_judge_token(s, r, response);
    } else {
        sim_judge_subscription(s, r, status, response);
    }
}

static void judge_service(sim *s, sim_request *r, kw_status status, const void *response)
{
    sim_session *session = r->session;
    const uint32_t reasons = sim_reasons_against_service(s, r);
    if (kw_status_is_bad(status)) {
        r->possible |= r->kind == SIM_PUBLISH || r->kind == SIM_TOKEN ? reasons_of_others(s, r) : 0u;
        sim_may_be_acknowledged(r);
        if (status == KW_BAD_NO_SUBSCRIPTION || status == KW_BAD_SUBSCRIPTION_ID_INVALID || status == KW_BAD_MESSAGE_NOT_AVAILABLE) {
            session->alive_latest_ms = sim_now(s); /* it passed the gate */
        }
        sim_check_refusal(s, r, status, reasons, r->kind == SIM_CLOSE ? "CloseSession" : "a service");
        if (status == KW_BAD_SESSION_NOT_ACTIVATED && kw_node_id_equal(&session->wire.token, &r->token)) { /* AS-03 */
            forget(s, session, true, false);
        }
        return;
    }
    const uint32_t hard = SIM_ELSEWHERE | SIM_NOT_ACTIVATED | (session->exists && session->may_be_closed ? 0u : SIM_GONE);
    const uint32_t certain = reasons & hard & (r->kind == SIM_TOKEN ? r->always : ~0u); /* that one takes its time behind the gate */
    if (certain != 0) {
        sim_violation(s, "session %u was served on line %u, against 0x%x", sim_session_number(s, session), sim_line_number(s, r->line),
                      certain);
    }
    s->accepted++;
    if (r->kind != SIM_PUBLISH && r->kind != SIM_TOKEN) { /* those came some time ago */
        used(s, session);
    }
    judge_good(s, r, status, response);
}

static void judge_one(sim *s, sim_request *r)
{
    const void *response = NULL;
    const kw_status status = kw_test_answer_of(r->line, r->id, &response);
    sim_note(s, "line %u: %s", sim_line_number(s, r->line), kw_status_name(status));
    r->is_open = false;
    if (r->kind == SIM_CREATE) {
        judge_create(s, r, status, response);
    } else if (r->kind == SIM_ACTIVATE) {
        judge_activate(s, r, status, response);
    } else {
        judge_service(s, r, status, response);
    }
}

/* Publish waits for its answer: the Session was used when it came. */
static void note_arrival(sim *s, sim_request *r)
{
    const kw_test_client *line = r->line;
    if (r->kind != SIM_PUBLISH || r->has_arrived) {
        return;
    }
    r->session->alive_latest_ms = sim_now(s);
    if (line->to_server.len == 0 && line->connection != NULL && !kw_channel_is_busy(line->connection->channel)) {
        r->has_arrived = true;
        if ((sim_reasons_against_service(s, r) & (SIM_GONE | SIM_ELSEWHERE | SIM_NOT_ACTIVATED)) == 0) {
            used(s, r->session);
        }
    }
}

static void note(const sim *s, sim_request *r)
{
    const uint32_t reasons = sim_reasons_against_service(s, r);
    r->possible |= reasons;
    r->always &= reasons;
}

/* Not answered yet. */
static void watch(sim *s, sim_request *r)
{
    if (r->line->is_closed) {
        r->session->is_orphaned = r->session->is_orphaned || r->kind == SIM_ACTIVATE;
        sim_may_be_acknowledged(r);
        r->is_open = false; /* lost with its line; it changed nothing, or the next steps will show that it did */
    } else if (r->kind == SIM_ACTIVATE) {
        r->possible |= reasons_against_activation(s, r);
    } else if (r->kind == SIM_TOKEN) {
        note(s, r);
        r->persons |= 1u << r->session->user.person;
        r->session->alive_latest_ms = sim_now(s);
    } else if (r->kind == SIM_PUBLISH) {
        note_arrival(s, r);
        note(s, r);
    }
}

static sim_request *next_answered(sim *s)
{
    sim_request *first = NULL;
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        sim_request *r = &s->requests[i];
        const uint64_t answered = r->is_open ? kw_test_answered_at(r->line, r->id) : 0;
        if (answered != 0 && answered < at) {
            at = answered;
            first = r;
        }
    }
    return first;
}

void sim_judge(sim *s)
{
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        s->sessions[i].is_orphaned = s->sessions[i].is_orphaned && s->world->held.waiting > 0;
    }
    while (s->judged < s->world->answer_count) {
        sim_request *r = next_answered(s);
        if (r == NULL) {
            s->judged = s->world->answer_count;
            break;
        }
        judge_one(s, r);
        sim_age_subscriptions(s);
    }
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        if (s->requests[i].is_open) {
            watch(s, &s->requests[i]);
        }
    }
}

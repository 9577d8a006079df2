/* What must have been answered, and what must never have been. */
#include "sim/sim.h"
#include "support/test.h"

#include <string.h>

#define SESSION_TIMEOUT_MS 600000u
#define ACTIVATION_TIMEOUT_MS 60000u
#define SETTLE_MS 3000u /* a change in the store is taken up within this time */
#define TOKEN_SKEW (60 * KW_TICKS_PER_S)

const char *sim_person_name(sim_person person)
{
    static const char *const NAMES[] = {"nobody", "operator", "visitor", "robot", "guest"};
    return NAMES[person];
}

static uint64_t now_ms(const sim *s)
{
    return s->world->clock->ms;
}

static bool is_over(const sim *s, const sim_session *session)
{
    return session->user.expires != 0 && (s->world->clock->utc >= session->user.expires || now_ms(s) > session->user.ends_ms);
}

bool sim_has_right(const sim *s, const sim_session *session)
{
    return (session->user.person == SIM_OPERATOR || session->user.person == SIM_ROBOT) && !is_over(s, session);
}

static bool has_secret(const sim_user *user)
{
    return user->person != SIM_NOBODY;
}

/* --- time -------------------------------------------------------------------------------------------------------------------- */

static void forget(sim_session *session)
{
    session->exists = false;
    session->is_activated = false;
}

static void age_session(sim *s, sim_session *session)
{
    const uint64_t idle = now_ms(s) - session->alive_ms;
    if (!session->is_activated && (session->bound->is_closed || now_ms(s) - session->created_ms > ACTIVATION_TIMEOUT_MS)) {
        forget(session); /* an activation that is under way finds it closed */
        return;
    }
    if (session->is_activated && idle > SESSION_TIMEOUT_MS) {
        forget(session);
        return;
    }
    session->may_be_closed = session->may_be_closed || idle + 1000 > SESSION_TIMEOUT_MS ||
                             (!session->is_activated && now_ms(s) - session->asked_ms + 1000 > ACTIVATION_TIMEOUT_MS);
    if (session->is_activated && session->user.person == SIM_OPERATOR && s->operator_is_disabled) {
        session->may_be_closed = true;
    }
    if (session->is_activated && is_over(s, session)) {
        session->may_have_expired = true;
        session->may_be_closed = session->may_be_closed || !s->allows_anonymous;
    }
}

void sim_age(sim *s)
{
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        if (s->sessions[i].exists) {
            age_session(s, &s->sessions[i]);
        }
    }
    for (unsigned i = 0; i < SIM_LINES; i++) {
        if (s->lines[i] != NULL && s->lines[i]->is_closed && !s->is_closing[i]) {
            sim_violation(s, "the Server ended line %u: %s", i, kw_status_name(s->lines[i]->close_reason));
        }
    }
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
    if (s->store_is_broken || now_ms(s) - s->store_changed_ms < SETTLE_MS) {
        reasons |= SIM_STORE;
    }
    if (r->user.person == SIM_OPERATOR && s->operator_is_disabled) {
        reasons |= SIM_FALSE_USER;
    }
    return s->failures >= 3 ? reasons | SIM_LOCKED : reasons;
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
    const bool is_over = r->user.expires != 0 && s->world->clock->utc >= r->user.expires;
    if (r->user.is_false || is_over) {
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
    if (expired_within_skew || r->user.person == SIM_OPERATOR) { /* enabled or disabled a moment before: see is_disabled_for_long */
        reasons &= r->user.is_false ? ~0u : ~(uint32_t)SIM_FALSE_USER;
    }
    return reasons;
}

static uint32_t reasons_against_service(const sim *s, const sim_request *r)
{
    const sim_session *session = r->session;
    if (!session->exists || !kw_node_id_equal(&session->wire.token, &r->token)) {
        return SIM_GONE;
    }
    uint32_t reasons = session->may_be_closed ? SIM_GONE : 0;
    if (r->line != session->bound) {
        reasons |= SIM_ELSEWHERE;
    }
    if (!session->is_activated && r->kind != SIM_CLOSE) {
        reasons |= SIM_NOT_ACTIVATED;
    }
    if (r->is_secret && (!sim_has_right(s, session) || session->may_have_expired)) {
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
        return SIM_FALSE_USER | SIM_NO_RIGHT | SIM_STORE | SIM_LOCKED;
    case KW_BAD_INTERNAL_ERROR:
    case KW_BAD_RESOURCE_UNAVAILABLE:
        return SIM_STORE;
    case KW_BAD_TOO_MANY_SESSIONS:
        return SIM_FULL;
    default:
        return 0;
    }
}

static void check_refusal(sim *s, const sim_request *r, kw_status status, uint32_t reasons, const char *what)
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

static void judge_create(sim *s, sim_request *r, kw_status status, const void *response)
{
    if (kw_status_is_bad(status)) {
        const uint32_t late = now_ms(s) - r->sent_ms >= ACTIVATION_TIMEOUT_MS ? SIM_GONE : 0; /* the pool took so long */
        check_refusal(s, r, status, SIM_FULL | late | reasons_of_store(s, r), "CreateSession");
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
    r->session->created_ms = r->session->alive_ms = now_ms(s);
    r->session->asked_ms = r->sent_ms;
    take_nonce(s, created->server_nonce);
}

static void judge_activate(sim *s, sim_request *r, kw_status status, const void *response)
{
    sim_session *session = r->session;
    const bool is_same = kw_node_id_equal(&session->wire.token, &r->token);
    if (kw_status_is_bad(status)) {
        const uint32_t reasons = reasons_against_activation(s, r) | reasons_of_age(s, r);
        session->alive_ms = is_same && (reasons & (SIM_GONE | SIM_ELSEWHERE | SIM_NOT_ALIKE)) == 0 ? now_ms(s) : session->alive_ms;
        check_refusal(s, r, status, reasons, "ActivateSession");
        return;
    }
    const uint32_t against = certain_against_activation(s, r);
    if (against != 0) {
        sim_violation(s, "ActivateSession of session %u on line %u was accepted, against 0x%x", sim_session_number(s, session),
                      sim_line_number(s, r->line), against);
    }
    s->accepted++;
    s->transfers += session->bound != r->line;
    session->bound = r->line;
    session->is_activated = true;
    session->user = r->user;
    if (r->user.expires != 0 && s->world->clock->utc >= r->user.expires) { /* accepted late: good for the rest of that time */
        session->user.expires += TOKEN_SKEW;
    }
    session->user.ends_ms = now_ms(s) + (uint64_t)((session->user.expires - s->world->clock->utc) / KW_TICKS_PER_MS) + 2;
    session->may_have_expired = false;
    session->may_be_closed = false;
    session->alive_ms = now_ms(s);
    session->wire.nonce = ((const kw_activate_session_response *)response)->server_nonce;
    take_nonce(s, session->wire.nonce);
}

static void judge_value(sim *s, const sim_request *r, kw_status status, const kw_variant *value)
{
    const uint32_t reasons = reasons_against_service(s, r);
    const int32_t expected = r->is_secret ? s->secret_value : s->public_value;
    if (kw_status_is_bad(status)) {
        check_refusal(s, r, status, reasons, r->kind == SIM_READ ? "Read" : "Write");
        return;
    }
    if (r->is_secret && !sim_has_right(s, r->session)) {
        sim_violation(s, "session %u got at the secret as %s", sim_session_number(s, r->session), sim_person_name(r->session->user.person));
    }
    if (r->kind == SIM_READ && *(const int32_t *)kw_variant_get(value, KW_BUILTIN_INT32) != expected) {
        sim_violation(s, "a value that nobody wrote");
    }
    if (r->kind == SIM_WRITE) {
        *(r->is_secret ? &s->secret_value : &s->public_value) = r->value;
    }
}

static void judge_service(sim *s, sim_request *r, kw_status status, const void *response)
{
    sim_session *session = r->session;
    const uint32_t reasons = reasons_against_service(s, r);
    if (kw_status_is_bad(status)) {
        check_refusal(s, r, status, reasons, r->kind == SIM_CLOSE ? "CloseSession" : "a service");
        if (status == KW_BAD_SESSION_NOT_ACTIVATED && kw_node_id_equal(&session->wire.token, &r->token)) { /* AS-03 */
            forget(session);
        }
        return;
    }
    const uint32_t certain = reasons & (SIM_ELSEWHERE | SIM_NOT_ACTIVATED | (session->exists && session->may_be_closed ? 0u : SIM_GONE));
    if (certain != 0) {
        sim_violation(s, "session %u was served on line %u, against 0x%x", sim_session_number(s, session), sim_line_number(s, r->line),
                      certain);
    }
    s->accepted++;
    session->alive_ms = now_ms(s);
    if (r->kind == SIM_CLOSE) {
        forget(session);
    } else if (r->kind == SIM_READ) {
        const kw_data_value *v = &((const kw_read_response *)response)->results[0];
        judge_value(s, r, v->has_status ? v->status : KW_GOOD, &v->value);
    } else {
        judge_value(s, r, ((const kw_write_response *)response)->results[0], NULL);
    }
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

void sim_judge(sim *s)
{
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        s->sessions[i].is_orphaned = s->sessions[i].is_orphaned && s->world->held.waiting > 0;
    }
    for (;;) {
        sim_request *first = NULL;
        uint64_t at = UINT64_MAX;
        for (size_t i = 0; i < SIM_REQUESTS; i++) {
            sim_request *r = &s->requests[i];
            if (!r->is_open) {
                continue;
            }
            const uint64_t answered = kw_test_answered_at(r->line, r->id);
            if (answered != 0 && answered < at) {
                at = answered;
                first = r;
            } else if (answered == 0 && r->line->is_closed) {
                r->session->is_orphaned = r->session->is_orphaned || r->kind == SIM_ACTIVATE;
                r->is_open = false; /* lost with its line; it changed nothing, or the next steps will show that it did */
            } else if (answered == 0 && r->kind == SIM_ACTIVATE) {
                r->possible |= reasons_against_activation(s, r);
            }
        }
        if (first == NULL) {
            return;
        }
        judge_one(s, first);
    }
}

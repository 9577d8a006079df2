/* Somebody guesses passwords: past the threshold his Client is locked out, right passwords or not. AS-21 … AS-25 */
#include "sim/sim.h"
#include "support/test.h"

static sim_source *source_of(sim *s, const kw_test_client *line)
{
    return &s->sources[line->policy->is_none ? 2 : line->identity == s->applications[1]];
}

void sim_forget_attempts(sim *s)
{
    for (size_t i = 0; i < 3; i++) {
        s->sources[i].is_sure = false;
    }
}

/* What was not a lock-out yet may not be in the store. */
void sim_forget_small_counts(sim *s)
{
    for (size_t i = 0; i < 3; i++) {
        s->sources[i].is_sure = s->sources[i].is_sure && s->sources[i].failures > SIM_LOCKOUT_AFTER && !sim_lockouts_are_broken(s);
    }
}

void sim_count_attempt(sim *s, const sim_request *r, kw_status status)
{
    sim_source *source = source_of(s, r->line);
    const bool is_guess = r->user.is_false && !r->is_unproven && (r->user.person == SIM_OPERATOR || r->user.person == SIM_VISITOR);
    if (!kw_status_is_bad(status) && r->user.person != SIM_NOBODY) {
        *source = (sim_source){.is_sure = true, .since_ms = sim_now(s)};
    } else if (is_guess && status == KW_BAD_USER_ACCESS_DENIED && !sim_store_is_broken(s) && sim_is_settled(s)) {
        source->failures++;
    }
}

/* It began after since_ms, so it lasts at least so long. */
bool sim_is_locked_out(sim *s, const kw_test_client *line)
{
    const sim_source *source = source_of(s, line);
    return s->has_throttle && source->is_sure && source->failures > SIM_LOCKOUT_AFTER &&
           sim_now(s) - source->since_ms + 1000 < SIM_LOCKOUT_S * 1000;
}

static bool try_password(sim *s, sim_session *session, bool is_false)
{
    kw_test_client *line = session->bound;
    kw_test_session wire = session->wire;
    wire.nonce = session->known_nonce;
    sim_request *r = !line->is_closed && session->exists ? sim_request_new(s, SIM_ACTIVATE, line, session) : NULL;
    if (r == NULL) {
        return false;
    }
    r->nonce = wire.nonce;
    r->made = s->world->clock->utc;
    r->user = (sim_user){.person = SIM_VISITOR, .is_false = is_false};
    sim_note(s, "%s password in session %u on line %u", is_false ? "wrong" : "right", sim_session_number(s, session),
             sim_line_number(s, line));
    s->failures += is_false;
    sim_send(s, r, KW_TYPE_ACTIVATE_SESSION_REQUEST,
             kw_test_activation(line, &wire, kw_test_user_name(line, &wire, "visitor", is_false ? "guessed" : "visitor")));
    sim_judge(s);
    sim_pass(s, 100); /* answers may be delayed */
    return true;
}

/* In with the right one, then wrong ones, then the right one again. */
void sim_guess(sim *s)
{
    sim_session *session = sim_some_session(s);
    if (!s->has_throttle || session == NULL || !session->exists || session->known_nonce.len == 0 || s->world->is_held ||
        sim_store_is_broken(s) || session->bound->is_closed || session->bound->is_slow) {
        return;
    }
    for (unsigned i = 0; i < SIM_LOCKOUT_AFTER + 3; i++) {
        if (!try_password(s, session, i != 0 && i != SIM_LOCKOUT_AFTER + 2)) {
            return;
        }
    }
}

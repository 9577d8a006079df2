/* Lines between Clients and Server: slow in one direction or the other, cut in the middle of a message, and opened again. */
#include "server/server_internal.h"
#include "sim/sim.h"
#include "support/test.h"

#define SHORT_LIFETIME_MS 20000u

static const char *const POLICIES[] = {"Basic256Sha256", "Aes128_Sha256_RsaOaep", "None"};

void sim_open_line_at(sim *s, size_t at)
{
    static const unsigned WEIGHTS[] = {0, 0, 0, 0, 0, 0, 1, 2};
    sim_line *line = &s->lines[at];
    kw_test_client_options options = {.policy = kw_security_policy_by_name(kw_string_from(POLICIES[WEIGHTS[sim_below(s, 8)]])),
                                      .identity = s->applications[sim_chance(s, 25)]};
    if (!options.policy->is_none && sim_chance(s, 15)) {
        options.mode = KW_MESSAGE_SECURITY_MODE_SIGN;
    }
    options.lifetime_ms = sim_chance(s, 30) ? SHORT_LIFETIME_MS + 1000 * (uint32_t)sim_below(s, 30) : 0;
    const bool is_held = s->world->is_held;
    s->world->is_held = false; /* the handshake itself has its own tests */
    *line = (sim_line){.wire = kw_test_client_new(s->world, &options), .lifetime_ms = options.lifetime_ms};
    s->world->is_held = is_held;
    sim_note(s, "line %zu: %s, mode %d, application %d%s", at, options.policy->name, (int)line->wire->mode,
             options.identity == s->applications[1], options.lifetime_ms != 0 ? ", tokens soon renewed" : "");
}

static bool is_up(const sim_line *line)
{
    return line->wire != NULL && !line->wire->is_closed;
}

sim_line *sim_line_of(sim *s, const kw_test_client *line)
{
    const unsigned number = sim_line_number(s, line);
    return number < SIM_LINES ? &s->lines[number] : NULL;
}

void sim_open_line(sim *s)
{
    const size_t at = sim_below(s, SIM_LINES);
    if (!is_up(&s->lines[at])) {
        sim_open_line_at(s, at);
    }
}

void sim_end_line(sim *s)
{
    sim_line *line = &s->lines[sim_below(s, SIM_LINES)];
    if (!is_up(line)) {
        return;
    }
    const unsigned at = (unsigned)(line - s->lines);
    line->is_closing = true;
    if (sim_chance(s, 60)) {
        sim_note(s, "line %u is cut", at);
        kw_test_client_cut(line->wire);
    } else {
        sim_note(s, "line %u is closed", at);
        line->wire->is_slow = false;
        kw_test_world_pump(s->world);
        sim_judge(s); /* what was on its way arrives first, and is answered */
        kw_test_client_close(line->wire);
    }
}

static void set_slow(sim *s, sim_line *line, bool is_slow)
{
    line->wire->is_slow = is_slow;
    sim_note(s, "line %u is %s", (unsigned)(line - s->lines), is_slow ? "slow" : "quick again");
    kw_test_world_pump(s->world);
}

void sim_slow_line(sim *s)
{
    sim_line *line = &s->lines[sim_below(s, SIM_LINES)];
    if (is_up(line) && !line->wire->is_slow) {
        set_slow(s, line, true);
    }
}

static void set_deaf(sim *s, sim_line *line, bool is_deaf)
{
    line->is_deaf = is_deaf;
    sim_note(s, "line %u is %s", (unsigned)(line - s->lines), is_deaf ? "deaf" : "heard again");
    for (size_t i = 0; i < SIM_SESSIONS && !is_deaf; i++) {
        if (s->sessions[i].news == line->wire) {
            s->sessions[i].known_nonce = s->sessions[i].wire.nonce;
            s->sessions[i].news = NULL;
        }
    }
}

/* What the Server says arrives late, or never when the line ends before: its Clients go on with what they knew. */
void sim_deafen_line(sim *s)
{
    sim_line *line = &s->lines[sim_below(s, SIM_LINES)];
    if (is_up(line) && !line->is_deaf) {
        set_deaf(s, line, true);
    }
}

void sim_mend_lines(sim *s)
{
    for (size_t i = 0; i < SIM_LINES; i++) {
        sim_line *line = &s->lines[i];
        if (is_up(line) && line->wire->is_slow && sim_chance(s, 12)) {
            set_slow(s, line, false);
            sim_judge(s);
        }
        if (is_up(line) && line->is_deaf && sim_chance(s, 12)) {
            set_deaf(s, line, false);
        }
    }
}

/* A part of what is on its way arrives: the rest later, or never. */
void sim_dribble(sim *s)
{
    sim_line *line = &s->lines[sim_below(s, SIM_LINES)];
    if (is_up(line) && line->wire->is_slow && line->wire->to_server.len > 0) {
        const size_t bytes = 1 + sim_below(s, line->wire->to_server.len > 400 ? 400 : line->wire->to_server.len);
        sim_note(s, "%zu bytes of line %u arrive", bytes, (unsigned)(line - s->lines));
        line->hindered_ms = sim_now(s);
        kw_test_client_dribble(line->wire, bytes);
    }
}

static bool is_any_renewing(const sim *s)
{
    for (size_t i = 0; i < SIM_LINES; i++) {
        const kw_connection *connection = s->lines[i].wire != NULL ? s->lines[i].wire->connection : NULL;
        if (connection != NULL && kw_channel_is_busy(connection->channel)) {
            return true;
        }
    }
    return false;
}

/* While a token is renewed a channel keeps its answers back, and the model would learn too late what was done: jobs run until it is. */
void sim_finish_renewals(sim *s)
{
    while (s->world->held.waiting > 0 && is_any_renewing(s)) {
        sim_note(s, "a job is done before a renewal");
        kw_test_executor_run_nth(&s->world->held, sim_below(s, s->world->held.waiting));
        kw_test_world_pump(s->world);
        sim_judge(s);
    }
}

/* A renewal that could not be answered in time, or a message that never became whole, ends a channel. */
static bool had_to_end(const sim *s, const sim_line *line)
{
    const uint64_t patience = line->lifetime_ms != 0 ? 2 * (uint64_t)line->lifetime_ms : 120000;
    return line->hindered_ms != 0 && sim_now(s) - line->hindered_ms < patience;
}

void sim_age_lines(sim *s)
{
    for (size_t i = 0; i < SIM_LINES; i++) {
        sim_line *line = &s->lines[i];
        if (line->wire == NULL || line->is_closing) {
            continue;
        }
        if (line->wire->is_slow || (s->world->is_held && line->lifetime_ms != 0)) {
            line->hindered_ms = sim_now(s);
        }
        if (line->wire->is_closed && !had_to_end(s, line)) {
            sim_violation(s, "the Server ended line %zu: %s", i, kw_status_name(line->wire->close_reason));
        }
        if (line->wire->is_closed) {
            sim_note(s, "line %zu has ended: %s", i, kw_status_name(line->wire->close_reason));
            line->is_closing = true;
        }
    }
}

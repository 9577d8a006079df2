#include "sim/sim.h"

#include "identity/password.h"
#include "support/test.h"

#include <argon2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- telling ----------------------------------------------------------------------------------------------------------------- */

void sim_note(sim *s, const char *format, ...)
{
    char *line = s->trace[s->step % SIM_TRACE];
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (line[0] == '\0') {
        snprintf(line, sizeof(s->trace[0]), "%5llu %8llu ms  %s", (unsigned long long)s->step, (unsigned long long)s->world->clock->ms,
                 text);
    } else {
        strncat(line, "; ", sizeof(s->trace[0]) - strlen(line) - 1);
        strncat(line, text, sizeof(s->trace[0]) - strlen(line) - 1);
    }
    for (const char *c = text; *c != '\0'; c++) { /* FNV-1a */
        s->digest = (s->digest ^ (uint8_t)*c) * UINT64_C(1099511628211);
    }
    if (getenv("KW_TRACE") != NULL) {
        printf("%5llu %s\n", (unsigned long long)s->step, text);
    }
}

void sim_violation(sim *s, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (size_t i = 1; i <= SIM_TRACE; i++) {
        const char *line = s->trace[(s->step + i) % SIM_TRACE];
        if (line[0] != '\0') {
            print_message("%s\n", line);
        }
    }
    print_message("seed %llu, step %llu: %s\nreplay: KW_SEED=%llu KW_TRACE=1 %s\n", (unsigned long long)s->seed,
                  (unsigned long long)s->step, text, (unsigned long long)s->seed, "sim_sessions_test");
    fail();
    abort(); /* fail() does not come back */
}

unsigned sim_line_number(const sim *s, const kw_test_client *line)
{
    for (unsigned i = 0; i < SIM_LINES; i++) {
        if (s->lines[i].wire == line) {
            return i;
        }
    }
    return SIM_LINES;
}

unsigned sim_session_number(const sim *s, const sim_session *session)
{
    return (unsigned)(session - s->sessions);
}

/* --- the plant ------------------------------------------------------------------------------------------------------------------ */

/* As cheap as a stored hash may be: the simulation is about Sessions. */
static void add_user(sim *s, const char *name)
{
    char phc[256];
    uint8_t salt[16] = "keyway salt";
    assert_int_equal(argon2id_hash_encoded(1, 4096, 1, name, strlen(name), salt, sizeof(salt), 32, phc, sizeof(phc)), ARGON2_OK);
    const kw_user user = {.name = kw_string_from(name), .password_hash = kw_string_from(phc)};
    assert_status(kw_store_user_add(s->world->store->store, &user), KW_GOOD);
}

static void configure(kw_test_world *world, kw_server_config *config)
{
    const sim *s = world->options.ctx;
    config->identity.allow_anonymous = s->allows_anonymous;
    if (s->has_throttle) {
        config->identity.throttle = (kw_throttle_config){.delay_after = 2,
                                                         .delay_base_ms = 10,
                                                         .delay_max_ms = SIM_DELAY_MS,
                                                         .lockout_after = SIM_LOCKOUT_AFTER,
                                                         .lockout_s = SIM_LOCKOUT_S,
                                                         .window_s = 900,
                                                         .max_entries = 100};
    }
    config->session_limits.min_timeout_ms = 1000;
    config->session_limits.token_expiry_grace_s = (uint32_t)s->grace_s;
}

static void set_up(sim *s, uint64_t seed)
{
    const kw_test_world_options options = {.log = getenv("KW_LOG") != NULL ? &KW_LOG_STDERR : NULL,
                                           .configure = configure,
                                           .ctx = s,
                                           .seed = seed,
                                           .with_authority = seed % 5 < 2,
                                           .authority = {.token_lifetime_s = 90}};
    kw_test_random_init(&s->random, seed ^ UINT64_C(0x9e3779b97f4a7c15));
    s->seed = seed;
    s->digest = UINT64_C(14695981039346656037);
    s->allows_anonymous = seed % 4 != 0;
    s->has_throttle = seed % 2 == 1;
    s->broken = -1;
    s->grace_s = seed % 3 == 0 ? 20 : 0;
    s->world = kw_test_world_new(&options);
    add_user(s, "operator");
    add_user(s, "visitor");
    kw_test_world_grant(s->world, "Operator", KW_CRITERIA_USER_NAME, "operator");
    kw_test_world_grant(s->world, "Operator", KW_CRITERIA_ROLE, "mover");
    kw_test_world_grant(s->world, "Operator", KW_CRITERIA_ROLE, KW_TEST_AUTHORITY_URI "/Operator");
    s->issuer = kw_test_world_trust_issuer(s->world, "https://issuer.test");
    s->stranger = kw_test_world_trust_issuer(s->world, "https://stranger.test");
    assert_status(kw_store_issuer_remove(s->world->store->store, s->stranger->uri), KW_GOOD);
    s->applications[0] = kw_test_identity("client", 2048);
    s->applications[1] = kw_test_identity("other", 2048);
    s->variables[0] = (sim_variable){.values = {42}, .count = 1};
    s->variables[1] = (sim_variable){.values = {7}, .count = 1};
    s->last_value = 1000;
    s->operator_has_role = true;
    sim_choose_weights(s);
}

void sim_pass(sim *s, uint64_t ms)
{
    const uint64_t end = sim_now(s) + ms;
    while (sim_now(s) < end) {
        const uint64_t now = sim_now(s), next = kw_timers_next(s->world->timers);
        kw_test_world_advance(s->world, next > now && next < end ? next - now : end - now);
        sim_finish_renewals(s);
        sim_age(s);
        sim_judge(s);
    }
}

uint64_t kw_sim_run(uint64_t seed, unsigned steps)
{
    sim *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    set_up(s, seed);
    sim_begin(s);
    if (seed % 3 == 1) {
        sim_begin_library(s);
    }
    for (s->step = 0; s->step < steps; s->step++) {
        s->trace[s->step % SIM_TRACE][0] = '\0';
        sim_act(s);
        sim_finish_renewals(s);
        sim_age(s);
        sim_judge(s);
    }
    sim_end(s);
    if (getenv("KW_TRACE") != NULL) {
        printf("accepted %llu, refused %llu, transfers %llu, values told %llu, tokens %llu, library %llu of %llu\n",
               (unsigned long long)s->accepted, (unsigned long long)s->refused, (unsigned long long)s->transfers,
               (unsigned long long)s->values, (unsigned long long)s->issued, (unsigned long long)s->library_good,
               (unsigned long long)s->library_calls);
    }
    const uint64_t digest = s->digest;
    kw_test_world_free(s->world); /* no timer is left, and under a sanitizer nothing leaks */
    free(s);
    return digest;
}

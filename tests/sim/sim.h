/*
 * A simulated plant: one Server, Clients of several applications, users that come and go; from a seed. Connections are slow, are cut
 * and come back, jobs overtake each other, clocks jump, the store fails. Beside it a model that knows what every request has proven:
 * after each step every answer is held against it. A seed replays exactly.
 *
 *   kw_sim_run(seed, steps)            runs one life; fails the test with the seed and its last steps when a rule was broken
 *   KW_SEED=n KW_TRACE=1 program       shows each step of that seed
 */
#ifndef KW_SIM_H
#define KW_SIM_H

#include "support/kw_test_user.h"

#define SIM_SESSIONS 6
#define SIM_LINES 6
#define SIM_REQUESTS 64
#define SIM_NONCES 1024
#define SIM_TRACE 40

/* --- the model ------------------------------------------------------------------------------------------------------------- */

typedef enum sim_person {
    SIM_NOBODY,
    SIM_OPERATOR,
    SIM_VISITOR,
    SIM_ROBOT,
    SIM_GUEST,
    SIM_PERSONS
} sim_person; /* ROBOT, GUEST: by token */

typedef struct sim_user {
    sim_person person;
    kw_date_time expires; /* 0: never */
    uint64_t ends_ms;     /* the same by the clock that nobody can set, once it was accepted */
    bool is_false;        /* wrong password, expired or forged token */
} sim_user;

typedef struct sim_session {
    bool exists, is_activated;
    kw_test_session wire;                       /* the nonce in it is the only one that may be used */
    const kw_application_identity *application; /* NULL with None */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_test_client *bound; /* where it was created, later where it was activated */
    sim_user user;
    bool may_have_expired;                        /* the wall clock was past the end once: either answer is right */
    bool may_be_closed;                           /* its user was disabled a moment ago, or its time is all but over */
    bool is_orphaned;                             /* a job of an activation is under way whose line is gone */
    uint64_t alive_ms, created_ms, asked_ms;      /* CreateSession: answered, and sent */
    const kw_activate_session_request *last_sent; /* to be replayed, with what is known of it: */
    sim_user last_user;
    bool last_is_unproven;
    kw_bytes last_nonce;
    kw_date_time last_made;
    const kw_application_identity *last_signer;
    const kw_test_client *last_line;
} sim_session;

/* Why a request may be refused, or has to be. */
enum {
    SIM_GONE = 1,
    SIM_ELSEWHERE = 2, /* bound to another channel */
    SIM_NOT_ALIKE = 4, /* a channel of another application, policy or mode, or in mode Sign */
    SIM_BUSY = 8,
    SIM_UNPROVEN = 16, /* the signature of the application */
    SIM_FALSE_USER = 32,
    SIM_STALE_SECRET = 64, /* made with a nonce that is not the last */
    SIM_OTHER_USER = 128,
    SIM_STORE = 256,
    SIM_NOT_ACTIVATED = 512,
    SIM_NO_RIGHT = 1024,
    SIM_LOCKED = 2048, /* after many failures */
    SIM_FULL = 4096
};

typedef enum sim_kind { SIM_CREATE, SIM_ACTIVATE, SIM_READ, SIM_WRITE, SIM_CLOSE } sim_kind;

typedef struct sim_request {
    bool is_open;
    sim_kind kind;
    kw_test_client *line;
    uint32_t id;
    uint64_t sent_ms;
    uint32_t possible; /* reasons that held at some time while it was under way */
    sim_session *session;
    kw_node_id token; /* the Session it was meant for: its place in the model may be taken by another one */
    sim_user user;
    bool is_unproven;
    kw_bytes nonce;    /* that it was made with */
    kw_date_time made; /* by the wall clock */
    bool is_secret;    /* READ, WRITE: of which variable */
    int32_t value;     /* WRITE */
} sim_request;

typedef struct sim {
    uint64_t seed, step;
    kw_test_world *world;
    kw_test_random random; /* of the decisions: apart from what the Server draws */
    kw_test_client *lines[SIM_LINES];
    bool is_closing[SIM_LINES]; /* by us */
    const kw_application_identity *applications[2];
    const kw_test_issuer *issuer;
    const kw_test_issuer *stranger; /* its tokens are not believed */
    sim_session sessions[SIM_SESSIONS];
    sim_request requests[SIM_REQUESTS];
    kw_bytes nonces[SIM_NONCES];
    size_t nonce_count;
    int32_t public_value, secret_value;
    bool allows_anonymous, store_is_broken, operator_is_disabled;
    uint64_t operator_changed_ms, store_changed_ms, failures;
    char trace[SIM_TRACE][160];
    uint64_t digest; /* of the whole trace: the same seed, the same digest */
    uint64_t accepted, refused, transfers;
} sim;

/* --- sim.c ------------------------------------------------------------------------------------------------------------------ */
/* Returns the digest of what happened. */
uint64_t kw_sim_run(uint64_t seed, unsigned steps);
void sim_note(sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_violation(sim *s, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
static inline size_t sim_below(sim *s, size_t below)
{
    return kw_test_random_below(&s->random, below);
}
static inline bool sim_chance(sim *s, unsigned percent)
{
    return sim_below(s, 100) < percent;
}
unsigned sim_line_number(const sim *s, const kw_test_client *line);
unsigned sim_session_number(const sim *s, const sim_session *session);

/* --- sim_actions.c ------------------------------------------------------------------------------------------------------------ */
/* One thing happens. */
void sim_act(sim *s);
/* All lines open, a Session on each. */
void sim_begin(sim *s);
sim_request *sim_request_new(sim *s, sim_kind kind, kw_test_client *line, sim_session *session);

/* --- sim_model.c --------------------------------------------------------------------------------------------------------------- */
/* Look at every answer that came, in order. */
void sim_judge(sim *s);
/* Time has passed, or a line has ended: what must be over by now. */
void sim_age(sim *s);
bool sim_has_right(const sim *s, const sim_session *session);
const char *sim_person_name(sim_person person);

#endif

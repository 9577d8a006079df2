/*
 * A simulated plant: one Server, Clients of several applications, users that come and go; from a seed. Connections are slow in either
 * direction, are cut and come back, jobs overtake each other, clocks jump, the store fails, Roles change. Beside it a model that knows
 * what every request has proven: after each step every answer is held against it, in the order in which the Server gave them. At the
 * end of a life all is well again, every Session that has to be there is served, and nothing is left when they are gone. A seed
 * replays exactly.
 *
 *   kw_sim_run(seed, steps)            runs one life; fails the test with the seed and its last steps when a rule was broken
 *   KW_SEED=n KW_TRACE=1 program       shows each step of that seed
 */
#ifndef KW_SIM_H
#define KW_SIM_H

#include "support/kw_test_user.h"

#define SIM_SESSIONS 6
#define SIM_LINES 6
#define SIM_SUBSCRIPTIONS 8
#define SIM_REQUESTS 96
#define SIM_PUBLISH_OF_SESSION 3
#define SIM_GIVEN_AWAY 64
#define SIM_NONCES 1024
#define SIM_WRITES 512
#define SIM_SENT 512
#define SIM_TOKENS 8
#define SIM_TRACE 40
#define SIM_SETTLE_MS 3000u /* a change in the store is taken up within this time */
#define SIM_SESSION_TIMEOUT_MS 180000u
#define SIM_PUBLISHING_MS 1000u
#define SIM_LIFETIME_COUNT 40u

/* --- the model ------------------------------------------------------------------------------------------------------------- */

typedef enum sim_person {
    SIM_NOBODY,
    SIM_OPERATOR,
    SIM_VISITOR,
    SIM_ROBOT,
    SIM_GUEST,
    SIM_BEARER
} sim_person; /* ROBOT, GUEST: by a token of an issuer; BEARER: the operator, by a token of the Authorization Service */

typedef enum sim_truth { SIM_NO, SIM_MAYBE, SIM_YES } sim_truth;

typedef struct sim_user {
    sim_person person;
    kw_date_time expires; /* 0: never */
    uint64_t ends_ms;     /* the same by the clock that nobody can set, once it was accepted: at the latest */
    uint64_t ends_early_ms;
    bool is_false;    /* wrong password, expired or forged token */
    sim_truth claims; /* of a token: does it give the Role? */
    unsigned key;     /* that signed it */
} sim_user;

typedef struct sim_session {
    bool exists, is_activated;
    kw_test_session wire;                       /* the nonce in it is the only one that may be used */
    kw_bytes known_nonce;                       /* that the Clients know: the last answer may be on its way, or lost */
    kw_test_client *news;                       /* on this line */
    const kw_application_identity *application; /* NULL with None */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_test_client *bound; /* where it was created, later where it was activated */
    sim_user user;
    bool may_have_expired;                        /* the wall clock was past the end once: either answer is right */
    bool may_be_closed;                           /* its user was disabled a moment ago, or its time is all but over */
    bool is_orphaned;                             /* a job of an activation is under way whose line is gone */
    uint64_t alive_ms, alive_latest_ms;           /* when it was used last: at least, at most */
    uint64_t created_ms, asked_ms;                /* CreateSession: answered, and sent */
    const kw_activate_session_request *last_sent; /* to be replayed, with what is known of it: */
    sim_user last_user;
    bool last_is_unproven;
    kw_bytes last_nonce;
    kw_date_time last_made;
    const kw_application_identity *last_signer;
    const kw_test_client *last_line;
    uint32_t given_away[SIM_GIVEN_AWAY]; /* Subscriptions that went to another Session or ended, and nobody has told it yet */
    size_t given_away_count;
} sim_session;

/* A NotificationMessage. */
typedef struct sim_message {
    uint32_t number;
    uint64_t digest; /* of its values */
    bool has_secret, is_acknowledged;
    bool may_be_acknowledged; /* the answer was lost */
} sim_message;

/* Watches both variables. */
typedef struct sim_subscription {
    bool exists;
    bool may_be_gone;   /* with its Session, or its lifetime is all but over */
    uint32_t id;        /* of the last one in this place as well */
    sim_session *owner; /* NULL: its Session is closed */
    sim_user user;      /* the last one */
    const kw_application_identity *application;
    bool is_watched[2];                      /* public, secret */
    uint64_t kept_ms;                        /* when its lifetime began anew, at least */
    uint32_t next_number;                    /* of its next message */
    uint32_t first_of_user;                  /* messages before this one were for somebody else */
    uint32_t first_certainly_kept;           /* those before it may have been dropped */
    uint32_t oldest_value[2], last_value[2]; /* what may be told: written last when the user came; told last */
    bool may_deny;                           /* that the secret may not be read */
    sim_message sent[SIM_SENT];
    size_t sent_count;
} sim_subscription;

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
    SIM_FULL = 4096,
    SIM_NO_SUBSCRIPTION = 8192,
    SIM_NO_MESSAGE = 16384, /* acknowledged, dropped, or for somebody else */
    SIM_NOTHING_TO_DO = 32768,
    SIM_UNPROTECTED = 65536, /* not encrypted, or on behalf of nobody */
    SIM_NO_TRAIL = 131072
};

typedef enum sim_kind {
    SIM_CREATE,
    SIM_ACTIVATE,
    SIM_READ,
    SIM_WRITE,
    SIM_CLOSE,
    SIM_SUBSCRIBE,
    SIM_WATCH,
    SIM_UNSUBSCRIBE,
    SIM_PUBLISH,
    SIM_REPUBLISH,
    SIM_TAKE,
    SIM_TOKEN
} sim_kind;

typedef struct sim_request {
    bool is_open;
    bool has_arrived;
    sim_kind kind;
    kw_test_client *line;
    uint32_t id;
    uint64_t sent_ms;
    uint32_t possible; /* reasons that held at some time while it was under way */
    uint32_t always;   /* and those that held all the time */
    sim_session *session;
    kw_node_id token; /* the Session it was meant for: its place in the model may be taken by another one */
    sim_user user;
    bool is_unproven;
    kw_bytes nonce;    /* that it was made with */
    kw_date_time made; /* by the wall clock */
    uint32_t persons;  /* TOKEN: that the Session had meanwhile, a bit for each */
    bool is_secret;    /* READ, WRITE, WATCH: of which variable */
    bool keeps;        /* CLOSE: its Subscriptions */
    int32_t value;     /* WRITE */
    sim_subscription *subscription;
    uint32_t subscription_id;
    uint32_t number; /* REPUBLISH: of the message; PUBLISH: acknowledges this one, 0: none */
} sim_request;

typedef struct sim_line {
    kw_test_client *wire; /* NULL: not opened yet */
    bool is_closing;      /* by us */
    bool is_deaf;         /* what the Server answers is on its way */
    uint32_t lifetime_ms; /* of its tokens */
    uint64_t hindered_ms; /* when something could have held up a renewal */
} sim_line;

/* Keys of an issuer, numbered as they come. */
typedef struct sim_keys {
    unsigned latest, oldest; /* that is believed */
    uint64_t revoked_ms;
} sim_keys;

/* Whose failures are counted together. */
typedef struct sim_source {
    bool is_sure; /* it was let in at since_ms, and everything since is known */
    uint64_t since_ms;
    unsigned failures;
} sim_source;

typedef struct sim_token {
    kw_string text;
    sim_user user;
    kw_date_time made;
} sim_token;

/* One variable: what was written, in order. Every value is written once. */
typedef struct sim_variable {
    int32_t values[SIM_WRITES];
    uint32_t count;
} sim_variable;

typedef struct sim_client sim_client;

typedef struct sim {
    uint64_t seed, step;
    kw_test_world *world;
    kw_test_random random; /* of the decisions: apart from what the Server draws */
    sim_line lines[SIM_LINES];
    const kw_application_identity *applications[2];
    const kw_test_issuer *issuer;
    const kw_test_issuer *stranger; /* its tokens are not believed */
    sim_session sessions[SIM_SESSIONS];
    sim_subscription subscriptions[SIM_SUBSCRIPTIONS];
    sim_request requests[SIM_REQUESTS];
    kw_bytes nonces[SIM_NONCES];
    size_t nonce_count;
    sim_variable variables[2]; /* public, secret */
    int32_t last_value;        /* sent with a Write */
    bool allows_anonymous, has_throttle, operator_is_disabled, operator_has_role;
    int broken;          /* which table of the store; -1: none */
    bool trail_was_hurt; /* not every record could be written */
    bool trail_has_gaps; /* and nobody knows how many */
    sim_keys keys[2];    /* of the issuer, of the Authorization Service */
    sim_source sources[3];
    sim_token tokens[SIM_TOKENS]; /* that the Authorization Service has given */
    size_t token_count;
    int64_t grace_s;       /* for which a Session outlives its token */
    uint64_t unsettled_ms; /* when the Server could last have been behind what the store says */
    uint64_t failures;
    uint64_t judged; /* answers */
    unsigned weights[32];
    sim_client *client; /* of the library; NULL: none in this life */
    bool is_calm;       /* nothing goes wrong any more */
    uint64_t library_calls, library_good;
    char trace[SIM_TRACE][160];
    uint64_t digest; /* of the whole trace: the same seed, the same digest */
    uint64_t accepted, refused, activations, transfers, values, issued;
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

/* Time passes, and every answer is looked at when it comes. */
void sim_pass(sim *s, uint64_t ms);

/* --- sim_actions.c ------------------------------------------------------------------------------------------------------------ */
/* How likely is what, in this life. */
void sim_choose_weights(sim *s);
/* One thing happens. */
void sim_act(sim *s);
/* All lines open, a Session on each. */
void sim_begin(sim *s);
/* NULL: too many are under way. */
sim_request *sim_request_new(sim *s, sim_kind kind, kw_test_client *line, sim_session *session);
void sim_send(sim *s, sim_request *r, const kw_type *type, void *request);
/* One that exists, seldom one that is over; NULL: none. */
sim_session *sim_some_session(sim *s);
/* Mostly one that is activated: any other service ends it. */
sim_session *sim_session_in_use(sim *s);
/* Mostly the line that it is bound to: otherwise little would ever work. */
kw_test_client *sim_line_for(sim *s, const sim_session *session, unsigned elsewhere_percent);

/* --- sim_lines.c ---------------------------------------------------------------------------------------------------------------- */
void sim_open_line_at(sim *s, size_t at);
void sim_open_line(sim *s);
void sim_end_line(sim *s);
void sim_slow_line(sim *s);
void sim_deafen_line(sim *s);
void sim_dribble(sim *s);
void sim_finish_renewals(sim *s);
/* What is slow or deaf does not stay so for ever. */
void sim_mend_lines(sim *s);
sim_line *sim_line_of(sim *s, const kw_test_client *line);
/* Those that the Server ended without a reason. */
void sim_age_lines(sim *s);

/* --- sim_plant.c: the world around ------------------------------------------------------------------------------------------------ */
void sim_pass_time(sim *s);
void sim_jump(sim *s);
void sim_work(sim *s);
void sim_break_store(sim *s);
void sim_change_user(sim *s);
void sim_change_role(sim *s);
void sim_change_keys(sim *s);
void sim_restart(sim *s);
/* Of who proves users: the trail and lock-outs are something else. */
bool sim_store_is_broken(const sim *s);
bool sim_trail_is_broken(const sim *s);
bool sim_lockouts_are_broken(const sim *s);
void sim_mend_store(sim *s);

/* --- sim_guess.c: failures are counted --------------------------------------------------------------------------------------------- */
#define SIM_LOCKOUT_AFTER 5u
#define SIM_LOCKOUT_S 60u
#define SIM_DELAY_MS 40u
void sim_guess(sim *s);
void sim_count_attempt(sim *s, const sim_request *r, kw_status status);
/* Nobody from there is let in now. */
bool sim_is_locked_out(sim *s, const kw_test_client *line);
void sim_forget_attempts(sim *s);
/* The Server starts again. */
void sim_forget_small_counts(sim *s);

/* --- sim_authority.c: RequestAccessToken --------------------------------------------------------------------------------------------- */
void sim_request_token(sim *s);
void sim_judge_token(sim *s, const sim_request *r, const kw_call_response *response);

/* --- sim_client.c: the Client of the library ---------------------------------------------------------------------------------------------- */
void sim_begin_library(sim *s);
void sim_use_library(sim *s);
void sim_cut_library(sim *s);
void sim_end_library(sim *s);

/* --- sim_end.c: all is well again, everybody who has to be served is, and nothing is left when they are gone ---------------------------- */
void sim_end(sim *s);

/* --- sim_subscriptions.c ------------------------------------------------------------------------------------------------------------ */
void sim_subscribe(sim *s);
void sim_publish(sim *s);
void sim_republish(sim *s);
void sim_take(sim *s);
void sim_unsubscribe(sim *s);

/* --- sim_publish.c: what Subscriptions may tell ------------------------------------------------------------------------------------- */
void sim_judge_subscription(sim *s, sim_request *r, kw_status status, const void *response);
/* The Session is over; what becomes of its Subscriptions is known (its CloseSession said so), or not. */
void sim_subscriptions_closed(sim *s, sim_session *session, bool is_known, bool keeps);
/* Its user is another one, or the same again. */
void sim_subscriptions_changed(sim *s, sim_session *session, const sim_user *former);
void sim_age_subscriptions(sim *s);
/* A Publish that may have acknowledged something has no answer that says so. */
void sim_may_be_acknowledged(const sim_request *r);

/* --- sim_model.c --------------------------------------------------------------------------------------------------------------- */
/* Look at every answer that came, in order. */
void sim_judge(sim *s);
/* Time has passed, or a line has ended: what must be over by now. */
void sim_age(sim *s);
/* May it read the secret? */
sim_truth sim_right_of(const sim *s, const sim_user *user);
sim_truth sim_right(const sim *s, const sim_session *session);
uint32_t sim_reasons_against_service(const sim *s, const sim_request *r);
void sim_check_refusal(sim *s, const sim_request *r, kw_status status, uint32_t reasons, const char *what);
const char *sim_person_name(sim_person person);
/* The Server has had the time to see what the store says. */
bool sim_is_settled(const sim *s);
void sim_unsettle(sim *s);
static inline uint64_t sim_now(const sim *s)
{
    return s->world->clock->ms;
}
/* Its place among what was written to the variable; 0: nobody wrote it. */
uint32_t sim_value_order(const sim *s, bool is_secret, int32_t value);

#endif

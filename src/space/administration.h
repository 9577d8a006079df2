/*
 * Users and Roles as nodes: RoleSet (OPC 10000-18, 4) and UserManagement (OPC 10000-18, 5) of ns 0, with their live Properties and
 * their Methods, over the same store that `keyway user` and `keyway role` work on.
 *
 * On the loop of the space; SQL and password hashes go to the executor. What is read is what the gate recalls of the store.
 */
#ifndef KW_SPACE_ADMINISTRATION_H
#define KW_SPACE_ADMINISTRATION_H

#include "base/job.h"
#include "base/timer.h"
#include "identity/password_rules.h"
#include "space/space.h"

typedef struct kw_administration kw_administration;

/* All borrowed. */
typedef struct kw_administration_env {
    kw_space *space;
    kw_identity_gate *gate;
    kw_store *store;
    const kw_executor *executor;
    const kw_clock *clock;
    kw_timers *timers;
    const kw_random *random;
    const kw_log *log;
    kw_string server_uri;               /* of Roles that are added without a namespace; source of audit records */
    const kw_password_rules *passwords; /* UM-02, UM-03, UM-07 */
    uint32_t max_users;                 /* UM-09 */
    /* A Method changed the store: let all that depends on it follow, then call done. */
    void (*apply)(void *ctx, void (*done)(void *done_ctx), void *done_ctx);
    void *ctx;
} kw_administration_env;

kw_status kw_administration_new(const kw_administration_env *env, kw_administration **out);
void kw_administration_free(kw_administration *administration); /* before the space; no Method is under way */
/* Answers that wait are given now; before the Sessions go. */
void kw_administration_finish_waiting(kw_administration *administration);
/* What the gate recalls of the store has changed: Roles come and go as nodes. */
void kw_administration_follow(kw_administration *administration);

#endif

/* Between the files of users and Roles as nodes. */
#ifndef KW_SPACE_ADMINISTRATION_INTERNAL_H
#define KW_SPACE_ADMINISTRATION_INTERNAL_H

#include "base/json_text.h"
#include "identity/snapshot.h"
#include "space/administration.h"
#include "space/audit_event.h"
#include "space/space_internal.h"

#define KW_ADMIN_TEXT_MAX 512 /* bytes of a value in the trail */
#define KW_TYPE_ID_BOOLEAN 1u
#define KW_TYPE_ID_STRING 12u
#define KW_TYPE_ID_IDENTITY_MAPPING_RULE 15634u
#define KW_TYPE_ID_ENDPOINT 15528u

typedef struct kw_admin_job kw_admin_job;

/* A Role that is a node: the ctx of its Properties and Methods. */
typedef struct kw_role_node {
    struct kw_role_node *next;
    kw_administration *administration;
    kw_string name; /* in the store; behind this structure */
    kw_node_id id;
    bool is_added; /* not in the tables */
    bool is_stored;
} kw_role_node;

struct kw_administration {
    kw_administration_env env;
    kw_role_node *roles;
    bool has_started;      /* the Roles of models are there; nodes that come later are no Roles by themselves */
    kw_admin_job *guesses; /* under way, or with an answer that waits */
};

/*
 * A change that a Method or a Write asked for. Everything in it lives in the request's arena, the job too. `change` runs on a worker
 * and uses the job alone; what the Method answers is filled by `answer` on the loop, when the change is in force.
 */
struct kw_admin_job {
    kw_job job;
    kw_administration *administration;
    kw_call *call; /* NULL: a Write */
    kw_write *write;
    kw_status (*change)(kw_admin_job *job);
    kw_status (*answer)(kw_admin_job *job);                  /* NULL: nothing to answer */
    void (*describe)(const kw_admin_job *job, kw_writer *w); /* members of a JSON object for the trail; no secrets */
    void (*clear)(kw_admin_job *job);                        /* wipe secrets; NULL: there are none */
    kw_status status;
    const char *event;          /* for log and trail */
    uint32_t event_type;        /* of the audit event, ns 0 */
    kw_string message;          /* of the audit event */
    const kw_variant *redacted; /* the inputs without secrets; NULL: there are none in them */
    kw_string subject;          /* name of the Role or user */
    bool is_guess;              /* asks for a password: few at a time, and the answer may have to wait (AS-25) */
    uint32_t delay_ms;          /* filled by `change` */
    kw_timer delay;
    kw_admin_job *next, **link; /* among the guesses */
    union {
        kw_role_rule rule;
        kw_role_endpoint endpoint;
        kw_string text;
        bool flag;
        struct {
            kw_string password, old_password, description;
            uint32_t configuration;
            bool sets_password, sets_configuration, sets_description;
        } user;
    } as;
};

/* Starts the job. `kind`: call or write, functions, event, subject, parts; copied. */
void kw_admin_start(kw_administration *administration, const kw_admin_job *kind);
/* Ends it before it began: finishes call or write, with the audit event. */
void kw_admin_refuse(kw_administration *administration, const kw_admin_job *kind, kw_status status);
const kw_access *kw_admin_access(const kw_admin_job *job);
kw_arena *kw_admin_arena(const kw_admin_job *job);
/* The user who asks has proven this name by its password. */
bool kw_admin_is_self(const kw_admin_job *job, kw_string user_name);

/* role_values.c, role_methods.c: one row for each Property and Method of RoleType. */
typedef struct kw_role_property {
    const char *name;
    uint32_t data_type;
    int32_t value_rank;
    kw_value_read read;
    kw_value_write_later write; /* NULL: not writable (RO-07) */
} kw_role_property;

typedef struct kw_role_method {
    const char *name;
    kw_argument_spec input;
    kw_method_call call;
} kw_role_method;

enum { KW_ROLE_PROPERTIES = 6, KW_ROLE_METHODS = 6 };
extern const kw_role_property KW_ROLE_PROPERTY[KW_ROLE_PROPERTIES];
extern const kw_role_method KW_ROLE_METHOD[KW_ROLE_METHODS];
void kw_role_set_add(void *ctx, kw_call *call);    /* AddRole; ctx: the administration */
void kw_role_set_remove(void *ctx, kw_call *call); /* RemoveRole */

/* role_nodes.c */
kw_status kw_role_nodes_new(kw_administration *administration);
void kw_role_nodes_follow(kw_administration *administration, const kw_snapshot *snapshot);
void kw_role_nodes_free(kw_administration *administration);
kw_role_node *kw_role_node_by_id(const kw_administration *administration, const kw_node_id *id);

/* user_nodes.c, user_methods.c */
kw_status kw_user_nodes_new(kw_administration *administration);
void kw_user_add(void *ctx, kw_call *call); /* ctx: the administration, as below */
void kw_user_modify(void *ctx, kw_call *call);
void kw_user_remove(void *ctx, kw_call *call);
void kw_user_change_password(void *ctx, kw_call *call);

#endif

/**
 * A Server of your own, for the data of a device, in one handle:
 *
 *   static double temperature = 21.5;
 *   kw_device *device = NULL;
 *   kw_device_new(&(kw_device_config){.directory = "pump", .application_uri = "urn:example:pump"}, &device);
 *   kw_device_add_variable(device, &(kw_device_variable){.node = {.name = "Temperature"}, .type = KW_BUILTIN_DOUBLE, .memory = &temperature});
 *   kw_device_run(device);
 *   kw_device_free(device);
 *
 * Threads. A device has one loop, which is the thread that is in kw_device_run, or one of its own after kw_device_start. Every callback
 * is called there, and must not block. Before the loop begins, and in callbacks, any function may be called; from other threads only
 * those that say so: kw_device_post brings everything else into the loop. Several devices may live in one process: nothing is global.
 *
 * Files. `directory` is made at the first start, as `keyway init` makes it: own/server.crt and own/server.key, trust/applications,
 * trust/users, keyway.db. So `keyway user add -d DIRECTORY`, `keyway role grant`, `keyway cert trust` work on it, also while it runs.
 *
 * What is given is copied, but for `memory` and `ctx`, unless it is said otherwise. After a bad status kw_device_error says why.
 */
#ifndef KEYWAY_DEVICE_H
#define KEYWAY_DEVICE_H

#include <keyway/arena.h>
#include <keyway/types.h>

typedef struct kw_device kw_device;

/* --- life ------------------------------------------------------------------------------------------------------------------- */

typedef struct kw_device_config {
    const char *directory;
    const char *application_uri;  /* of the first start; later NULL, or the same */
    const char *application_name; /* NULL: "Keyway" */
    const char *const
        *hosts; /* names and addresses by which it is reached, NULL-ended; for its certificate and its URLs; NULL: localhost */
    const char *const *listen;   /* addresses, NULL-ended; NULL: this machine alone (127.0.0.1, ::1) */
    uint16_t port;               /* 0: any that is free; kw_device_url tells */
    const char *const *policies; /* names of SecurityPolicies, NULL-ended; NULL: those of today's standard */
    bool allow_sign;             /* also endpoints that only sign */
    bool allow_none;             /* also one without security: everybody on the network reads along */
    bool allow_anonymous;        /* users without a name, who have the Role Anonymous */
    bool announce;               /* "ready opc.tcp://…" on stdout once Clients can connect */
    bool quiet;                  /* no lines of log on stderr */
    uint32_t max_sessions;       /* 0: 100 */
} kw_device_config;

/** Makes or opens the directory; nobody can connect yet. */
KW_API kw_status kw_device_new(const kw_device_config *config, kw_device **out);
/** Stops it when it runs. NULL is fine. Not from the loop. */
KW_API void kw_device_free(kw_device *device);
/** What the last call that failed means and how to mend it; NULL: of kw_device_new, on this thread. Valid until the next call. */
KW_API const char *kw_device_error(const kw_device *device);

/** Listen, and be the loop until kw_device_stop, SIGTERM or SIGINT. */
KW_API kw_status kw_device_run(kw_device *device);
/** Listen, and run the loop in a thread of its own; signals are left to the program. When it is back, Clients can connect. */
KW_API kw_status kw_device_start(kw_device *device);
/** Ends the loop: what is under way is answered. From any thread; after kw_device_start it waits for the thread, so not from the loop. */
KW_API void kw_device_stop(kw_device *device);
/** "opc.tcp://localhost:4840"; the port is known once it listens. */
KW_API const char *kw_device_url(const kw_device *device);
/** Calls `run` in the loop, soon. From any thread; those of one thread keep their order. False: out of memory, or it will not run any more. */
KW_API bool kw_device_post(kw_device *device, void (*run)(kw_device *device, void *ctx), void *ctx);

/* --- who may -------------------------------------------------------------------------------------------------------------------- */

/** Who asks: borrowed for the callback. */
typedef struct kw_device_user {
    kw_user_token_type kind;
    kw_string name; /* null: Anonymous */
    const kw_string *roles;
    size_t role_count;
    bool is_encrypted; /* nobody else can read along */
    kw_node_id session_id;
} kw_device_user;

KW_API bool kw_device_user_has_role(const kw_device_user *user, const char *role);

enum {
    KW_MAY_SEE = 0x1,                 /* find it by Browse */
    KW_MAY_READ = 0x1 | 0x20,         /* and read its value, and subscribe to it */
    KW_MAY_WRITE = 0x1 | 0x20 | 0x40, /* and write it */
    KW_MAY_CALL = 0x1 | 0x20 | 0x1000 /* a Method: on itself and on its Object */
};

/** What a Role may do with a node; "Anonymous" means everybody. OPC 10000-18, 4.3. */
typedef struct kw_device_right {
    const char
        *role; /* "Anonymous", "AuthenticatedUser", "Observer", "Operator", "Engineer", "Supervisor", "ConfigureAdmin", "SecurityAdmin" */
    uint32_t may; /* KW_MAY_… */
} kw_device_right;

/* --- nodes ------------------------------------------------------------------------------------------------------------------------ */

/** What all nodes have. */
typedef struct kw_device_node {
    const char *name;        /* BrowseName and DisplayName; needed */
    const char *description; /* NULL: none */
    kw_node_id id;           /* null: "Pump.Motor.Speed" in the device's namespace, by the names from the first one below Objects on */
    kw_node_id parent;       /* null: the Objects folder */
    uint16_t ns;             /* of the BrowseName; 0: the device's own namespace, 1 */
    const kw_device_right *rights; /* none: those of the parent; below Objects: what the namespace allows to everybody */
    size_t right_count;
} kw_device_node;

/** Index of a namespace in the Server's NamespaceArray; it is added when it is new. */
KW_API kw_status kw_device_namespace(kw_device *device, const char *uri, uint16_t *index);
/** A folder for other nodes; its id to *id unless that is NULL: valid as long as the device. Likewise below. */
KW_API kw_status kw_device_add_object(kw_device *device, const kw_device_node *node, kw_node_id *id);

typedef struct kw_device_variable {
    kw_device_node node;
    kw_builtin type;
    bool is_array;
    /*
     * One of three. `memory`: a bool, number, kw_date_time, kw_string, …, as `type` says, read whenever a Client wants it, and written
     * to when `writable` (not the types that point elsewhere). Numbers of up to 8 bytes are read and written in one piece, so that other
     * threads may do the same. `read`: asked each time. Neither: the value is kept here, from `value` on and by kw_device_set_value.
     */
    void *memory;
    kw_status (*read)(void *ctx, const kw_device_user *user, kw_arena *arena, kw_data_value *out);
    kw_variant value;
    bool writable;
    /** Says if the value is taken; it is of `type`. With `memory` or without `read` it is then stored by the device. NULL: as it comes. */
    kw_status (*write)(void *ctx, const kw_device_user *user, const kw_variant *value);
    void *ctx;
} kw_device_variable;

KW_API kw_status kw_device_add_variable(kw_device *device, const kw_device_variable *variable, kw_node_id *id);
/** Of a Variable that keeps its value; Subscriptions see it. Copied. */
KW_API kw_status kw_device_set_value(kw_device *device, const kw_node_id *id, const kw_variant *value);

typedef struct kw_device_argument {
    const char *name;
    kw_builtin type;
    bool is_array;
    const char *description; /* NULL: none */
} kw_device_argument;

/** A Method's call; lives until it is finished. */
typedef struct kw_device_call kw_device_call;
KW_API const kw_device_user *kw_device_call_user(const kw_device_call *call);
KW_API kw_arena *kw_device_call_arena(kw_device_call *call);
/** The scalar argument, of the declared type. */
KW_API const void *kw_device_call_input(const kw_device_call *call, size_t index);
KW_API const kw_variant *kw_device_call_input_variant(const kw_device_call *call, size_t index);
/** Borrowed until the call is finished: static memory, or the call's arena. */
KW_API void kw_device_call_output(kw_device_call *call, size_t index, kw_variant value);
/** An argument is not acceptable: the call is to be finished with KW_BAD_INVALID_ARGUMENT. */
KW_API void kw_device_call_refuse_input(kw_device_call *call, size_t index, kw_status status);
/** Exactly once, in the loop, now or later: a Method that takes its time works elsewhere and comes back by kw_device_post. */
KW_API void kw_device_call_finish(kw_device_call *call, kw_status status);

typedef struct kw_device_method {
    kw_device_node node;
    const kw_device_argument *inputs, *outputs;
    size_t input_count, output_count;
    void (*call)(void *ctx, kw_device_call *call);
    void *ctx;
} kw_device_method;

KW_API kw_status kw_device_add_method(kw_device *device, const kw_device_method *method, kw_node_id *id);
/** A node and what hangs below it, and below no other node, by HasComponent, HasProperty. Items that watch it report Bad_NodeIdUnknown. */
KW_API kw_status kw_device_remove(kw_device *device, const kw_node_id *id);

/* --- events ------------------------------------------------------------------------------------------------------------------------- */

typedef struct kw_device_event {
    kw_node_id source; /* null: the Server */
    const char *source_name;
    const char *message; /* a sentence */
    uint16_t severity;   /* 1 … 1000; 0: 100 */
} kw_device_event;

/** A BaseEvent to everybody who subscribed to events of the Server. OPC 10000-5, 6.4.2. */
KW_API kw_status kw_device_raise(kw_device *device, const kw_device_event *event);

#endif

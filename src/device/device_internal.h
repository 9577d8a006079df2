/* What the files of this room share. */
#ifndef KW_DEVICE_INTERNAL_H
#define KW_DEVICE_INTERNAL_H

#include "crypto/application_files.h"
#include "server/listen.h"
#include "space/event.h"

#include <keyway/device.h>

#include <pthread.h>
#include <stdatomic.h>

/* Something of the device's that a node leads to; in one list, to be freed with it. */
typedef struct kw_device_thing {
    struct kw_device_thing *next;
} kw_device_thing;

struct kw_device {
    kw_arena *arena; /* names, ids: as long as the device */
    char error[512];
    char url[300];
    bool is_listening, announces;
    uint16_t port;
    const char *const *listen; /* in the arena */
    size_t listen_count;

    char *store_path, *trust_path, *user_trust_path;
    kw_log log;
    kw_application_identity identity;
    kw_store *store;
    kw_trust_list *trust, *user_trust;
    kw_runtime *runtime;
    kw_fetch fetch;
    kw_server *server;
    kw_device_thing *things;

    pthread_t thread;
    bool has_thread;
    atomic_bool is_over; /* the loop has ended, or never began: nobody reads the mail any more */
};

/* Keeps the sentence; returns the status. */
kw_status kw_device_fail(kw_device *device, kw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* files.c: the directory as `keyway init` makes it, made when it is not there. */
kw_status kw_device_open_files(kw_device *device, const kw_device_config *config);
void kw_device_close_files(kw_device *device);

/* nodes.c */
/* What all NodeClasses have in common; the texts are borrowed from the node, ids and permissions are in the device's arena. */
kw_status kw_device_describe(kw_device *device, const kw_device_node *node, kw_node_spec *spec);
/* What became of adding a node: the sentence, or its id to *id unless that is NULL. */
kw_status kw_device_added(kw_device *device, kw_status status, const kw_device_node *node, const kw_node_spec *spec, kw_node_id *id);
/* Zeroed, in the list of things. NULL: out of memory. */
void *kw_device_keep(kw_device *device, size_t size);
/* In the arena of the request. */
kw_status kw_device_user_of(const kw_access *access, kw_arena *arena, kw_device_user *out);

#endif

/* DIR of `keyway init DIR`: where things are, and the store in it. */
#ifndef KW_APP_DIRECTORY_H
#define KW_APP_DIRECTORY_H

#include "app/app.h"
#include "app/config.h"
#include "base/file.h"
#include "base/secret.h"
#include "crypto/trust.h"
#include "store/store.h"

#define KW_DIRECTORY_CONFIG "keyway.yaml"
#define KW_DIRECTORY_STORE "keyway.db"
#define KW_DIRECTORY_TRUST "trust/applications"
#define KW_DIRECTORY_USER_TRUST "trust/users"
#define KW_DIRECTORY_CLIENT_TRUST "trust/client"
#define KW_DIRECTORY_STORE_KEY "own/store.key"
#define KW_DIRECTORY_CLIENT_CERTIFICATE "own/client.crt"
#define KW_DIRECTORY_CLIENT_KEY "own/client.key"

typedef struct kw_directory {
    char *config_file;
    kw_config *config;
    char *store_location; /* path or URL */
    kw_store *store;
    kw_arena *arena;
} kw_directory;

/* directory/name; never NULL (ends the program when memory is exhausted); free() it. */
char *kw_directory_path(const char *directory, const char *name);

/* Load DIR/keyway.yaml and open its store. Returns -1, or the exit code after saying why on stderr. `directory` NULL: usage error. */
int kw_directory_open(const kw_command *command, const char *directory, kw_directory *out);
/* The same from a configuration file; kw_directory_load leaves the store alone, and NULL. */
int kw_directory_load(const char *config_file, kw_directory *out);
int kw_directory_open_config(const char *config_file, kw_directory *out);
void kw_directory_close(kw_directory *d);
/* The trust list for applications, or for users. Returns -1 or an exit code. */
int kw_directory_trust(const kw_directory *d, bool users, kw_trust_list **out);

/* The first line of a file ("-": standard input), without its end. Returns -1 or an exit code. */
int kw_read_secret_file(const char *path, kw_secret *out);
/* A whole file of at most max bytes; free() the data. */
kw_status kw_read_file(const char *path, size_t max, uint8_t **data, size_t *len);

#endif

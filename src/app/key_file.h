/* The key that seals signing keys in the store: a file, or a credential of systemd. And the ring that uses it. */
#ifndef KW_APP_KEY_FILE_H
#define KW_APP_KEY_FILE_H

#include "app/directory.h"
#include "authority/key_ring.h"

typedef struct kw_key_file {
    char *path;
    bool is_credential; /* who may read it is systemd's matter, which may use ACLs */
    kw_key_safe safe;
} kw_key_file;

/* Takes over `path`; the file must stay where it is in memory. */
void kw_key_file_init(kw_key_file *file, char *path);
void kw_key_file_clear(kw_key_file *file);
/* A new one, 0600, with these keys (at least one). Also in the place of a former one. */
kw_status kw_key_file_write(const char *path, const kw_seal_keys *keys, bool replaces);
kw_status kw_key_file_make(const char *path);
/* Why the keys of the store cannot be opened, on stderr, in one line; returns the exit code. `file` NULL: none is configured. */
int kw_key_file_fail(kw_status status, const kw_key_file *file);

/* The ring of a configuration. */
typedef struct kw_own_keys {
    kw_key_file file; /* path NULL: none is configured */
    kw_key_ring ring;
} kw_own_keys;

/* Returns -1 or an exit code. Must stay where it is in memory; borrows the directory. */
int kw_own_keys_init(const kw_directory *d, kw_own_keys *out);
/* Can the keys of the store be opened, now and by whoever signs? Returns -1, or the exit code after saying why not. */
int kw_own_keys_check(const kw_own_keys *keys);
void kw_own_keys_clear(kw_own_keys *keys);

#endif

/*
 * The key that seals signing keys in the store: a file, or a credential of systemd; as it is, or wrapped by a token. And the ring that
 * uses it.
 */
#ifndef KW_APP_KEY_FILE_H
#define KW_APP_KEY_FILE_H

#include "app/directory.h"
#include "authority/key_ring.h"

#include <stdatomic.h>

typedef struct kw_key_file {
    char *path;
    bool is_credential;               /* who may read it is systemd's matter, which may use ACLs */
    const kw_config_key_token *token; /* borrowed; NULL: none */
    char *module, *pin_path;
    bool pin_is_credential;
    atomic_bool is_pin_refused; /* then it is tried no more */
    kw_key_safe safe;
} kw_key_file;

/* Takes over `path`; the file must stay where it is in memory. */
void kw_key_file_init(kw_key_file *file, char *path);
void kw_key_file_clear(kw_key_file *file);
/* A new one, 0600, with a new key as it is. */
kw_status kw_key_file_make(const char *path);
/* A new key before those that are there; `by_token`: wrapped. Whoever reads the file opens what was sealed before and after. */
kw_status kw_key_file_put_first(kw_key_file *file, bool by_token);
/* Once nothing is sealed with the others any more. */
kw_status kw_key_file_keep_first(const kw_key_file *file);
/* Does the token that is configured wrap? As kw_pkcs11_wrap. */
kw_status kw_key_file_try_token(kw_key_file *file);
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

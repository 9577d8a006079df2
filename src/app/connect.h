/* Options that all client commands share: whom to be, how to connect. */
#ifndef KW_APP_CONNECT_H
#define KW_APP_CONNECT_H

#include "app/options.h"
#include "base/secret.h"

#include <keyway/client.h>

#define KW_CONNECT_OPTIONS 19

typedef struct kw_connect_options {
    bool anonymous, insecure_trust_any, legacy_token, dotnet_secrets, json;
    const char *user, *password_file, *user_cert, *user_key, *token_file;
    kw_optional_url authority;
    const char *policy, *mode, *certificate, *key, *trust, *directory;
    uint32_t timeout, reconnect;
} kw_connect_options;

/* Rows for kw_options_parse: the caller's own rows may follow. */
size_t kw_connect_option_rows(kw_connect_options *options, kw_option *rows);
/* A Client as the options say. Returns -1 or an exit code. */
int kw_connect_client(const kw_command *command, const kw_connect_options *options, kw_client **out);
/* The identity of [identity]; what is not given is Anonymous. `password` keeps the secret; clear it after use. Returns -1 or an exit code. */
int kw_connect_identity(const kw_command *command, const kw_connect_options *options, kw_secret *secret, kw_client_identity *out);
/* A token in a file, without white space at its end. Returns -1 or an exit code. */
int kw_connect_token_file(const char *file, kw_secret *secret);
/* Client, connection, identity (also by way of --authority), activation. Returns -1 or an exit code after saying why. */
int kw_connect_session(const kw_command *command, const kw_connect_options *options, const char *url, kw_client **out);

extern const char KW_CONNECT_HELP[];

#endif

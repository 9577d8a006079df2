#include "app/connect.h"

#include "app/directory.h"
#include "app/output.h"
#include "base/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_FILE_MAX ((size_t)64 << 10)

const char KW_CONNECT_HELP[] =
    "Who you are (without any of these: anonymous):\n"
    "  --user NAME --password-file F   a name and a password (first line of F; - is standard input)\n"
    "  --user-cert F --user-key F      a user certificate and its key\n"
    "  --token-file F                  an access token\n"
    "  --authority [URL]               fetch an access token first, as the user given; without URL from where the server says\n"
    "How to connect:\n"
    "  -d DIR                          the Client certificate and trust list that `keyway init DIR` made\n"
    "  --cert F --key F                certificate and key of this Client\n"
    "  --trust DIR                     server certificates (or their CAs) that are trusted\n"
    "  --insecure-trust-any            trust whoever answers\n"
    "  --policy NAME, --mode sign|encrypt   default: the strongest that both know\n"
    "  --timeout SECONDS               for each answer (default 10)\n"
    "  --reconnect SECONDS             go on trying that long when the connection breaks (default: not at all)\n"
    "  --legacy-token, --dotnet-secrets     dialects of other stacks for encrypted secrets\n"
    "  --json                          for machines\n";

size_t kw_connect_option_rows(kw_connect_options *o, kw_option *rows)
{
    const kw_option all[KW_CONNECT_OPTIONS] = {
        {"anonymous", 0, KW_OPTION_FLAG, &o->anonymous, 0, 0},
        {"user", 0, KW_OPTION_TEXT, &o->user, 0, 0},
        {"password-file", 0, KW_OPTION_TEXT, &o->password_file, 0, 0},
        {"user-cert", 0, KW_OPTION_TEXT, &o->user_cert, 0, 0},
        {"user-key", 0, KW_OPTION_TEXT, &o->user_key, 0, 0},
        {"token-file", 0, KW_OPTION_TEXT, &o->token_file, 0, 0},
        {"authority", 0, KW_OPTION_OPTIONAL_URL, &o->authority, 0, 0},
        {"policy", 0, KW_OPTION_TEXT, &o->policy, 0, 0},
        {"mode", 0, KW_OPTION_TEXT, &o->mode, 0, 0},
        {"cert", 0, KW_OPTION_TEXT, &o->certificate, 0, 0},
        {"key", 0, KW_OPTION_TEXT, &o->key, 0, 0},
        {"trust", 0, KW_OPTION_TEXT, &o->trust, 0, 0},
        {"directory", 'd', KW_OPTION_TEXT, &o->directory, 0, 0},
        {"insecure-trust-any", 0, KW_OPTION_FLAG, &o->insecure_trust_any, 0, 0},
        {"timeout", 0, KW_OPTION_NUMBER, &o->timeout, 1, 3600},
        {"reconnect", 0, KW_OPTION_NUMBER, &o->reconnect, 1, 86400},
        {"legacy-token", 0, KW_OPTION_FLAG, &o->legacy_token, 0, 0},
        {"dotnet-secrets", 0, KW_OPTION_FLAG, &o->dotnet_secrets, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &o->json, 0, 0},
    };
    memcpy(rows, all, sizeof(all));
    return KW_CONNECT_OPTIONS;
}

static int parse_mode(const kw_command *command, const char *text, kw_message_security_mode *mode)
{
    *mode = KW_MESSAGE_SECURITY_MODE_INVALID;
    if (text == NULL) {
        return -1;
    }
    if (strcmp(text, "sign") == 0) {
        *mode = KW_MESSAGE_SECURITY_MODE_SIGN;
    } else if (strcmp(text, "encrypt") == 0) {
        *mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    } else if (strcmp(text, "none") == 0) {
        *mode = KW_MESSAGE_SECURITY_MODE_NONE;
    } else {
        return kw_usage_error(command, "--mode: '%s' is not a mode; use sign or encrypt", text);
    }
    return -1;
}

int kw_connect_client(const kw_command *command, const kw_connect_options *o, kw_client **out)
{
    kw_client_config config = {.certificate_file = o->certificate,
                               .key_file = o->key,
                               .trust_directory = o->trust,
                               .trust_any = o->insecure_trust_any,
                               .policy = o->policy,
                               .legacy_issued_token = o->legacy_token,
                               .dotnet_secrets = o->dotnet_secrets,
                               .timeout_ms = o->timeout * 1000u,
                               .reconnect_ms = o->reconnect > 0 ? o->reconnect * 1000u : KW_CLIENT_NEVER};
    char *certificate = NULL, *key = NULL, *trust = NULL;
    const char *why = "";
    int code = parse_mode(command, o->mode, &config.mode);
    if (code >= 0) {
        return code;
    }
    if (o->directory != NULL) {
        certificate = kw_directory_path(o->directory, KW_DIRECTORY_CLIENT_CERTIFICATE);
        key = kw_directory_path(o->directory, KW_DIRECTORY_CLIENT_KEY);
        trust = kw_directory_path(o->directory, KW_DIRECTORY_CLIENT_TRUST);
        config.certificate_file = o->certificate != NULL ? o->certificate : certificate;
        config.key_file = o->key != NULL ? o->key : key;
        config.trust_directory = o->trust != NULL ? o->trust : trust;
    }
    const kw_status status = kw_client_new(&config, out, &why);
    if (kw_status_is_bad(status)) {
        kw_fail(status, "%s", why);
        code = KW_EXIT_USAGE;
    }
    free(certificate);
    free(key);
    free(trust);
    return code;
}

int kw_connect_token_file(const char *file, kw_secret *secret)
{
    uint8_t *data = NULL;
    size_t len = 0;
    kw_status status = kw_read_file(file, TOKEN_FILE_MAX, &data, &len);
    if (!kw_status_is_bad(status)) {
        size_t used = len;
        while (used > 0 && strchr(" \t\r\n", data[used - 1]) != NULL) {
            used--;
        }
        status = kw_secret_copy(secret, (kw_bytes){data, used});
        kw_wipe(data, len);
    }
    free(data);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: this token file cannot be read", file) : -1;
}

int kw_connect_identity(const kw_command *command, const kw_connect_options *o, kw_secret *secret, kw_client_identity *out)
{
    *out = (kw_client_identity){.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    if (o->anonymous + (o->user != NULL) + (o->user_cert != NULL) + (o->token_file != NULL) > 1) {
        return kw_usage_error(command, "give one identity: --anonymous, --user, --user-cert or --token-file");
    }
    if (o->user != NULL) {
        if (o->password_file == NULL) {
            return kw_usage_error(command, "--user needs --password-file F");
        }
        const int code = kw_read_secret_file(o->password_file, secret);
        *out = (kw_client_identity){
            .kind = KW_USER_TOKEN_TYPE_USER_NAME, .user_name = kw_string_from(o->user), .password = kw_secret_bytes(secret)};
        return code;
    }
    if (o->user_cert != NULL) {
        *out = (kw_client_identity){
            .kind = KW_USER_TOKEN_TYPE_CERTIFICATE, .user_certificate_file = o->user_cert, .user_key_file = o->user_key};
        return o->user_key != NULL ? -1 : kw_usage_error(command, "--user-cert needs --user-key F");
    }
    if (o->token_file != NULL) {
        const int code = kw_connect_token_file(o->token_file, secret);
        *out = (kw_client_identity){.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = kw_secret_bytes(secret)};
        return code;
    }
    return -1;
}

/* With --authority the identity is for the Authorization Service; the server gets its token, and the next one before it ends. */
static kw_status activate(kw_client *client, const kw_connect_options *o, const kw_client_identity *identity)
{
    kw_client_identity issued = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN};
    if (!o->authority.is_given) {
        return kw_client_activate(client, identity);
    }
    KW_TRY(kw_client_token_source(client, o->authority.url, NULL, identity, &issued.source));
    const kw_status status = kw_client_activate(client, &issued);
    if (kw_status_is_bad(status)) {
        issued.source.release(issued.source.ctx);
    }
    return status;
}

static bool is_unprotected(const kw_client *client)
{
    return kw_client_endpoint(client)->security_mode == KW_MESSAGE_SECURITY_MODE_NONE;
}

int kw_connect_session(const kw_command *command, const kw_connect_options *o, const char *url, kw_client **out)
{
    kw_secret secret = KW_SECRET_NONE;
    kw_client_identity identity;
    kw_client *client = NULL;
    int code = kw_connect_identity(command, o, &secret, &identity);
    code = code < 0 ? kw_connect_client(command, o, &client) : code;
    if (code < 0) {
        kw_status status = kw_client_connect(client, url);
        if (!kw_status_is_bad(status) && is_unprotected(client) && isatty(STDERR_FILENO)) {
            fprintf(stderr, "keyway: no security: everybody on the way can read and change what follows\n");
        }
        status = kw_status_is_bad(status) ? status : activate(client, o, &identity);
        if (kw_status_is_bad(status)) {
            code = kw_fail(status, "%s: %s", url, kw_client_error(client));
        } else if (status == KW_GOOD_PASSWORD_CHANGE_REQUIRED) {
            fprintf(stderr, "keyway: the password has to be changed before anything else is allowed\n");
        }
    }
    kw_secret_clear(&secret);
    if (code >= 0) {
        kw_client_free(client);
        return code;
    }
    *out = client;
    return -1;
}

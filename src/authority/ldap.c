#include "authority/ldap.h"

#include "authority/ldap_internal.h"
#include "base/try.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX 1024
#define NOBODY "cn=nobody\\20of\\20keyway," /* an entry that is not there */

const kw_ldap_config KW_LDAP_CONFIG_DEFAULT = {
    .name_attribute = "uid",
    .group_filter = "(member=%d)",
    .group_name = "cn",
    .connect_timeout_ms = 3000,
    .timeout_ms = 5000,
    .retry_s = 10,
    .recheck_s = 60,
    .max_age_s = 3600,
};

void kw_ldap_say(const kw_ldap_talk *talk, const char *format, ...)
{
    char line[LINE_MAX];
    va_list args;
    if (talk->listener == NULL) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    talk->listener->say(talk->listener->ctx, line);
}

/* --- one server ------------------------------------------------------------------------------------------------------------ */

/* So that it takes no less time to be unknown than to give a wrong password. */
static kw_status bind_nobody(kw_ldap_talk *talk, kw_bytes password)
{
    const char *why = talk->why;
    const kw_ldap_talk quiet = *talk;
    const kw_string dn = kw_arena_format(talk->arena, NOBODY "%s", talk->ldap->config.base);
    const char *text = dn.data != NULL ? kw_arena_cstring(talk->arena, dn) : NULL;
    talk->listener = NULL;
    if (text != NULL) {
        kw_ldap_bind_user(talk, text, password);
    }
    talk->listener = quiet.listener;
    talk->why = why;
    return KW_BAD_USER_ACCESS_DENIED;
}

static kw_status prove_entry(kw_ldap_talk *talk, kw_string name, kw_bytes password, const kw_ldap_entry *entry)
{
    const char *pattern = talk->ldap->config.bind_pattern;
    const char *bind_name = pattern != NULL ? kw_ldap_bind_name(talk->arena, pattern, name) : entry->dn;
    if (bind_name == NULL) {
        return kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "such a name does not fit bind_pattern", LDAP_SUCCESS);
    }
    return kw_ldap_bind_user(talk, bind_name, password);
}

/* Search, bind as what was found, and be the service account again for the groups. */
static kw_status ask(kw_ldap_talk *talk, kw_string name, kw_bytes password, kw_ldap_entry *entry)
{
    KW_TRY(kw_ldap_bind_service(talk));
    const kw_status found = kw_ldap_find_user(talk, name, entry);
    if (password.len > 0) {
        if (found == KW_BAD_USER_ACCESS_DENIED) {
            return bind_nobody(talk, password);
        }
        KW_TRY(found);
        KW_TRY(prove_entry(talk, name, password, entry));
        KW_TRY(kw_ldap_bind_service(talk));
    }
    KW_TRY(found);
    return kw_ldap_find_groups(talk, name, entry);
}

static kw_status ask_server(kw_ldap_talk *talk, kw_string name, kw_bytes password, kw_directory_user *out)
{
    kw_ldap_entry entry = {.dn = NULL};
    kw_status status = kw_ldap_connect(talk);
    if (!kw_status_is_bad(status)) {
        status = ask(talk, name, password, &entry);
    }
    kw_ldap_hang_up(talk);
    *out = entry.user;
    return status;
}

/* --- which server ------------------------------------------------------------------------------------------------------------ */

/* One that was down is for one caller alone, until it has answered. */
static bool may_ask(kw_ldap *ldap, size_t i)
{
    const uint64_t now = kw_clock_ms(ldap->clock);
    pthread_mutex_lock(&ldap->lock);
    const bool is_down = ldap->asked_again[i] != 0, may = !is_down || now >= ldap->asked_again[i];
    if (is_down && may) {
        ldap->asked_again[i] = now + (uint64_t)ldap->config.retry_s * 1000;
    }
    pthread_mutex_unlock(&ldap->lock);
    return may;
}

static void note(kw_ldap *ldap, size_t i, const char *why)
{
    pthread_mutex_lock(&ldap->lock);
    const bool was_down = ldap->asked_again[i] != 0;
    ldap->asked_again[i] = why != NULL ? kw_clock_ms(ldap->clock) + (uint64_t)ldap->config.retry_s * 1000 : 0;
    pthread_mutex_unlock(&ldap->lock);
    if (why != NULL) {
        KW_LOG(ldap->log, KW_LOG_WARN, "directory server does not serve", kw_field_text("server", ldap->config.servers[i]),
               kw_field_text("why", why));
    } else if (was_down) {
        KW_LOG(ldap->log, KW_LOG_INFO, "directory server serves again", kw_field_text("server", ldap->config.servers[i]));
    }
}

static kw_status talk_to_any(kw_ldap_talk *talk, kw_string name, kw_bytes password, kw_directory_user *out)
{
    kw_ldap *ldap = talk->ldap;
    talk->why = "no server of the directory answers";
    for (size_t i = 0; i < ldap->config.server_count; i++) {
        if (!may_ask(ldap, i)) {
            kw_ldap_say(talk, "%s: did not serve a moment ago, and is left out", ldap->config.servers[i]);
            continue;
        }
        talk->server = ldap->config.servers[i];
        const kw_status status = ask_server(talk, name, password, out);
        note(ldap, i, status == KW_BAD_RESOURCE_UNAVAILABLE ? talk->why : NULL);
        if (status != KW_BAD_RESOURCE_UNAVAILABLE) {
            return status;
        }
    }
    return KW_BAD_RESOURCE_UNAVAILABLE;
}

/* --- public ------------------------------------------------------------------------------------------------------------------- */

kw_status kw_ldap_explain(kw_ldap *ldap, kw_string name, kw_bytes password, const kw_ldap_listener *listener, kw_arena *arena,
                          kw_directory_user *out, const char **why)
{
    kw_ldap_talk talk = {.ldap = ldap, .listener = listener, .arena = arena, .why = ""};
    const kw_status status = talk_to_any(&talk, name, password, out);
    *why = talk.why;
    return status == KW_BAD_RESPONSE_TOO_LARGE ? KW_BAD_RESOURCE_UNAVAILABLE : status; /* of this user: no server is left out for it */
}

static kw_status prove(void *ctx, kw_string name, kw_bytes password, kw_arena *arena, kw_directory_user *out, const char **why)
{
    if (password.len == 0) {
        *why = "no password";
        return KW_BAD_USER_ACCESS_DENIED;
    }
    return kw_ldap_explain(ctx, name, password, NULL, arena, out, why);
}

static kw_status look_up(void *ctx, kw_string name, kw_arena *arena, kw_directory_user *out, const char **why)
{
    return kw_ldap_explain(ctx, name, KW_BYTES_NULL, NULL, arena, out, why);
}

kw_status kw_ldap_new(const kw_ldap_config *config, const kw_clock *clock, const kw_log *log, kw_ldap **out)
{
    kw_ldap *ldap = calloc(1, sizeof(*ldap));
    if (ldap == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    ldap->asked_again = calloc(config->server_count, sizeof(uint64_t));
    if (ldap->asked_again == NULL || pthread_mutex_init(&ldap->lock, NULL) != 0) {
        free(ldap->asked_again);
        free(ldap);
        return KW_BAD_OUT_OF_MEMORY;
    }
    ldap->config = *config;
    ldap->clock = clock;
    ldap->log = log;
    ldap->directory = (kw_user_directory){
        .prove = prove, .look_up = look_up, .ctx = ldap, .recheck_s = config->recheck_s, .max_age_s = config->max_age_s};
    *out = ldap;
    return KW_GOOD;
}

void kw_ldap_free(kw_ldap *ldap)
{
    if (ldap != NULL) {
        pthread_mutex_destroy(&ldap->lock);
        free(ldap->asked_again);
        free(ldap);
    }
}

const kw_user_directory *kw_ldap_directory(kw_ldap *ldap)
{
    return &ldap->directory;
}

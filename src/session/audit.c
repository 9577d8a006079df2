/* What goes into the audit trail about Sessions; called from jobs, because it waits for the disk. */
#include "session/session_internal.h"

void kw_session_audit(kw_sessions *sessions, const char *event, kw_status status, kw_string user, kw_string client, const char *why,
                      kw_arena *arena)
{
    const kw_session_env *env = &sessions->env;
    if (env->store == NULL) {
        return;
    }
    /* The reasons are our own words: nothing in them needs escaping. */
    const kw_string detail = why != NULL ? kw_arena_format(arena, "{\"reason\":\"%s\"}", why) : KW_STRING("{}");
    const kw_audit_record record = {
        .event = kw_string_from(event), .source = env->server_uri, .status = status, .user = user, .client = client, .detail = detail};
    const kw_status written = kw_store_audit_append(env->store, &record);
    if (kw_status_is_bad(written)) {
        KW_LOG(env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", written));
    }
}

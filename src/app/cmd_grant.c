/* keyway grant: who may go on without signing in again, by refresh tokens, and how that is ended. */
#include "app/output.h"
#include "app/verbs.h"
#include "authority/grant.h"
#include "ua/text.h"

#include <stdio.h>

#define OAUTH_OWNER "oauth:" /* before the id of a client: kw_grant_context.owner */

typedef struct grant_options {
    const char *user, *client;
} grant_options;

/* An application as it is, a client of OAuth by its id. */
static kw_string client_of(const kw_refresh_grant *grant)
{
    const size_t len = sizeof(OAUTH_OWNER) - 1;
    const kw_string start = {grant->application.data, grant->application.len < len ? grant->application.len : len};
    return kw_string_equals(start, OAUTH_OWNER) ? (kw_string){grant->application.data + len, grant->application.len - len}
                                                : grant->application;
}

static kw_status find_of(kw_verb_call *call, kw_string application, kw_refresh_grant **out, size_t *count)
{
    const grant_options *o = call->options;
    const kw_refresh_grant_key of = {.id = kw_string_from(call->thing), .subject = kw_string_from(o->user), .application = application};
    return kw_store_refresh_grant_list(call->directory.store, &of, call->directory.arena, out, count);
}

/* A name may be that of a client and that of an application. */
static kw_status find(kw_verb_call *call, kw_refresh_grant **out, size_t *count)
{
    const grant_options *o = call->options;
    if (o->client == NULL) {
        return find_of(call, KW_BYTES_NULL, out, count);
    }
    const kw_status status = find_of(call, kw_arena_format(call->directory.arena, OAUTH_OWNER "%s", o->client), out, count);
    return kw_status_is_bad(status) || *count > 0 ? status : find_of(call, kw_string_from(o->client), out, count);
}

/* --- list -------------------------------------------------------------------------------------------------------------------- */

static kw_string time_of(int64_t time, kw_arena *arena)
{
    return time != 0 ? kw_date_time_format(arena, time) : KW_BYTES_NULL;
}

static json_t *to_json(const void *row, kw_arena *arena)
{
    const kw_refresh_grant *g = row;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "grant", kw_json_string(g->id), "user", kw_json_string(g->subject), "client",
                     kw_json_string(client_of(g)), "resource", kw_json_string(g->resource), "since",
                     kw_json_string(time_of(g->created, arena)), "lastUsed", kw_json_string(time_of(g->used, arena)), "until",
                     kw_json_string(time_of(g->expires, arena)));
}

static void to_cells(const void *row, kw_table *table, kw_arena *arena)
{
    const kw_refresh_grant *g = row;
    kw_table_cell_string(table, g->id);
    kw_table_cell_string(table, g->subject);
    kw_table_cell_string(table, client_of(g));
    kw_table_cell_string(table, g->resource);
    kw_table_cell_string(table, time_of(g->created, arena));
    kw_table_cell_string(table, g->used != 0 ? time_of(g->used, arena) : KW_STRING("never"));
    kw_table_cell_string(table, time_of(g->expires, arena));
}

static int list(kw_verb_call *call)
{
    static const char *const HEADINGS[] = {"GRANT", "USER", "CLIENT", "RESOURCE", "SINCE", "LAST USED", "UNTIL", NULL};
    static const kw_listing LISTING = {
        .headings = HEADINGS, .nothing = "there are no such grants", .to_json = to_json, .to_cells = to_cells};
    kw_refresh_grant *grants = NULL;
    size_t count = 0;
    const kw_status status = find(call, &grants, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the grants could not be read");
    }
    return kw_print_listing(&LISTING, grants, sizeof(*grants), count, call->directory.arena, call->json);
}

/* --- revoke ------------------------------------------------------------------------------------------------------------------ */

static kw_status revoke_all(kw_verb_call *call, const kw_refresh_grant *grants, size_t count)
{
    const kw_config_authority *config = &call->directory.config->authority;
    const kw_date_time now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    kw_status status = KW_GOOD;
    for (size_t i = 0; i < count && !kw_status_is_bad(status); i++) {
        const kw_revoked_token row = kw_grant_revocation(kw_string_from(config->service_uri), grants[i].id, config->token_lifetime, now);
        status = kw_store_grant_revoke(call->directory.store, &row);
    }
    return status;
}

static int revoke(kw_verb_call *call)
{
    const grant_options *o = call->options;
    kw_refresh_grant *grants = NULL;
    size_t count = 0;
    if (call->thing == NULL && o->user == NULL && o->client == NULL) {
        return kw_usage_error(call->command, "say which: GRANT, --user NAME or --client ID");
    }
    kw_status status = find(call, &grants, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the grants could not be read");
    }
    if (count == 0) {
        return kw_fail(KW_BAD_NOT_FOUND, "there is no such grant; `keyway grant list` shows them");
    }
    status = revoke_all(call, grants, count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "not all could be revoked; `keyway grant list` shows what is left");
    }
    if (call->json) {
        return kw_print_json(json_pack("{s:I}", "revoked", (json_int_t)count));
    }
    printf("%zu grant%s revoked: refresh tokens and access tokens that came of %s are refused now\n", count, count == 1 ? "" : "s",
           count == 1 ? "it" : "them");
    return KW_EXIT_DONE;
}

int kw_cmd_grant(const kw_command *self, int argc, char **argv)
{
    static const kw_verb VERBS[] = {{"list", "a grant", true, list}, {"revoke", "a grant", true, revoke}, {NULL, NULL, false, NULL}};
    grant_options values = {NULL, NULL};
    const kw_option options[] = {{"user", 0, KW_OPTION_TEXT, &values.user, 0, 0}, {"client", 0, KW_OPTION_TEXT, &values.client, 0, 0}};
    return kw_verbs_run(self, argc, argv, VERBS, options, sizeof(options) / sizeof(options[0]), &values);
}

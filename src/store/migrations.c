/*
 * The schema, step by step: a step that was released is never changed, only followed by another. The
 * words are those of store/sql.h: SQLite takes them as they are.
 */
#include "base/try.h"
#include "store/store_internal.h"

static const char *const STEPS[] = {
    /* 1 */
    "CREATE TABLE setting (key TEXT PRIMARY KEY NOT NULL, value TEXT);"
    "CREATE TABLE change_counter (id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1), value BIGINT NOT NULL);"
    "INSERT INTO change_counter (id, value) VALUES (1, 1);"

    "CREATE TABLE account (name TEXT PRIMARY KEY NOT NULL, password_hash TEXT, configuration BIGINT NOT NULL, description TEXT,"
    " created BIGINT NOT NULL, changed BIGINT NOT NULL);"

    "CREATE TABLE role (name TEXT PRIMARY KEY NOT NULL, namespace_uri TEXT, node_id BIGINT NOT NULL, well_known BIGINT NOT NULL,"
    " custom BIGINT NOT NULL, applications_exclude BIGINT NOT NULL, endpoints_exclude BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX role_node ON role (COALESCE(namespace_uri, ''), node_id);"
    "CREATE TABLE role_rule (role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE, criteria BIGINT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (role, criteria, value));"
    "CREATE TABLE role_application (role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE, uri TEXT NOT NULL,"
    " PRIMARY KEY (role, uri));"

    "CREATE TABLE issuer (uri TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, keys BYTEA, location TEXT, authority_url TEXT,"
    " authority_profile TEXT, token_endpoint TEXT, changed BIGINT NOT NULL);"

    "CREATE TABLE resource (uri TEXT PRIMARY KEY NOT NULL, name TEXT, token_lifetime BIGINT NOT NULL, created BIGINT NOT NULL);"
    "CREATE TABLE signing_key (id TEXT PRIMARY KEY NOT NULL, alg TEXT NOT NULL, private_key BYTEA NOT NULL, certificate BYTEA NOT NULL,"
    " not_before BIGINT NOT NULL, not_after BIGINT NOT NULL, active BIGINT NOT NULL, position BIGINT NOT NULL);"

    "CREATE TABLE audit (sequence BIGINT PRIMARY KEY NOT NULL, time BIGINT NOT NULL, event BYTETEXT NOT NULL, source BYTETEXT,"
    " status BIGINT NOT NULL, account BYTETEXT, client BYTETEXT, detail BYTETEXT, hash BYTEA NOT NULL);"
    "CREATE TABLE audit_head (id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1), sequence BIGINT NOT NULL, hash BYTEA NOT NULL);"
    "INSERT INTO audit_head (id, sequence, hash) VALUES (1, 0, '');"

    /* OPC 10000-18, 4.2. The three that are fixed have the rules that the standard gives them (RO-02, RO-03). */
    "INSERT INTO role (name, node_id, well_known, custom, applications_exclude, endpoints_exclude) VALUES"
    " ('Anonymous', 15644, 1, 0, 1, 1), ('AuthenticatedUser', 15656, 1, 0, 1, 1), ('TrustedApplication', 18625, 1, 0, 1, 1),"
    " ('Observer', 15668, 1, 0, 1, 1), ('Operator', 15680, 1, 0, 1, 1), ('Engineer', 16036, 1, 0, 1, 1),"
    " ('Supervisor', 15692, 1, 0, 1, 1), ('ConfigureAdmin', 15716, 1, 0, 1, 1), ('SecurityAdmin', 15704, 1, 0, 1, 1),"
    " ('SecurityKeyServerAdmin', 25565, 1, 0, 1, 1), ('SecurityKeyServerAccess', 25603, 1, 0, 1, 1),"
    " ('SecurityKeyServerPush', 25584, 1, 0, 1, 1);"
    "INSERT INTO role_rule (role, criteria, value) VALUES"
    " ('Anonymous', 5, ''), ('Anonymous', 6, ''), ('AuthenticatedUser', 6, ''), ('TrustedApplication', 9, '');",

    /* 2: Roles limited to endpoints */
    "CREATE TABLE role_endpoint (role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE, url TEXT NOT NULL, mode BIGINT NOT NULL,"
    " policy TEXT NOT NULL, transport TEXT NOT NULL, PRIMARY KEY (role, url, mode, policy, transport));",

    /* 3: failed attempts to prove a user. Its counter is its own: whoever watches the configuration is not woken by guessing. */
    "CREATE TABLE lockout (key TEXT PRIMARY KEY NOT NULL, failures BIGINT NOT NULL, updated BIGINT NOT NULL, locked_until BIGINT NOT NULL,"
    " sequence BIGINT NOT NULL, cleared BIGINT NOT NULL);"
    "CREATE INDEX lockout_sequence ON lockout (sequence);"
    "CREATE TABLE lockout_state (id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1), sequence BIGINT NOT NULL, cleared BIGINT NOT NULL);"
    "INSERT INTO lockout_state (id, sequence, cleared) VALUES (1, 1, 0);",

    /* 4: keys that are fetched */
    "ALTER TABLE issuer ADD COLUMN ca BYTEA;"
    "ALTER TABLE issuer ADD COLUMN fetched BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE issuer ADD COLUMN failure TEXT;",

    /* 5: secrets that were used, so that no node takes one twice */
    "CREATE TABLE used_secret (id TEXT PRIMARY KEY NOT NULL, expires BIGINT NOT NULL);"
    "CREATE INDEX used_secret_expires ON used_secret (expires);",

    /* 6: refresh tokens. One row for a token and all that took its place; of the secret there is a hash. */
    "CREATE TABLE refresh_grant (id TEXT PRIMARY KEY NOT NULL, secret_hash BYTEA NOT NULL, application TEXT NOT NULL,"
    " subject TEXT NOT NULL, account TEXT, resource TEXT NOT NULL, detail TEXT NOT NULL, created BIGINT NOT NULL,"
    " expires BIGINT NOT NULL);"
    "CREATE INDEX refresh_grant_owner ON refresh_grant (application, subject, created);"
    "CREATE INDEX refresh_grant_account ON refresh_grant (account);"
    "CREATE INDEX refresh_grant_expires ON refresh_grant (expires);",

    /* 7: programs that speak OAuth 2.0 */
    "CREATE TABLE oauth_client (id TEXT PRIMARY KEY NOT NULL, name TEXT, secret_hash BYTEA, jwks TEXT, certificate_hash BYTEA,"
    " application_uri TEXT, grants TEXT, redirect_uris TEXT, resources TEXT, may_introspect BIGINT NOT NULL,"
    " is_disabled BIGINT NOT NULL, created BIGINT NOT NULL);"
    "ALTER TABLE issuer ADD COLUMN alias_of TEXT;",

    /* 8: access tokens that are not good any more */
    "CREATE TABLE revoked_token (issuer TEXT NOT NULL, id TEXT NOT NULL, expires BIGINT NOT NULL, PRIMARY KEY (issuer, id));",

    /* 9: sign-in by OAuth: what a code stands for until it is used */
    "CREATE TABLE oauth_code (hash BYTEA PRIMARY KEY NOT NULL, client TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,"
    " account TEXT, detail TEXT NOT NULL, expires BIGINT NOT NULL, is_used BIGINT NOT NULL);"
    "CREATE INDEX oauth_code_expires ON oauth_code (expires);",

    /* 10: sign-in for machines without a browser */
    "CREATE TABLE oauth_device (hash BYTEA PRIMARY KEY NOT NULL, user_code TEXT NOT NULL UNIQUE, client TEXT NOT NULL, resource TEXT,"
    " scope TEXT, state BIGINT NOT NULL, account TEXT, detail TEXT, asked BIGINT NOT NULL, expires BIGINT NOT NULL);"
    "CREATE INDEX oauth_device_expires ON oauth_device (expires);",

    /* 11: who may get which Roles on which resource, for how long */
    "CREATE TABLE token_policy (id BIGINT PRIMARY KEY NOT NULL, resource TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,"
    " roles TEXT NOT NULL, lifetime BIGINT NOT NULL, UNIQUE (resource, kind, value));",

    /* 12: the life of a signing key. Those that are there sign one after the other, as they were made (their certificates begin an
     * hour before); what was signed with them may be good for the longest time that is known, and a day. */
    "ALTER TABLE signing_key ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE signing_key ADD COLUMN kept_for BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE signing_key ADD COLUMN revoked BIGINT NOT NULL DEFAULT 0;"
    "UPDATE signing_key SET signs_from = not_before + 36000000000,"
    " kept_for = 864000000000 + 10000000 * (SELECT COALESCE(MAX(token_lifetime), 0) FROM resource);"
    "ALTER TABLE signing_key DROP COLUMN active;",

    /* 13: when a refresh token was last used */
    "ALTER TABLE refresh_grant ADD COLUMN used BIGINT NOT NULL DEFAULT 0;",
};

#define STEP_COUNT ((int64_t)(sizeof(STEPS) / sizeof(STEPS[0])))

kw_status kw_store_read_version(kw_sql *sql, int64_t *version)
{
    KW_STATEMENT(q, sql, "SELECT COALESCE(MAX(version), 0) FROM schema_version");
    const kw_status status = kw_step(q);
    *version = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status record_version(kw_sql *sql, int64_t version)
{
    KW_STATEMENT(q, sql, "INSERT INTO schema_version (version) VALUES (?)");
    kw_bind_int(q, 1, version);
    return kw_run(q);
}

kw_status kw_store_check_version(int64_t version, kw_arena *arena, kw_string *why)
{
    if (version <= STEP_COUNT) {
        return KW_GOOD;
    }
    *why = kw_arena_format(arena, "the store is of version %lld, this Keyway knows up to %lld; use the newer Keyway that made it",
                           (long long)version, (long long)STEP_COUNT);
    return KW_BAD_CONFIGURATION_ERROR;
}

kw_status kw_store_run_steps(kw_sql *sql, int64_t last, kw_arena *arena, kw_string *why)
{
    int64_t version = 0;
    KW_TRY(kw_sql_define(sql, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY NOT NULL)"));
    KW_TRY(kw_store_read_version(sql, &version));
    KW_TRY(kw_store_check_version(version, arena, why));
    for (; version < STEP_COUNT && version < last; version++) {
        KW_TRY(kw_sql_define(sql, STEPS[version]));
        KW_TRY(record_version(sql, version + 1));
    }
    return KW_GOOD;
}

/* All steps or none: what a failed migration leaves is the store of before. */
kw_status kw_store_migrate(kw_sql *sql, kw_arena *arena, kw_string *why)
{
    *why = KW_BYTES_NULL;
    kw_status status = kw_sql_begin(sql, KW_TURN_SCHEMA);
    if (!kw_status_is_bad(status)) {
        status = kw_store_run_steps(sql, KW_STORE_NEWEST, arena, why);
    }
    if (kw_status_is_bad(status) && why->data == NULL) { /* asked before the roll-back, which would overwrite it */
        *why = kw_string_from(kw_sql_reason(sql));
    }
    status = kw_sql_end(sql, status);
    if (kw_status_is_bad(status) && why->data == NULL) {
        *why = KW_STRING("the store could not be written");
    }
    return status;
}

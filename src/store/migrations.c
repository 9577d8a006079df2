/* The schema, step by step: a step that was released is never changed, only followed by another. */
#include "base/try.h"
#include "store/store_internal.h"

static const char *const STEPS[] = {
    /* 1 */
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT);"
    "CREATE TABLE change_counter (id INTEGER PRIMARY KEY CHECK (id = 1), value BIGINT NOT NULL);"
    "INSERT INTO change_counter VALUES (1, 0);"
    "CREATE TABLE account (name TEXT PRIMARY KEY, password_hash TEXT, configuration BIGINT NOT NULL, description TEXT, created BIGINT NOT NULL,"
    " changed BIGINT NOT NULL);"
    "CREATE TABLE role (name TEXT PRIMARY KEY, namespace_uri TEXT, node_id BIGINT NOT NULL, well_known BIGINT NOT NULL, custom BIGINT NOT NULL,"
    " applications_exclude BIGINT NOT NULL, endpoints_exclude BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX role_node ON role (COALESCE(namespace_uri, ''), node_id);"
    "CREATE TABLE role_rule (role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE, criteria BIGINT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (role, criteria, value));"
    "CREATE TABLE role_application (role TEXT NOT NULL REFERENCES role (name) ON DELETE CASCADE, uri TEXT NOT NULL, PRIMARY KEY (role, uri));"
    "CREATE TABLE issuer (uri TEXT PRIMARY KEY, kind TEXT NOT NULL, keys BLOB, location TEXT, authority_url TEXT, authority_profile TEXT,"
    " token_endpoint TEXT, changed BIGINT NOT NULL);"
    "CREATE TABLE resource (uri TEXT PRIMARY KEY, name TEXT, token_lifetime BIGINT NOT NULL, created BIGINT NOT NULL);"
    "CREATE TABLE signing_key (id TEXT PRIMARY KEY, alg TEXT NOT NULL, private_key BLOB NOT NULL, certificate BLOB NOT NULL, not_before BIGINT NOT NULL,"
    " not_after BIGINT NOT NULL, active BIGINT NOT NULL, position BIGINT NOT NULL);"
    "CREATE TABLE audit (sequence INTEGER PRIMARY KEY, time BIGINT NOT NULL, event TEXT NOT NULL, source TEXT, status BIGINT NOT NULL, account TEXT,"
    " client TEXT, detail TEXT, hash BLOB NOT NULL);"
    "CREATE TABLE audit_head (id INTEGER PRIMARY KEY CHECK (id = 1), sequence BIGINT NOT NULL, hash BLOB NOT NULL);"
    "INSERT INTO audit_head VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');"
    "INSERT INTO role VALUES ('Anonymous', NULL, 15644, 1, 0, 1, 1), ('AuthenticatedUser', NULL, 15656, 1, 0, 1, 1),"
    " ('TrustedApplication', NULL, 18625, 1, 0, 1, 1), ('Observer', NULL, 15668, 1, 0, 1, 1), ('Operator', NULL, 15680, 1, 0, 1, 1),"
    " ('Engineer', NULL, 16036, 1, 0, 1, 1), ('Supervisor', NULL, 15692, 1, 0, 1, 1), ('ConfigureAdmin', NULL, 15716, 1, 0, 1, 1),"
    " ('SecurityAdmin', NULL, 15704, 1, 0, 1, 1), ('SecurityKeyServerAdmin', NULL, 25565, 1, 0, 1, 1),"
    " ('SecurityKeyServerAccess', NULL, 25603, 1, 0, 1, 1), ('SecurityKeyServerPush', NULL, 25584, 1, 0, 1, 1);"
    "INSERT INTO role_rule VALUES ('Anonymous', 5, ''), ('Anonymous', 6, ''), ('AuthenticatedUser', 6, ''), ('TrustedApplication', 9, '');",
};

#define STEP_COUNT ((int64_t)(sizeof(STEPS) / sizeof(STEPS[0])))

static kw_status version_of(kw_sql *sql, int64_t *version)
{
    kw_statement *s = kw_sql_statement(sql, "SELECT COALESCE(MAX(version), 0) FROM schema_version");
    if (s == NULL) {
        return KW_BAD_DECODING_ERROR;
    }
    const kw_status status = kw_step(s);
    *version = status == KW_GOOD ? kw_column_int(s, 0) : 0;
    kw_statement_done(s);
    return kw_status_is_bad(status) ? status : KW_GOOD;
}

static kw_status record_version(kw_sql *sql, int64_t version)
{
    kw_statement *s = kw_sql_statement(sql, "INSERT INTO schema_version VALUES (?)");
    if (s == NULL) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    kw_bind_int(s, 1, version);
    return kw_run(s);
}

static kw_status run_steps(kw_sql *sql, const char **why)
{
    int64_t version = 0;
    KW_TRY(kw_sql_exec(sql, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)"));
    KW_TRY(version_of(sql, &version));
    if (version > STEP_COUNT) {
        *why = "the store was made by a newer Keyway; use that one";
        return KW_BAD_CONFIGURATION_ERROR;
    }
    for (; version < STEP_COUNT; version++) {
        KW_TRY(kw_sql_exec(sql, STEPS[version]));
        KW_TRY(record_version(sql, version + 1));
    }
    return KW_GOOD;
}

kw_status kw_store_migrate(kw_sql *sql, const char **why)
{
    *why = "this file is not a Keyway store, or it is damaged";
    KW_TRY(kw_sql_exec(sql, "BEGIN IMMEDIATE"));
    const kw_status status = run_steps(sql, why);
    const kw_status ended = kw_sql_exec(sql, kw_status_is_bad(status) ? "ROLLBACK" : "COMMIT");
    return kw_status_is_bad(status) ? status : ended;
}

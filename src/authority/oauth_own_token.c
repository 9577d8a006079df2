/* Tokens of this service that come back to it. */
#include "authority/oauth_internal.h"
#include "base/try.h"
#include "identity/snapshot.h"

/* Keys as published, and which tokens were taken back: of the state that the store has now. */
static kw_status verify(kw_oauth_call *call, const kw_snapshot *snapshot, kw_string token, kw_own_token *out)
{
    const kw_jwt *jwt = &out->claims;
    const kw_string service = call->oauth->authority->config.service_uri;
    const bool is_ours = kw_bytes_equal(jwt->iss, service) || kw_bytes_equal(jwt->iss, call->oauth->issuer);
    const kw_trusted_issuer *issuer = is_ours ? kw_snapshot_issuer(snapshot, jwt->iss) : NULL;
    const kw_jwk *signer = NULL;
    const char *why = NULL;
    if (issuer == NULL || jwt->aud_count == 0) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    const kw_jwt_rules rules = {.issuer = jwt->iss,
                                .audience = jwt->aud[0],
                                .keys = issuer->keys,
                                .algorithms = KW_JWT_ALGORITHMS,
                                .now = kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock))};
    KW_TRY(kw_jwt_verify(token, jwt, &rules, &signer, &why));
    out->is_revoked = kw_snapshot_is_revoked(snapshot, service, jwt->jti);
    return KW_GOOD;
}

kw_status kw_oauth_read_own_token(kw_oauth_call *call, kw_string token, kw_own_token *out)
{
    const kw_snapshot *snapshot = NULL;
    const char *why = NULL;
    uint64_t version = 0;
    *out = (kw_own_token){.is_revoked = false};
    kw_identity_gate *gate = kw_server_gate(call->oauth->server);
    KW_TRY(kw_jwt_parse(token, call->arena, &out->claims, &why));
    KW_TRY(kw_identity_gate_refresh(gate, &version));
    KW_TRY(kw_identity_gate_recall(gate, &snapshot));
    const kw_status status = verify(call, snapshot, token, out);
    kw_snapshot_release(snapshot);
    out->client_id = out->claims.client_id;
    return status;
}

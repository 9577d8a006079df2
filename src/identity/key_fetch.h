/* Where the keys of an issuer are fetched from: a JWK Set by its URL, or by the issuer's metadata (OpenID Connect Discovery, RFC 8414). */
#ifndef KW_IDENTITY_KEY_FETCH_H
#define KW_IDENTITY_KEY_FETCH_H

#include "base/clock.h"
#include "base/fetch.h"
#include "identity/json.h"
#include "store/store.h"

#define KW_ISSUER_JWKS_URL "jwks-url"
#define KW_ISSUER_DISCOVER "discover"

/* Do its keys come over the network? */
bool kw_issuer_is_fetched(const kw_issuer *issuer);

/*
 * The issuer's JWK Set as it was sent, which kw_jwks_parse takes. The metadata must be the issuer's own: its `issuer` is the
 * issuer's URI, to the letter. Beside what kw_fetch says: Bad_DecodingError; Bad_SecurityChecksFailed for metadata of somebody
 * else; Bad_RequestNotAllowed for keys that lie neither on HTTPS nor beside the metadata. *why: half a sentence, static or in the
 * arena; it may hold text of the other side. `timeout_ms` is for all of it. Blocks: for jobs.
 */
kw_status kw_issuer_fetch_keys(const kw_fetch *fetch, const kw_clock *clock, const kw_issuer *issuer, uint32_t timeout_ms, kw_arena *arena,
                               kw_bytes *jwks, const char **why);

/* Its metadata alone, found and checked in the same way; the caller decrefs. */
kw_status kw_issuer_fetch_metadata(const kw_fetch *fetch, const kw_clock *clock, const kw_issuer *issuer, uint32_t timeout_ms,
                                   kw_arena *arena, json_t **out, const char **why);
/* A member of it that is a URL to go to: on HTTPS, or where the metadata lay. */
kw_status kw_issuer_take_url(const kw_issuer *issuer, const json_t *metadata, const char *name, kw_arena *arena, kw_string *out,
                             const char **why);

#endif

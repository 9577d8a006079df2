#include "identity/user_chain.h"

#define CHAIN_MAX 8

/* --- thumbprints ------------------------------------------------------------------------------------------------------ */

typedef struct kw_issuer_search {
    const kw_certificate *subject;
    kw_certificate *found; /* one reference */
} kw_issuer_search;

static bool stop_at_issuer(void *ctx, kw_trust_kind kind, const kw_certificate *certificate)
{
    kw_issuer_search *search = ctx;
    const bool is_known = kind == KW_TRUST_TRUSTED || kind == KW_TRUST_ISSUER;
    if (is_known && kw_certificate_is_ca(certificate) && kw_certificate_is_issued_by(search->subject, certificate)) {
        search->found = kw_certificate_retain((kw_certificate *)(uintptr_t)certificate); /* only the count changes */
    }
    return search->found == NULL;
}

static bool has_thumbprint(const kw_certificate *certificate, kw_string thumbprint)
{
    return kw_bytes_equal(kw_string_from(kw_certificate_thumbprint_hex(certificate)), thumbprint);
}

/* Issuers come from the trust list alone: what a user sends along proves nothing about who issued the Certificate. */
bool kw_user_chain_has_thumbprint(kw_trust_list *trust, const kw_certificate *user, kw_string thumbprint)
{
    bool is_found = !kw_bytes_is_empty(thumbprint) && has_thumbprint(user, thumbprint);
    kw_issuer_search search = {.subject = user};
    for (size_t depth = 0; !is_found && trust != NULL && depth < CHAIN_MAX; depth++) {
        kw_certificate *const former = depth == 0 ? NULL : search.found;
        search.found = NULL;
        const bool is_read = !kw_status_is_bad(kw_trust_list_each(trust, stop_at_issuer, &search));
        kw_certificate_release(former);
        if (!is_read || search.found == NULL) {
            break;
        }
        search.subject = search.found;
        is_found = has_thumbprint(search.found, thumbprint);
    }
    kw_certificate_release(search.found);
    return is_found;
}

/* --- subjects --------------------------------------------------------------------------------------------------------- */

/* Quotes stand around the values in a criterion and are no part of them. */
static bool is_same_name(kw_string name, kw_string criteria)
{
    size_t at = 0;
    for (size_t i = 0; i < criteria.len; i++) {
        if (criteria.data[i] == '"') {
            continue;
        }
        if (at == name.len || name.data[at] != criteria.data[i]) {
            return false;
        }
        at++;
    }
    return at == name.len && at > 0;
}

bool kw_user_subject_matches(const kw_certificate *user, kw_string criteria)
{
    return is_same_name(kw_certificate_subject(user), criteria) || is_same_name(kw_certificate_issuer_name(user), criteria);
}

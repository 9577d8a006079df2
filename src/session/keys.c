/* EphemeralKeys of Sessions. OPC 10000-6, 6.8.2. */
#include "base/try.h"
#include "identity/ecdh_header.h"
#include "session/session_internal.h"

void kw_session_take_wish(kw_session_pending *p)
{
    const kw_string uri = kw_ecdh_policy_uri(&p->header->additional_header);
    p->wish.is_asked = uri.len > 0 || p->session->key_policy != NULL;
    p->wish.policy = uri.len > 0 ? kw_security_policy_by_uri(uri) : p->session->key_policy;
}

static bool is_for_some_token(const kw_session_pending *p, const kw_user_token_policy *policies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const kw_string uri = policies[i].security_policy_uri;
        if (policies[i].token_type != KW_USER_TOKEN_TYPE_ANONYMOUS &&
            (uri.len > 0 ? kw_string_equals(uri, p->wish.policy->uri) : p->wish.policy == p->policy)) {
            return true;
        }
    }
    return false;
}

/* Of the policies that tokens are protected by here, and no other: nobody needs a key for anything else. */
static kw_status make(kw_session_pending *p)
{
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    if (p->wish.policy == NULL) {
        return KW_GOOD;
    }
    KW_TRY(kw_identity_gate_policies(p->sessions->env.gate, p->policy, p->mode, p->arena, &policies, &count));
    const kw_status status = is_for_some_token(p, policies, count) ? kw_receiver_key_new(p->wish.policy, &p->own, &p->wish.key)
                                                                   : KW_BAD_SECURITY_POLICY_REJECTED;
    return status == KW_BAD_SECURITY_POLICY_REJECTED ? KW_GOOD : status;
}

kw_status kw_session_make_key(kw_session_pending *p, kw_response_header *header)
{
    if (!p->wish.is_asked) {
        return KW_GOOD;
    }
    KW_TRY(make(p));
    return kw_ecdh_answer(p->wish.key, p->arena, &header->additional_header);
}

void kw_session_give_key(kw_session_pending *p)
{
    kw_receiver_key_release(p->session->key);
    p->session->key = p->wish.key;
    p->session->key_policy = p->wish.key != NULL ? p->wish.policy : NULL;
    p->wish.key = NULL;
}

kw_receiver_key *kw_session_key_given(const kw_session *session)
{
    return session->key;
}

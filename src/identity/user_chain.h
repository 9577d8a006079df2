/* What mapping rules may ask about a user's Certificate. OPC 10000-18, 4.4.3. */
#ifndef KW_IDENTITY_USER_CHAIN_H
#define KW_IDENTITY_USER_CHAIN_H

#include "crypto/trust.h"

/* Thumbprint (SHA-1, uppercase hex) of the Certificate or of an issuer in its chain, as far as the trust list knows that (RO-10). */
bool kw_user_chain_has_thumbprint(kw_trust_list *trust, const kw_certificate *user, kw_string thumbprint);
/* X509Subject: the subject or the issuer's name, `CN=…/O=…` with or without quotes around the values. */
bool kw_user_subject_matches(const kw_certificate *user, kw_string criteria);

#endif

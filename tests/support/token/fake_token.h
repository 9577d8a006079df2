/* What a test sees of the token that fake_token.c is; the symbol `fake_token` of the module. */
#ifndef FAKE_TOKEN_H
#define FAKE_TOKEN_H

#include <p11-kit/pkcs11.h>

typedef struct fake_token_state {
    unsigned tries_left;      /* before its PIN, 1234, is locked */
    unsigned logins;          /* that were tried */
    unsigned sessions;        /* that are open */
    unsigned keys;            /* with the wanted label */
    CK_RV what_encrypts_says; /* C_EncryptInit */
    CK_RV what_opens_says;    /* C_Decrypt */
} fake_token_state;

#endif

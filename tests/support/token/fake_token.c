/* A PKCS#11 module with one token that counts what is done to its PIN. It encrypts nothing. */
#include "support/token/fake_token.h"

#include <string.h>

#define TRIES 3

fake_token_state fake_token = {.tries_left = TRIES};

static CK_RV initialize(void *how)
{
    (void)how;
    return CKR_OK;
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    (void)present;
    slots[0] = 7;
    *count = 1;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    (void)slot;
    memset(info, 0, sizeof(*info));
    memset(info->label, ' ', sizeof(info->label));
    memcpy(info->label, "fake", 4);
    info->flags = fake_token.tries_left == 0       ? CKF_USER_PIN_LOCKED
                  : fake_token.tries_left == 1     ? CKF_USER_PIN_FINAL_TRY
                  : fake_token.tries_left == TRIES ? 0
                                                   : CKF_USER_PIN_COUNT_LOW;
    return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
    (void)slot;
    (void)flags;
    (void)application;
    (void)notify;
    fake_token.sessions++;
    *out = 1;
    return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    fake_token.sessions--;
    return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    (void)session;
    (void)user;
    fake_token.logins++;
    if (fake_token.tries_left == 0) {
        return CKR_PIN_LOCKED;
    }
    const int is_right = len == 4 && memcmp(pin, "1234", 4) == 0;
    fake_token.tries_left = is_right ? TRIES : fake_token.tries_left - 1;
    return is_right ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV logout(CK_SESSION_HANDLE session)
{
    (void)session;
    return CKR_OK;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    (void)session;
    (void)wanted;
    (void)count;
    return CKR_OK;
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *count)
{
    (void)session;
    for (*count = 0; *count < max && *count < fake_token.keys; (*count)++) {
        found[*count] = *count + 1;
    }
    return CKR_OK;
}

static CK_RV crypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)how;
    (void)key;
    return fake_token.what_encrypts_says;
}

static CK_RV decrypt(CK_SESSION_HANDLE session, unsigned char *in, CK_ULONG in_len, unsigned char *out, CK_ULONG *len)
{
    (void)session;
    (void)in;
    (void)out;
    *len = in_len - 16;
    return fake_token.what_opens_says;
}

static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_GetSlotList = get_slot_list,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_Login = login,
    .C_Logout = logout,
    .C_FindObjectsInit = find_init,
    .C_FindObjects = find,
    .C_FindObjectsFinal = logout,
    .C_EncryptInit = crypt_init,
    .C_DecryptInit = crypt_init,
    .C_Decrypt = decrypt,
};

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    *list = &functions;
    return CKR_OK;
}

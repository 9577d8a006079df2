#include "crypto/pkcs11.h"

#include "base/try.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <string.h>

#define NONCE_LEN 12
#define TAG_LEN 16
#define WRAPPED_MAX 4096
#define SLOTS_MAX 64

/* Who is logged in is a matter of the whole process: one call at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct session {
    CK_FUNCTION_LIST_PTR f;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE handle;
    CK_OBJECT_HANDLE key;
} session;

/* --- the module ----------------------------------------------------------------------------------------------------------------- */

static CK_FUNCTION_LIST_PTR functions_of(const char *module)
{
    CK_FUNCTION_LIST_PTR list = NULL;
    CK_C_GetFunctionList get = NULL;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); /* modules take their own unloading badly */
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&get, &symbol, sizeof(get)); /* C has no cast from data to code */
    const bool is_good = get != NULL && get(&list) == CKR_OK;
    if (library != NULL) {
        dlclose(library);
    }
    return is_good ? list : NULL;
}

static kw_status load(const char *module, session *s)
{
    CK_C_INITIALIZE_ARGS how = {.flags = CKF_OS_LOCKING_OK};
    s->f = functions_of(module);
    const CK_RV rv = s->f != NULL ? s->f->C_Initialize(&how) : CKR_GENERAL_ERROR;
    return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? KW_GOOD : KW_BAD_RESOURCE_UNAVAILABLE;
}

/* --- the token ------------------------------------------------------------------------------------------------------------------ */

/* Labels are padded with blanks. */
static bool is_labelled(const CK_TOKEN_INFO *info, const char *label)
{
    const size_t len = strlen(label);
    if (len > sizeof(info->label) || memcmp(info->label, label, len) != 0) {
        return false;
    }
    for (size_t i = len; i < sizeof(info->label); i++) {
        if (info->label[i] != ' ') {
            return false;
        }
    }
    return true;
}

static kw_status find_token(session *s, const char *label, CK_FLAGS *flags)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    if (s->f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return KW_BAD_DEVICE_FAILURE;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (s->f->C_GetTokenInfo(slots[i], &info) == CKR_OK && is_labelled(&info, label)) {
            s->slot = slots[i];
            *flags = info.flags;
            return KW_GOOD;
        }
    }
    return KW_BAD_NO_COMMUNICATION;
}

/* The last try is left to somebody who knows the PIN: a service that starts again and again would have locked the token soon. */
static kw_status log_in(const session *s, CK_FLAGS flags, kw_bytes pin)
{
    if ((flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)) != 0) {
        return KW_BAD_LOCKED;
    }
    switch (s->f->C_Login(s->handle, CKU_USER, (CK_UTF8CHAR_PTR)pin.data, pin.len)) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN:
        return KW_GOOD;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return KW_BAD_USER_ACCESS_DENIED;
    case CKR_PIN_LOCKED:
        return KW_BAD_LOCKED;
    default:
        return KW_BAD_DEVICE_FAILURE;
    }
}

static kw_status find_key(session *s, const char *label)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)}, {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;
    if (s->f->C_FindObjectsInit(s->handle, wanted, sizeof(wanted) / sizeof(wanted[0])) != CKR_OK) {
        return KW_BAD_DEVICE_FAILURE;
    }
    const CK_RV rv = s->f->C_FindObjects(s->handle, found, 2, &count);
    s->f->C_FindObjectsFinal(s->handle);
    if (rv != CKR_OK) {
        return KW_BAD_DEVICE_FAILURE;
    }
    s->key = found[0];
    return count == 1 ? KW_GOOD : count == 0 ? KW_BAD_NO_ENTRY_EXISTS : KW_BAD_TOO_MANY_MATCHES;
}

static void end(const session *s)
{
    s->f->C_Logout(s->handle);
    s->f->C_CloseSession(s->handle);
}

static kw_status begin(const kw_pkcs11 *where, session *s)
{
    CK_FLAGS flags = 0;
    KW_TRY(load(where->module, s));
    KW_TRY(find_token(s, where->token, &flags));
    if (s->f->C_OpenSession(s->slot, CKF_SERIAL_SESSION, NULL, NULL, &s->handle) != CKR_OK) {
        return KW_BAD_DEVICE_FAILURE;
    }
    kw_status status = log_in(s, flags, where->pin);
    if (!kw_status_is_bad(status)) {
        status = find_key(s, where->key);
    }
    if (kw_status_is_bad(status)) {
        end(s);
    }
    return status;
}

/* --- wrapping ------------------------------------------------------------------------------------------------------------------- */

static CK_GCM_PARAMS parameters(const uint8_t *nonce, kw_bytes context)
{
    return (CK_GCM_PARAMS){.pIv = (CK_BYTE_PTR)nonce,
                           .ulIvLen = NONCE_LEN,
                           .ulIvBits = NONCE_LEN * 8,
                           .pAAD = (CK_BYTE_PTR)context.data,
                           .ulAADLen = context.len,
                           .ulTagBits = TAG_LEN * 8};
}

static kw_status reason_of(CK_RV rv, kw_status otherwise)
{
    switch (rv) {
    case CKR_OK:
        return KW_GOOD;
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_FUNCTION_NOT_SUPPORTED:
        return KW_BAD_NOT_SUPPORTED;
    default:
        return otherwise;
    }
}

static kw_status encrypt(const session *s, CK_MECHANISM *how, kw_bytes plain, uint8_t *out)
{
    CK_ULONG len = plain.len + TAG_LEN;
    KW_TRY(reason_of(s->f->C_EncryptInit(s->handle, how, s->key), KW_BAD_DEVICE_FAILURE));
    KW_TRY(reason_of(s->f->C_Encrypt(s->handle, (CK_BYTE_PTR)plain.data, plain.len, out, &len), KW_BAD_DEVICE_FAILURE));
    return len == plain.len + TAG_LEN ? KW_GOOD : KW_BAD_DEVICE_FAILURE;
}

/* Tokens differ in how they say that a tag is wrong. */
static kw_status decrypt(const session *s, CK_MECHANISM *how, kw_bytes cipher, kw_secret *plain)
{
    CK_ULONG len = cipher.len; /* some want room for the tag */
    KW_TRY(reason_of(s->f->C_DecryptInit(s->handle, how, s->key), KW_BAD_DEVICE_FAILURE));
    KW_TRY(reason_of(s->f->C_Decrypt(s->handle, (CK_BYTE_PTR)cipher.data, cipher.len, plain->data, &len), KW_BAD_NO_MATCH));
    return len == cipher.len - TAG_LEN ? KW_GOOD : KW_BAD_NO_MATCH;
}

kw_status kw_pkcs11_wrap(const kw_pkcs11 *where, kw_bytes context, kw_bytes plain, const kw_random *random, kw_arena *arena, kw_bytes *out)
{
    session s;
    if (plain.len > WRAPPED_MAX - NONCE_LEN - TAG_LEN) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    uint8_t *wrapped = kw_arena_alloc(arena, NONCE_LEN + plain.len + TAG_LEN);
    if (wrapped == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_random_fill(random, wrapped, NONCE_LEN));
    CK_GCM_PARAMS gcm = parameters(wrapped, context);
    CK_MECHANISM how = {CKM_AES_GCM, &gcm, sizeof(gcm)};
    pthread_mutex_lock(&lock);
    kw_status status = begin(where, &s);
    if (!kw_status_is_bad(status)) {
        status = encrypt(&s, &how, plain, wrapped + NONCE_LEN);
        end(&s);
    }
    pthread_mutex_unlock(&lock);
    *out = (kw_bytes){wrapped, NONCE_LEN + plain.len + TAG_LEN};
    return status;
}

kw_status kw_pkcs11_unwrap(const kw_pkcs11 *where, kw_bytes context, kw_bytes wrapped, kw_secret *plain)
{
    session s;
    if (wrapped.len < NONCE_LEN + TAG_LEN || wrapped.len > WRAPPED_MAX) {
        return KW_BAD_DECODING_ERROR;
    }
    const kw_bytes cipher = {wrapped.data + NONCE_LEN, wrapped.len - NONCE_LEN};
    CK_GCM_PARAMS gcm = parameters(wrapped.data, context);
    CK_MECHANISM how = {CKM_AES_GCM, &gcm, sizeof(gcm)};
    KW_TRY(kw_secret_init(plain, cipher.len));
    pthread_mutex_lock(&lock);
    kw_status status = begin(where, &s);
    if (!kw_status_is_bad(status)) {
        status = decrypt(&s, &how, cipher, plain);
        end(&s);
    }
    pthread_mutex_unlock(&lock);
    plain->len = cipher.len - TAG_LEN;
    if (kw_status_is_bad(status)) {
        kw_secret_clear(plain);
    }
    return status;
}

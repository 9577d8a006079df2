#include "identity/password.h"

#include "base/secret.h"
#include "base/try.h"

#include <argon2.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_KIB 19456u
#define PASSES 2u
#define LANES 1u
#define SALT_LEN 16u
#define HASH_LEN 32u
#define PHC_MAX 256u

/* What a stored hash may ask for: neither so little that it is no protection, nor so much that checking it is an attack. */
#define MEMORY_KIB_MIN 4096u
#define MEMORY_KIB_MAX 262144u
#define PASSES_MAX 16u
#define LANES_MAX 16u

kw_status kw_password_hash(kw_bytes password, const kw_random *random, kw_arena *arena, kw_string *phc)
{
    uint8_t salt[SALT_LEN];
    char encoded[PHC_MAX];
    KW_TRY(kw_random_fill(random, salt, sizeof(salt)));
    if (argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.data, password.len, salt, sizeof(salt), HASH_LEN, encoded,
                              sizeof(encoded)) != ARGON2_OK) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *phc = kw_arena_copy(arena, kw_string_from(encoded));
    return phc->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* Only the exact spelling that we write, with parameters within bounds. */
static bool is_sane(const char *phc)
{
    unsigned memory = 0, passes = 0, lanes = 0;
    int prefix = 0;
    if (sscanf(phc, "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n", &memory, &passes, &lanes, &prefix) != 3 || prefix == 0) {
        return false;
    }
    return memory >= MEMORY_KIB_MIN && memory <= MEMORY_KIB_MAX && passes >= 1 && passes <= PASSES_MAX && lanes >= 1 && lanes <= LANES_MAX;
}

/* as much work as a real check. */
static void verify_nothing(kw_bytes password)
{
    static const uint8_t salt[SALT_LEN] = {0};
    uint8_t hash[HASH_LEN];
    (void)argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password.data, password.len, salt, sizeof(salt), hash, sizeof(hash));
    kw_wipe(hash, sizeof(hash));
}

bool kw_password_verify(kw_string phc, kw_bytes password)
{
    char text[PHC_MAX + 1] = "";
    if (phc.len > 0 && phc.len <= PHC_MAX && memchr(phc.data, 0, phc.len) == NULL) {
        memcpy(text, phc.data, phc.len);
    }
    if (!is_sane(text)) {
        verify_nothing(password);
        return false;
    }
    const bool matches = argon2id_verify(text, password.data, password.len) == ARGON2_OK;
    kw_wipe(text, sizeof(text));
    return matches;
}

/* What the times of signing keys mean. */
#include "authority/key_ring.h"

/* The index of the one whose turn it is, revoked or not; count: none has begun. Later ones come first. */
static size_t whose_turn(const kw_signing_key *keys, size_t count, int64_t now)
{
    size_t i = 0;
    while (i < count && keys[i].signs_from > now) {
        i++;
    }
    return i;
}

const kw_signing_key *kw_key_active(const kw_signing_key *keys, size_t count, int64_t now)
{
    const size_t turn = whose_turn(keys, count, now);
    if (turn < count) {
        return keys[turn].revoked == 0 ? &keys[turn] : NULL;
    }
    return count > 0 ? &keys[count - 1] : NULL; /* a clock that goes wrong is no reason to stop */
}

int64_t kw_key_next_change(const kw_signing_key *keys, size_t count, int64_t now)
{
    const size_t turn = whose_turn(keys, count, now);
    return turn > 0 ? keys[turn - 1].signs_from : INT64_MAX;
}

kw_key_life kw_key_life_of(const kw_signing_key *keys, size_t count, size_t index, int64_t now)
{
    const kw_signing_key *key = &keys[index];
    if (key->revoked != 0) {
        return (kw_key_life){KW_KEY_REVOKED, key->revoked, key->revoked + key->kept_for};
    }
    kw_key_life life = {.state = KW_KEY_NEXT};
    if (index > 0) {
        life.signs_until = keys[index - 1].signs_from;
        life.gone_from = life.signs_until + key->kept_for;
    }
    if (key == kw_key_active(keys, count, now)) {
        life.state = KW_KEY_ACTIVE;
    } else if (key->signs_from <= now) {
        life.state = KW_KEY_RETIRED;
    }
    return life;
}

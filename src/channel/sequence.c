/*
 * SequenceNumbers. OPC 10000-6, 6.7.2.4.
 *
 * One count for each direction over OPN, MSG and CLO, never reset by a renewal. With LegacySequenceNumbers it begins somewhere and may
 * wrap a little early; without, it begins with 0 and goes all the way round.
 */
#include "channel/channel_internal.h"

/* From here on an early wrap is allowed; what follows it is below 1024. */
enum { FIRST_AFTER_WRAP = 1024 };
static const uint32_t WRAP_FROM = UINT32_MAX - 1024;

uint32_t kw_sequence_first(const kw_security_policy *policy)
{
    return policy->has_legacy_sequence ? 1 : 0;
}

uint32_t kw_sequence_next(const kw_security_policy *policy, uint32_t last)
{
    return policy->has_legacy_sequence && last > WRAP_FROM ? 1 : last + 1;
}

/* */
bool kw_sequence_follows(const kw_security_policy *policy, const uint32_t *last, uint32_t next)
{
    if (last == NULL) {
        return policy->has_legacy_sequence || next == 0;
    }
    if (!policy->has_legacy_sequence) {
        return next == *last + 1;
    }
    if (*last > WRAP_FROM && next < FIRST_AFTER_WRAP) {
        return true;
    }
    return *last != UINT32_MAX && next == *last + 1;
}

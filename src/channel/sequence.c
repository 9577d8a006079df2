/*
 * SequenceNumbers of the policies with LegacySequenceNumbers TRUE. OPC 10000-6, 6.7.2.4.
 *
 * One count for each direction over OPN, MSG and CLO, never reset by a renewal.
 */
#include "channel/channel_internal.h"

/* From here on a wrap is allowed; what follows it is below 1024. */
enum { FIRST_AFTER_WRAP = 1024 };
static const uint32_t WRAP_FROM = UINT32_MAX - 1024;

uint32_t kw_sequence_next(uint32_t last)
{
    return last > WRAP_FROM ? 1 : last + 1;
}

/* */
bool kw_sequence_follows(uint32_t last, uint32_t next)
{
    if (last > WRAP_FROM && next < FIRST_AFTER_WRAP) {
        return true;
    }
    return last != UINT32_MAX && next == last + 1;
}

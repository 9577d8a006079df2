/* One reading, for Read and for MonitoredItems alike. OPC 10000-4, 5.11.2. */
#ifndef KW_SERVICE_READ_VALUE_H
#define KW_SERVICE_READ_VALUE_H

#include "space/node.h"

/* Permission, IndexRange and encoding are checked. On a bad status *out is undefined. */
kw_status kw_read_value(kw_space *space, const kw_access *access, const kw_read_value_id *what, kw_arena *arena, kw_data_value *out);
/* Leave out the timestamps that are not wanted. */
void kw_keep_timestamps(kw_data_value *value, kw_timestamps_to_return wanted);

#endif

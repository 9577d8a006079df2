/* /healthz and /metrics, where the configuration says so. */
#ifndef KW_APP_MONITOR_H
#define KW_APP_MONITOR_H

#include "app/host.h"

#define KW_MONITOR_ADDRESS_MAX 64

/* Returns -1 once it listens or if nobody asked for it, or the exit code after saying why. */
int kw_monitor_start(kw_host *host);
/* After the runtime has stopped; fine when it was not started. */
void kw_monitor_end(kw_host *host);
/* "ADDRESS:PORT", "[ADDRESS]:PORT". False: it is neither. `address` has room for KW_MONITOR_ADDRESS_MAX. */
bool kw_monitor_parse(const char *text, char *address, uint16_t *port);

#endif

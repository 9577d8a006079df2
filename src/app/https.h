/* HTTPS beside the Authorization Service, from the configuration. */
#ifndef KW_APP_HTTPS_H
#define KW_APP_HTTPS_H

#include "app/host.h"

/* Returns -1 once it listens, or the exit code after saying why. */
int kw_https_start(kw_host *host);
/* New connections get the certificate as its file is now; what is wrong with it is logged, and the former one stays. */
void kw_https_reload(kw_host *host);
/* After the runtime has stopped; fine when it was not started. */
void kw_https_end(kw_host *host);

#endif

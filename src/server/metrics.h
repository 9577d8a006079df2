/* What a Server counts, as text for Prometheus. Nothing in it names a user, a Client or a secret. On the loop. */
#ifndef KW_SERVER_METRICS_H
#define KW_SERVER_METRICS_H

#include "base/cursor.h"
#include "server/listen.h"

void kw_server_metrics(const kw_server *server, kw_writer *w);
void kw_runtime_metrics(kw_runtime *runtime, kw_writer *w);

typedef enum kw_server_health { KW_HEALTH_OK, KW_HEALTH_STOPPING, KW_HEALTH_NO_STORE } kw_server_health;

/* By what was seen last: asks nobody. */
kw_server_health kw_server_health_of(const kw_server *server);

#endif

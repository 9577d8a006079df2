/* From a configuration to a Server (or Authorization Service) on a runtime. */
#ifndef KW_APP_HOST_H
#define KW_APP_HOST_H

#include "app/directory.h"
#include "app/key_file.h"
#include "app/ldap_plan.h"
#include "app/machine.h"
#include "app/options.h"
#include "app/provider_plan.h"
#include "authority/oauth.h"
#include "server/listen.h"

typedef enum kw_host_kind { KW_HOST_SERVER, KW_HOST_AUTHORITY } kw_host_kind;

typedef struct kw_host {
    kw_host_kind kind;
    kw_directory directory;
    kw_application_identity identity;
    kw_trust_list *trust, *user_trust;
    kw_log log;
    kw_fetch fetch;     /* keys of issuers */
    kw_ldap_plan users; /* of `directory`, if it is LDAP */
    kw_provider_plans providers;
    kw_server_env env;
    kw_server *server;
    kw_own_keys keys;         /* of KW_HOST_AUTHORITY */
    kw_authority *authority;  /* of KW_HOST_AUTHORITY */
    kw_service_plan services; /* beside `authority` */
    kw_oauth *oauth;          /* of KW_HOST_AUTHORITY with `https` */
    kw_http_server *http;
    kw_http_server *monitor; /* NULL: not wanted */
    int64_t started;         /* seconds since 1970 */
    kw_string issuer;        /* "https://…"; null without */
    kw_machine *machine;     /* of KW_HOST_SERVER, if it is wanted */
    kw_runtime *runtime;
    const kw_option_list *nodesets; /* beyond those of the configuration; NULL: none. While it starts */
} kw_host;

/* What the configuration says about guessing over what `throttle` holds already. */
void kw_plan_guessing(kw_throttle_config *throttle, const kw_config_guessing *config);
/*
 * Returns -1 once it listens, or the exit code after saying why. The host must stay where it is in memory. `nodesets`: files beyond
 * those of the configuration; NULL: none.
 */
int kw_host_start(kw_host *host, kw_host_kind kind, const char *config_file, const kw_option_list *nodesets, kw_log_level quietest,
                  kw_runtime *runtime);
/* After the runtime has stopped. */
void kw_host_clear(kw_host *host);

#endif

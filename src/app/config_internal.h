/* Between config.c and its checks in other files. */
#ifndef KW_APP_CONFIG_INTERNAL_H
#define KW_APP_CONFIG_INTERNAL_H

#include "app/config.h"

#define KW_CONFIG_PROVIDERS_MAX 16
#define KW_CONFIG_SERVICES_MAX 16

/* One line on stderr; false. */
bool kw_config_complain(const char *file, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Is there such a file, with this access(2)? */
bool kw_config_check_file(const char *file, const char *key, const char *path, int mode);
/* And nobody else may read it. */
bool kw_config_check_secret_file(const char *file, const char *key, const char *path);

/* config_providers.c */
bool kw_config_check_providers(const char *file, const kw_config *config);
bool kw_config_check_services(const char *file, const kw_config *config);
/* `directory` with a provider. */
bool kw_config_check_users(const char *file, const kw_config *config);

#endif

/* The directory of a device: what `keyway init` would put there for a Server alone. */
#include "base/file.h"
#include "base/try.h"
#include "device/device_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CERTIFICATE_DAYS 1825u
#define HOSTS_MAX 32

static const char *const LOCAL_HOSTS[] = {"localhost", "127.0.0.1", "::1"};

static char *path_of(kw_device *device, const char *directory, const char *name)
{
    const kw_string path = kw_arena_format(device->arena, "%s/%s", directory, name);
    return kw_arena_cstring(device->arena, path);
}

static kw_status make_folder(kw_device *device, const char *path)
{
    if (path == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return kw_device_fail(device, KW_BAD_NOT_WRITABLE, "%s: %s", path, strerror(errno));
    }
    return KW_GOOD;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* --- the first start ------------------------------------------------------------------------------------------------------------ */

/* What goes between quotes in YAML and into a certificate must not break out of either. */
static bool is_plain(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) < 512 && strpbrk(text, "\"\\\n\r\t ") == NULL &&
           kw_utf8_is_valid(kw_string_from(text), false);
}

static kw_status make_identity(kw_device *device, const kw_device_config *config, const char *stem)
{
    const char *hosts[HOSTS_MAX + 3];
    size_t count = 0;
    for (; config->hosts != NULL && config->hosts[count] != NULL && count < HOSTS_MAX; count++) {
        hosts[count] = config->hosts[count];
    }
    for (size_t i = 0; i < 3; i++) {
        hosts[count++] = LOCAL_HOSTS[i];
    }
    const kw_application_files files = {.stem = stem,
                                        .application_uri = config->application_uri,
                                        .common_name = config->application_name != NULL ? config->application_name : "Keyway",
                                        .hosts = hosts,
                                        .host_count = count,
                                        .days = CERTIFICATE_DAYS};
    kw_certificate *certificate = NULL;
    const kw_status status = kw_application_files_make(&files, &certificate);
    kw_certificate_release(certificate);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "%s.crt and %s.key could not be made", stem, stem) : KW_GOOD;
}

/* For `keyway user`, `keyway role`, `keyway cert`: where the store and the trust lists are. */
static kw_status write_config(kw_device *device, const kw_device_config *config, const char *path)
{
    const kw_string text = kw_arena_format(
        device->arena,
        "# Made at the first start of %s, so that `keyway user`, `keyway role` and `keyway cert` know their way with -d.\n"
        "# What the Server offers is said in its program, not here.\n\n"
        "security:\n  trust: trust/applications\n  user_trust: trust/users\n\n"
        "server:\n  uri: \"%s\"\n  port: %u\n  certificate: own/server.crt\n  key: own/server.key\n\n"
        "authority: # an Authorization Service on the same users, if ever one is started here\n  uri: \"%s\"\n"
        "  certificate: own/server.crt\n  key: own/server.key\n  service_uri: \"%s:tokens\"\n\n"
        "store: keyway.db\n",
        config->application_uri, config->application_uri, (unsigned)config->port, config->application_uri, config->application_uri);
    const kw_status status = text.data != NULL ? kw_write_new_file(path, text.data, text.len, 0600) : KW_BAD_OUT_OF_MEMORY;
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "%s could not be written", path) : KW_GOOD;
}

/* The configuration is written last: where it is, the rest is there. */
static kw_status make_directory(kw_device *device, const kw_device_config *config, const char *yaml)
{
    const char *stem = path_of(device, config->directory, "own/server");
    if (!is_plain(config->application_uri)) {
        return kw_device_fail(device, KW_BAD_CONFIGURATION_ERROR,
                              "the first start needs an application_uri, such as \"urn:example:pump\", without blanks and quotes");
    }
    KW_TRY(make_folder(device, config->directory));
    KW_TRY(make_folder(device, path_of(device, config->directory, "own")));
    KW_TRY(make_folder(device, path_of(device, config->directory, "trust")));
    if (!is_there(path_of(device, config->directory, "own/server.crt"))) {
        KW_TRY(make_identity(device, config, stem));
    }
    return write_config(device, config, yaml);
}

/* --- every start ---------------------------------------------------------------------------------------------------------------- */

static kw_status open_identity(kw_device *device, const kw_device_config *config)
{
    const char *file = "", *why = "";
    const char *certificate = path_of(device, config->directory, "own/server.crt");
    const kw_status status =
        kw_application_identity_read(certificate, path_of(device, config->directory, "own/server.key"), &device->identity, &file, &why);
    if (kw_status_is_bad(status)) {
        return kw_device_fail(device, status, "%s: %s", file, why);
    }
    const kw_string uri = kw_certificate_application_uri(device->identity.certificate);
    if (config->application_uri != NULL && !kw_string_equals(uri, config->application_uri)) {
        return kw_device_fail(device, KW_BAD_CERTIFICATE_URI_INVALID,
                              "%s is of %.*s, not of %s; move it and its key away, and a new one is made", certificate, KW_STRING_ARGS(uri),
                              config->application_uri);
    }
    return KW_GOOD;
}

static kw_status open_trust(kw_device *device, const kw_device_config *config, const char *name, kw_trust_list **out)
{
    const char *path = path_of(device, config->directory, name);
    const kw_status status = kw_trust_list_open(path, true, &KW_CLOCK_SYSTEM, &device->log, out);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "the trust list %s cannot be opened", path) : KW_GOOD;
}

static kw_status open_store(kw_device *device, const kw_device_config *config)
{
    kw_string why = KW_BYTES_NULL;
    const char *path = path_of(device, config->directory, "keyway.db");
    const kw_status status = kw_store_open(path, true, &KW_CLOCK_SYSTEM, device->arena, &device->store, &why);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "%s: %.*s", path, KW_STRING_ARGS(why)) : KW_GOOD;
}

kw_status kw_device_open_files(kw_device *device, const kw_device_config *config)
{
    if (config->directory == NULL || *config->directory == '\0') {
        return kw_device_fail(device, KW_BAD_CONFIGURATION_ERROR, "a directory is needed, for keys and users");
    }
    const char *yaml = path_of(device, config->directory, "keyway.yaml");
    if (yaml == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (!is_there(yaml)) {
        KW_TRY(make_directory(device, config, yaml));
    }
    KW_TRY(open_identity(device, config));
    KW_TRY(open_trust(device, config, "trust/applications", &device->trust));
    KW_TRY(open_trust(device, config, "trust/users", &device->user_trust));
    return open_store(device, config);
}

void kw_device_close_files(kw_device *device)
{
    kw_store_close(device->store);
    kw_trust_list_close(device->trust);
    kw_trust_list_close(device->user_trust);
    kw_application_identity_clear(&device->identity);
}

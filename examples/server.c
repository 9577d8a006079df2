/* A Server in fifteen lines: one value, that everybody who has signed in may read. */
#include <keyway/device.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static double temperature = 21.5; /* the device's own: change it as you like, also from other threads */
    kw_device *device = NULL;
    const uint16_t port = (uint16_t)(argc > 1 ? atoi(argv[1]) : 4840);
    const kw_device_config config = {.directory = "pump", .application_uri = "urn:example:pump", .port = port, .announce = true};
    if (kw_status_is_bad(kw_device_new(&config, &device))) {
        return fprintf(stderr, "%s\n", kw_device_error(NULL)), 1;
    }
    kw_device_add_variable(device,
                           &(kw_device_variable){.node = {.name = "Temperature"}, .type = KW_BUILTIN_DOUBLE, .memory = &temperature}, NULL);
    const kw_status status = kw_device_run(device);
    fprintf(stderr, "%s\n", kw_device_error(device));
    kw_device_free(device);
    return kw_status_is_bad(status);
}

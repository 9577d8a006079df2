#include "client/client_internal.h"

#include <stdarg.h>
#include <stdio.h>

kw_status kw_client_fail(kw_client *client, kw_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(client->error, sizeof(client->error), format, args);
    va_end(args);
    return status;
}

const char *kw_client_error(const kw_client *client)
{
    return client->error;
}

/*
 * A layer below TLS that waits for the socket, and no longer than it may. Without it the library, on GnuTLS, tries to read again and
 * again for as long as a server that took the connection says nothing.
 */
#include "authority/ldap_internal.h"

#include <errno.h>
#include <poll.h>

#define LEVEL (LBER_SBIOD_LEVEL_PROVIDER + 5) /* above the socket, below TLS */

static int wait_setup(Sockbuf_IO_Desc *layer, void *timeout_ms)
{
    layer->sbiod_pvt = timeout_ms;
    return 0;
}

static int wait_remove(Sockbuf_IO_Desc *layer)
{
    layer->sbiod_pvt = NULL;
    return 0;
}

static int wait_control(Sockbuf_IO_Desc *layer, int option, void *argument)
{
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

static bool is_ready(Sockbuf_IO_Desc *layer, short events)
{
    const uint32_t *timeout_ms = layer->sbiod_pvt;
    struct pollfd socket = {.fd = -1, .events = events};
    int ready;
    if (ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &socket.fd) != 1) {
        errno = EBADF;
        return false;
    }
    do {
        ready = poll(&socket, 1, (int)*timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        errno = ETIMEDOUT;
    }
    return ready > 0;
}

static ber_slen_t wait_read(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
    return is_ready(layer, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, data, len) : -1;
}

static ber_slen_t wait_write(Sockbuf_IO_Desc *layer, void *data, ber_len_t len)
{
    return is_ready(layer, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, data, len) : -1;
}

static int wait_close(Sockbuf_IO_Desc *layer)
{
    (void)layer; /* nothing is kept back */
    return 0;
}

static Sockbuf_IO WAIT = {.sbi_setup = wait_setup,
                          .sbi_remove = wait_remove,
                          .sbi_ctrl = wait_control,
                          .sbi_read = wait_read,
                          .sbi_write = wait_write,
                          .sbi_close = wait_close};

/* The library calls this with the connected socket, before anything is said. */
static int on_connected(LDAP *link, Sockbuf *buffer, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *callback)
{
    (void)link;
    (void)server;
    (void)address;
    return ber_sockbuf_add_io(buffer, &WAIT, LEVEL, callback->lc_arg);
}

static void on_disconnected(LDAP *link, Sockbuf *buffer, struct ldap_conncb *callback)
{
    (void)link;
    (void)buffer;
    (void)callback;
}

bool kw_ldap_bound_waiting(kw_ldap_talk *talk)
{
    talk->on_connect =
        (struct ldap_conncb){.lc_add = on_connected, .lc_del = on_disconnected, .lc_arg = &talk->ldap->config.connect_timeout_ms};
    return ldap_set_option(talk->link, LDAP_OPT_CONNECT_CB, &talk->on_connect) == LDAP_OPT_SUCCESS;
}

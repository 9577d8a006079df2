#include "support/kw_test_network.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BYTES_MAX ((size_t)256 << 20)
#define VALUE_ATTRIBUTE 13

const kw_client_identity KW_TEST_NOBODY = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
const kw_client_identity KW_TEST_OPERATOR = {.kind = KW_USER_TOKEN_TYPE_USER_NAME,
                                             .user_name = {(const uint8_t *)KW_TEST_USER, sizeof(KW_TEST_USER) - 1},
                                             .password = {(const uint8_t *)KW_TEST_PASSWORD, sizeof(KW_TEST_PASSWORD) - 1}};

struct kw_wire {
    kw_test_network *network;
    kw_wire *next;
    kw_wire_sink sink;
    const kw_test_far_end *end;
    void *line; /* the end's; NULL: it has let go */
    kw_writer to_server, to_client;
    uint64_t due; /* of what is in to_client */
    bool is_paused, is_closing, is_lost;
};

/* --- the world's Server as a far end ------------------------------------------------------------------------------------ */

static void *server_accept(void *ctx, const kw_transport *transport)
{
    return kw_server_connect(((kw_test_network *)ctx)->world->server, transport, KW_STRING("192.0.2.7"));
}

static void server_input(void *line, kw_bytes bytes)
{
    kw_connection_input(line, bytes);
}

static void server_lost(void *line)
{
    kw_connection_lost(line);
}

/* --- what the far end does ---------------------------------------------------------------------------------------------- */

static void transport_send(void *ctx, kw_bytes bytes)
{
    kw_wire *wire = ctx;
    if (wire->to_client.len == 0) {
        wire->due = wire->network->world->clock->ms + wire->network->delay_ms;
    }
    kw_write_raw(&wire->to_client, bytes);
    assert_status(kw_writer_status(&wire->to_client), KW_GOOD);
}

static void transport_close(void *ctx)
{
    ((kw_wire *)ctx)->is_closing = true;
}

static void transport_pause(void *ctx, bool paused)
{
    ((kw_wire *)ctx)->is_paused = paused;
}

/* --- bytes under way ------------------------------------------------------------------------------------------------------ */

static void let_go(kw_wire *wire)
{
    void *line = wire->line;
    wire->line = NULL;
    if (line != NULL) {
        wire->end->lost(line);
    }
}

static void cut(kw_wire *wire)
{
    kw_writer_reset(&wire->to_server);
    kw_writer_reset(&wire->to_client);
    wire->is_closing = true;
}

/* What still passes of these bytes, out of their buffer; the rest vanishes, or breaks the connection. */
static kw_bytes take(kw_wire *wire, kw_writer *from, size_t *left)
{
    kw_test_network *network = wire->network;
    kw_bytes bytes = kw_arena_copy(network->world->arena, kw_writer_bytes(from));
    const bool is_too_much = bytes.len > *left;
    kw_writer_reset(from);
    if (is_too_much) {
        bytes.len = *left;
    }
    *left -= *left != SIZE_MAX ? bytes.len : 0;
    if (is_too_much && !network->is_dropping) {
        network->to_server_left = network->to_client_left = SIZE_MAX;
        cut(wire);
    }
    return bytes;
}

static bool deliver_to_server(kw_wire *wire)
{
    if (wire->line == NULL || wire->is_paused || wire->to_server.len == 0) {
        return false;
    }
    const kw_bytes bytes = take(wire, &wire->to_server, &wire->network->to_server_left);
    kw_write_raw(&wire->network->sent, bytes);
    if (bytes.len > 0) {
        wire->end->input(wire->line, bytes);
    }
    return true;
}

static void spoil(kw_test_network *network, kw_bytes bytes)
{
    if (network->spoil_at == SIZE_MAX) {
        return;
    }
    if (network->spoil_at >= bytes.len) {
        network->spoil_at -= bytes.len;
        return;
    }
    ((uint8_t *)bytes.data)[network->spoil_at] ^= (uint8_t)(1 + kw_test_random_below(&network->world->random, UINT8_MAX));
    network->spoil_at = SIZE_MAX;
}

static bool deliver_to_client(kw_wire *wire)
{
    if (wire->is_lost || wire->to_client.len == 0 || wire->due > wire->network->world->clock->ms) {
        return false;
    }
    const kw_bytes bytes = take(wire, &wire->to_client, &wire->network->to_client_left);
    if (bytes.len > 0) {
        spoil(wire->network, bytes);
        wire->sink.input(wire->sink.ctx, bytes);
    }
    return true;
}

static bool hang_up(kw_wire *wire)
{
    if (!wire->is_closing || wire->is_lost || wire->to_client.len > 0) {
        return false;
    }
    let_go(wire);
    wire->is_lost = true;
    wire->sink.lost(wire->sink.ctx);
    return true;
}

/* To the next thing that may change something. */
static void pass_time(kw_wire *wire, uint64_t until)
{
    kw_test_world *world = wire->network->world;
    const uint64_t now = world->clock->ms, timer = kw_timers_next(world->timers);
    uint64_t next = until;
    if (timer < next) {
        next = timer;
    }
    if (wire->to_client.len > 0 && wire->due < next) {
        next = wire->due;
    }
    wire->network->pass(wire->network, next > now ? next - now : 1);
}

/* --- kw_network -------------------------------------------------------------------------------------------------------------- */

static kw_status net_connect(void *ctx, const kw_url *to, uint64_t deadline, const kw_wire_sink *sink, kw_wire **out)
{
    (void)to;
    (void)deadline;
    kw_test_network *network = ctx;
    network->connect_count++;
    if (network->world->clock->ms < network->down_until) {
        return KW_BAD_CONNECTION_REJECTED;
    }
    kw_wire *wire = calloc(1, sizeof(*wire));
    assert_non_null(wire);
    *wire = (kw_wire){.network = network, .sink = *sink, .end = network->far_end};
    kw_writer_init(&wire->to_server, BYTES_MAX);
    kw_writer_init(&wire->to_client, BYTES_MAX);
    const kw_transport transport = {transport_send, transport_close, transport_pause, wire};
    wire->line = wire->end->accept(wire->end->ctx, &transport);
    if (wire->line == NULL) {
        free(wire);
        return KW_BAD_CONNECTION_REJECTED;
    }
    wire->next = network->wires;
    network->wires = wire;
    *out = wire;
    return KW_GOOD;
}

static kw_status net_send(kw_wire *wire, kw_bytes bytes)
{
    if (wire->is_lost) {
        return KW_BAD_CONNECTION_CLOSED;
    }
    kw_write_raw(&wire->to_server, bytes);
    return kw_writer_status(&wire->to_server);
}

static void net_wait(kw_wire *wire, uint64_t until)
{
    while (!deliver_to_server(wire) && !deliver_to_client(wire) && !hang_up(wire) && wire->network->world->clock->ms < until) {
        pass_time(wire, until);
    }
}

static bool net_has_unsent(const kw_wire *wire)
{
    return wire->to_server.len > 0 && !wire->is_lost;
}

static void net_close(kw_wire *wire)
{
    kw_wire **at = &wire->network->wires;
    while (*at != wire) {
        at = &(*at)->next;
    }
    *at = wire->next;
    let_go(wire);
    kw_writer_clear(&wire->to_server);
    kw_writer_clear(&wire->to_client);
    free(wire);
}

static void net_sleep(void *ctx, uint64_t until)
{
    kw_test_network *network = ctx;
    if (until > network->world->clock->ms) {
        network->pass(network, until - network->world->clock->ms);
    }
}

static int64_t client_utc(void *ctx)
{
    const kw_test_network *network = ctx;
    return network->world->clock->utc + network->utc_shift;
}

static uint64_t client_ms(void *ctx)
{
    return ((const kw_test_network *)ctx)->world->clock->ms;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

static void advance(kw_test_network *network, uint64_t ms)
{
    kw_test_world_advance(network->world, ms);
}

kw_test_network *kw_test_network_on(kw_test_world *world)
{
    kw_test_network *n = calloc(1, sizeof(*n));
    assert_non_null(n);
    n->world = world;
    n->is_guest = true;
    n->pass = advance;
    n->clock = (kw_clock){.utc = client_utc, .monotonic = client_ms, .ctx = n};
    n->network = (kw_network){net_connect, net_send, net_wait, net_has_unsent, net_close, net_sleep, n};
    n->env = (kw_client_env){&n->clock, &n->world->random.random, &n->network};
    n->server_end = (kw_test_far_end){server_accept, server_input, server_lost, n};
    n->far_end = &n->server_end;
    n->to_server_left = n->to_client_left = n->spoil_at = SIZE_MAX;
    n->folder = kw_test_folder_new();
    kw_writer_init(&n->sent, BYTES_MAX);
    kw_test_trust_init(&n->trust, &n->clock);
    kw_test_trust_add(&n->trust, n->world->env.identity);
    return n;
}

kw_test_network *kw_test_network_new(const kw_test_world_options *options)
{
    kw_test_network *n = kw_test_network_on(kw_test_world_with_user(options));
    n->is_guest = false;
    kw_test_trust_add(&n->world->trust, kw_test_identity("client", 2048));
    return n;
}

void kw_test_network_free(kw_test_network *n)
{
    for (size_t i = 0; i < n->client_count; i++) {
        kw_client_free(n->clients[i]);
    }
    assert_null(n->wires);
    kw_test_trust_clear(&n->trust);
    kw_test_folder_remove(n->folder);
    kw_writer_clear(&n->sent);
    if (!n->is_guest) {
        kw_test_world_free(n->world);
    }
    free(n);
}

int kw_test_network_setup(void **state)
{
    *state = kw_test_network_new(NULL);
    return 0;
}

int kw_test_network_teardown(void **state)
{
    kw_test_network_free(*state);
    return 0;
}

/* --- Clients --------------------------------------------------------------------------------------------------------------- */

static const char *write_file(kw_test_network *network, const char *name, const char *ending, kw_bytes bytes)
{
    const char *path = (const char *)kw_arena_format(network->world->arena, "%s/%s.%s%c", network->folder, name, ending, '\0').data;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, S_IRUSR | S_IWUSR), 0);
    return path;
}

void kw_test_network_write(kw_test_network *network, const char *name, const kw_application_identity *who, const char **certificate_file,
                           const char **key_file)
{
    kw_secret pem = KW_SECRET_NONE;
    assert_status(kw_private_key_to_pem(who->key, KW_BYTES_NULL, &pem), KW_GOOD);
    *certificate_file = write_file(network, name, "der", kw_certificate_chain(who->certificate));
    *key_file = write_file(network, name, "key", kw_secret_bytes(&pem));
    kw_secret_clear(&pem);
}

kw_client *kw_test_network_client(kw_test_network *network, const kw_client_config *config)
{
    kw_client_config filled = config != NULL ? *config : (kw_client_config){.certificate_file = NULL};
    kw_client *client = NULL;
    const char *why = NULL;
    if (filled.certificate_file == NULL) {
        kw_test_network_write(network, "client", kw_test_identity("client", 2048), &filled.certificate_file, &filled.key_file);
    }
    if (filled.trust_directory == NULL) {
        filled.trust_directory = network->trust.folder;
    }
    assert_true(network->client_count < KW_TEST_NETWORK_CLIENTS);
    assert_status(kw_client_new_on(&network->env, &filled, &client, &why), KW_GOOD);
    network->clients[network->client_count++] = client;
    return client;
}

kw_client *kw_test_network_connect(kw_test_network *network, const kw_client_config *config)
{
    kw_client *client = kw_test_network_client(network, config);
    const kw_status status = kw_client_connect(client, KW_TEST_NETWORK_URL);
    if (kw_status_is_bad(status)) {
        fail_msg("%s: %s", kw_status_name(status), kw_client_error(client));
    }
    return client;
}

kw_client *kw_test_network_open(kw_test_network *network, const kw_client_config *config)
{
    kw_client *client = kw_test_network_connect(network, config);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
    return client;
}

kw_status kw_test_network_read(kw_test_network *network, kw_client *client, const kw_node_id *node, kw_data_value *out)
{
    kw_data_value value;
    return kw_client_read(client, node, VALUE_ATTRIBUTE, network->world->arena, out != NULL ? out : &value);
}

kw_bytes kw_test_network_token(kw_test_network *network, const kw_client *client)
{
    assert_int_equal(client->authentication_token.kind, KW_NODE_ID_OPAQUE);
    return kw_arena_copy(network->world->arena, client->authentication_token.id.string);
}

/* --- what goes wrong --------------------------------------------------------------------------------------------------------- */

void kw_test_network_cut(kw_test_network *network)
{
    for (kw_wire *w = network->wires; w != NULL; w = w->next) {
        cut(w);
        let_go(w);
    }
}

void kw_test_network_restart(kw_test_network *network, const kw_application_identity *identity)
{
    kw_test_network_cut(network);
    kw_test_world_restart(network->world, identity);
}

bool kw_test_network_has_sent(const kw_test_network *network, kw_bytes bytes)
{
    const kw_bytes all = kw_writer_bytes(&network->sent);
    return memmem(all.data, all.len, bytes.data, bytes.len) != NULL;
}

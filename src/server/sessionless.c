/*
 * SessionlessInvoke: a service without a Session, in an envelope. Who asks is told by the access token in the request's header, or
 * by the application's certificate alone; each time anew, and nothing is kept. OPC 10000-4, 6.3.
 */
#include "base/json_text.h"
#include "base/try.h"
#include "server/server_internal.h"
#include "ua/namespaces.h"

#include <stddef.h>

#define DETAIL_MAX 4096
#define TEXT_MAX 1024
#define JWT_TOKEN_TYPE "http://opcfoundation.org/UA/UserToken#JWT"
#define BEARER_POLICY "bearer" /* names the one policy of a claim with such a token */

struct kw_sessionless {
    kw_job job; /* first */
    kw_connection *connection;
    kw_server_request *request;
    const kw_sessionless_invoke_request_type *envelope;
    uint16_t *indexes; /* the sender's NamespaceIndexes in ours; NULL: they are the same */
    size_t index_count;
    kw_identity_claim claim; /* all but the token */
    kw_bytes token;          /* null: none */
    kw_identity *identity;
    kw_status status;
    kw_refusal refusal;
    uint32_t delay_ms; /* before the answer (AS-25) */
    kw_timer delay;
};

/* --- the envelope --------------------------------------------------------------------------------------------------------- */

bool kw_sessionless_is(uint32_t message_id)
{
    /* Some write the id of the DataType in place of that of its encoding. */
    return message_id == KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE->binary_id ||
           message_id == KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE->data_type_id;
}

/* What the sender's NamespaceIndexes are here. Without a list of his own, or with a UrisVersion, they are ours. */
static kw_status take_namespaces(kw_sessionless *s, kw_arena *arena)
{
    const kw_space *space = s->connection->server->space;
    const size_t theirs = s->envelope->namespace_uris_count;
    size_t ours = 0;
    kw_space_namespaces(space, &ours);
    if (s->envelope->uris_version != 0 || theirs == 0) {
        return KW_GOOD;
    }
    s->index_count = theirs + 1 > ours ? theirs + 1 : ours; /* none of ours can be named that is not in his list */
    s->indexes = KW_ARENA_ARRAY(arena, uint16_t, s->index_count);
    for (size_t i = 1; s->indexes != NULL && i < s->index_count; i++) {
        s->indexes[i] = i <= theirs ? kw_space_namespace_find(space, s->envelope->namespace_uris[i - 1]) : UINT16_MAX;
    }
    return s->indexes != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_sessionless_open(kw_connection *connection, kw_reader *r, kw_arena *arena, const kw_service **service, kw_sessionless **out)
{
    const kw_server *server = connection->server;
    kw_sessionless *s = KW_ARENA_NEW(arena, kw_sessionless);
    kw_sessionless_invoke_request_type *envelope = KW_ARENA_NEW(arena, kw_sessionless_invoke_request_type);
    if (s == NULL || envelope == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_ua_decode(r, arena, &server->config.codec_limits, KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE, envelope));
    *service = server->config.allow_sessionless ? kw_service_find_sessionless(envelope->service_id) : NULL;
    if (*service == NULL) {
        return KW_BAD_SERVICE_UNSUPPORTED;
    }
    if (kw_channel_mode(connection->channel) != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    if (envelope->uris_version != 0 && envelope->uris_version != kw_space_uris_version(server->space)) {
        return KW_BAD_INVALID_ARGUMENT; /* the standard's Bad_VersionTimeInvalid is in none of its lists of codes */
    }
    s->connection = connection;
    s->envelope = envelope;
    KW_TRY(take_namespaces(s, arena));
    *out = s;
    return KW_GOOD;
}

kw_status kw_sessionless_encode(const kw_server_request *request, kw_writer *w)
{
    kw_sessionless_invoke_response_type envelope = {.service_id = request->base.service->response_type->data_type_id};
    if (request->sessionless->envelope->uris_version == 0) {
        size_t count = 0;
        const kw_string *uris = kw_space_namespaces(request->connection->server->space, &count);
        envelope.namespace_uris = (kw_string *)uris + 1; /* that of index 0 is not in it */
        envelope.namespace_uris_count = count - 1;
    }
    return kw_ua_encode_message(w, KW_TYPE_SESSIONLESS_INVOKE_RESPONSE_TYPE, &envelope);
}

/* --- who asks --------------------------------------------------------------------------------------------------------------- */

static bool takes_tokens(const kw_user_token_policy *policies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (policies[i].token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN) {
            return true;
        }
    }
    return false;
}

static kw_status prove(kw_sessionless *s)
{
    static const kw_user_token_policy BEARER = {.policy_id = {(const uint8_t *)BEARER_POLICY, sizeof(BEARER_POLICY) - 1},
                                                .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
                                                .issued_token_type = {(const uint8_t *)JWT_TOKEN_TYPE, sizeof(JWT_TOKEN_TYPE) - 1}};
    kw_identity_gate *gate = s->connection->server->gate;
    kw_identity_claim claim = s->claim;
    kw_user_token_policy *policies = NULL, bearer = BEARER;
    const kw_issued_identity_token token = {.policy_id = BEARER.policy_id, .token_data = s->token};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, &token);
    size_t count = 0;
    KW_TRY(kw_identity_gate_policies(gate, claim.channel_policy, claim.mode, s->request->base.arena, &policies, &count));
    claim.policies = policies;
    claim.policy_count = count;
    if (!kw_bytes_is_empty(s->token)) {
        if (!takes_tokens(policies, count)) {
            s->refusal.why = "access tokens are not taken here";
            return KW_BAD_IDENTITY_TOKEN_REJECTED;
        }
        bearer.security_policy_uri = kw_string_from(KW_POLICY_NONE.uri); /* the channel encrypts it */
        claim.token = &object;
        claim.policies = &bearer;
        claim.policy_count = 1;
        claim.is_sessionless = true;
    }
    return kw_identity_prove(gate, &claim, &s->identity, &s->refusal, &s->delay_ms);
}

static void run(kw_job *job)
{
    kw_sessionless *s = (kw_sessionless *)job;
    s->status = prove(s);
}

/* --- the answer ------------------------------------------------------------------------------------------------------------- */

static void record_refusal(const kw_sessionless *s)
{
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "service", kw_string_from(s->request->base.service->name), TEXT_MAX);
    kw_json_text_string(&w, "reason", kw_string_from(s->refusal.why), TEXT_MAX);
    kw_json_text_string(&w, "peer", s->claim.address, TEXT_MAX);
    kw_json_text_end(&w);
    const kw_audit_record record = {
        .event = KW_STRING("SessionlessInvoke"), .status = s->status, .client = s->claim.application_uri, .detail = kw_writer_bytes(&w)};
    kw_server_record(s->connection->server, &record, false);
    kw_writer_clear(&w);
}

static void go_on(kw_sessionless *s)
{
    kw_request *request = &s->request->base;
    request->identity = s->identity; /* released with the request */
    if (kw_status_is_bad(s->status)) {
        record_refusal(s);
        request->finish(request, s->status);
    } else if (s->connection->is_lost || !kw_channel_is_open(s->connection->channel)) {
        request->finish(request, KW_BAD_SECURE_CHANNEL_CLOSED); /* nobody hears it: nothing is done either */
    } else {
        request->service->handle(request);
    }
}

static void on_delay_over(kw_timer *timer)
{
    kw_sessionless *s = (kw_sessionless *)((char *)timer - offsetof(kw_sessionless, delay));
    s->request->base.give_up = NULL;
    go_on(s);
}

/* The channel is gone. */
static void give_up(kw_request *request)
{
    kw_sessionless *s = ((kw_server_request *)request)->sessionless;
    kw_timer_stop(&s->delay);
    request->give_up = NULL;
    s->status = kw_status_is_bad(s->status) ? s->status : KW_BAD_SECURE_CHANNEL_CLOSED;
    go_on(s);
}

static bool has_room(const kw_connection *connection)
{
    uint32_t waiting = 0;
    for (const kw_server_request *r = connection->requests; r != NULL; r = r->next) {
        waiting += r->base.give_up == give_up;
    }
    return waiting < connection->server->config.session_limits.max_delayed;
}

static void wait_or_go_on(kw_job *job)
{
    kw_sessionless *s = (kw_sessionless *)job;
    const kw_server_env *env = &s->connection->server->env;
    const bool is_gone = s->connection->is_lost || !kw_channel_is_open(s->connection->channel);
    if (s->delay_ms == 0 || is_gone) {
        go_on(s);
    } else if (has_room(s->connection)) {
        s->request->base.give_up = give_up;
        s->delay.fire = on_delay_over;
        kw_timer_start(env->timers, &s->delay, kw_clock_ms(env->clock) + s->delay_ms);
    } else {
        s->status = KW_BAD_TOO_MANY_OPERATIONS; /* also where the proof was good: the answer does not tell */
        s->refusal.why = "too many answers wait on this SecureChannel";
        go_on(s);
    }
}

static kw_standing standing_of(const kw_job *job)
{
    const kw_sessionless *s = (const kw_sessionless *)job;
    return kw_identity_standing(s->connection->server->gate, &s->claim);
}

/* An access token travels as the identifier of a NodeId, of namespace 0, as String or ByteString. */
static bool take_token(kw_sessionless *s, const kw_node_id *token)
{
    if (kw_node_id_is_null(token)) {
        return true;
    }
    s->token = token->id.string;
    return (token->kind == KW_NODE_ID_STRING || token->kind == KW_NODE_ID_OPAQUE) && token->ns == 0 && !kw_bytes_is_empty(s->token);
}

void kw_sessionless_start(kw_server_request *request)
{
    kw_sessionless *s = request->sessionless;
    s->request = request;
    s->claim = kw_request_claim(&request->base);
    s->job.run = run;
    s->job.done = wait_or_go_on;
    s->job.source = kw_identity_source(&s->claim);
    s->job.standing = standing_of;
    s->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    if (s->indexes != NULL) {
        kw_ua_map_namespaces(request->base.service->request_type, (void *)request->base.body, s->indexes, s->index_count);
    }
    request->base.locales = s->envelope->locale_ids;
    request->base.locale_count = s->envelope->locale_ids_count;
    kw_status status = KW_BAD_IDENTITY_TOKEN_INVALID;
    if (take_token(s, &request->base.header->authentication_token)) {
        status = kw_executor_submit(s->connection->server->env.executor, &s->job);
    }
    if (kw_status_is_bad(status)) {
        s->status = status;
        s->refusal.why = "no access token, or no room for its proof";
        go_on(s);
    }
}

#include "identity/gate.h"

#include "base/try.h"
#include "identity/identity_internal.h"
#include "identity/jwt.h"
#include "ua/codec.h"

#include <stdlib.h>

#define PROOF_ARENA ((size_t)8 << 20) /* one attempt: the claims of a token, a user's record */
#define LOCKOUT_ARENA 4096
#define UNKNOWN_TYPE ((kw_user_token_type)-1)

const kw_identity_config KW_IDENTITY_CONFIG_DEFAULT = {
    .allow_user_name = true,
    .allow_issued = true,
    .max_secret = 65536,
    .clock_skew_s = 60,
    .signing_time_window_s = 300,
    .max_used_secrets = 1000000,
    .issuer_keys = {.refresh_s = 600, .retry_s = 30, .max_age_s = 86400},
    .token_algorithms = KW_JWT_ALGORITHMS,
    .throttle = {.delay_after = 3,
                 .delay_base_ms = 250,
                 .delay_max_ms = 10000,
                 .lockout_after = 10,
                 .lockout_s = 300,
                 .window_s = 900,
                 .max_entries = 10000},
};

static const kw_token_kind *const KINDS[] = {&KW_TOKEN_ANONYMOUS, &KW_TOKEN_USER_NAME, &KW_TOKEN_X509, &KW_TOKEN_ISSUED};

#define KIND_COUNT (sizeof(KINDS) / sizeof(KINDS[0]))

const kw_token_kind *kw_token_kind_of(kw_user_token_type type)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (KINDS[i]->type == type) {
            return KINDS[i];
        }
    }
    return NULL;
}

/* The kind of a decoded token; NULL: none of ours, or not decoded. */
static const kw_token_kind *kind_of_object(const kw_extension_object *object)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (object->type != NULL && object->type == kw_type_by_data_type(KINDS[i]->data_type_id)) {
            return KINDS[i];
        }
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

/* Whoever still reads the former list may go on: it stays in the arena. */
kw_status kw_identity_gate_set_namespaces(kw_identity_gate *gate, const kw_string *namespaces, size_t count)
{
    kw_namespace_list *list = kw_arena_alloc(gate->arena, sizeof(*list) + count * sizeof(kw_string));
    if (list == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        list->uris[i] = kw_arena_copy(gate->arena, namespaces[i]);
    }
    atomic_store(&gate->namespaces, list);
    return KW_GOOD;
}

static kw_status copy_lists(kw_identity_gate *gate, const kw_identity_config *config)
{
    size_t count = 0;
    while (config->token_algorithms != NULL && config->token_algorithms[count] != NULL) {
        count++;
    }
    const char **algorithms = KW_ARENA_ARRAY(gate->arena, const char *, count + 1);
    if (algorithms == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        algorithms[i] = kw_arena_cstring(gate->arena, kw_string_from(config->token_algorithms[i]));
    }
    gate->config.token_algorithms = algorithms;
    gate->config.audience = kw_arena_copy(gate->arena, config->audience);
    return kw_identity_gate_set_namespaces(gate, config->namespaces, config->namespace_count);
}

static void warn_of_clear_secrets(const kw_identity_gate *gate)
{
    if (gate->config.allow_clear_secret_anywhere) { /* UN-08, IT-11 */
        KW_LOG(gate->log, KW_LOG_WARN, "passwords and tokens are accepted in clear on every endpoint: anybody on the network can read them",
               kw_field_text("setting", "allow_clear_secret_anywhere"));
    }
}

kw_status kw_identity_gate_new(const kw_identity_config *config, kw_store *store, const kw_clock *clock, const kw_random *random,
                               const kw_log *log, kw_identity_gate **out)
{
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    kw_identity_gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL) {
        return status;
    }
    gate->config = *config;
    gate->store = store;
    gate->clock = clock;
    gate->random = random;
    gate->log = log;
    atomic_init(&gate->user_trust, NULL);
    atomic_init(&gate->application_trust, NULL);
    gate->arena = kw_arena_new((size_t)1 << 20);
    if (gate->arena == NULL) {
        goto failed;
    }
    KW_GOTO(failed, copy_lists(gate, config));
    if (gate->config.secret_policy == NULL) {
        gate->config.secret_policy = kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
    }
    KW_GOTO(failed, kw_throttle_new(&gate->config.throttle, store, clock, log, &gate->throttle));
    KW_GOTO(failed, kw_key_source_new(&gate->config.issuer_keys, store, clock, log, &gate->keys));
    KW_GOTO(failed, kw_snapshot_cache_init(&gate->snapshots));
    warn_of_clear_secrets(gate);
    *out = gate;
    return KW_GOOD;
failed:
    kw_throttle_free(gate->throttle);
    kw_key_source_free(gate->keys);
    kw_arena_free(gate->arena);
    free(gate);
    return status;
}

void kw_identity_gate_free(kw_identity_gate *gate)
{
    if (gate != NULL) {
        kw_throttle_free(gate->throttle);
        kw_key_watch_stop(&gate->watch);
        kw_snapshot_cache_clear(&gate->snapshots);
        kw_key_source_free(gate->keys);
        kw_arena_free(gate->arena);
        free(gate);
    }
}

void kw_identity_gate_set_user_trust(kw_identity_gate *gate, kw_trust_list *user_trust)
{
    atomic_store(&gate->user_trust, user_trust);
}

void kw_identity_gate_set_application_trust(kw_identity_gate *gate, kw_trust_list *trust)
{
    atomic_store(&gate->application_trust, trust);
}

void kw_identity_gate_set_fetch(kw_identity_gate *gate, const kw_fetch *fetch)
{
    kw_key_source_set_fetch(gate->keys, fetch);
}

void kw_identity_gate_set_directory(kw_identity_gate *gate, const kw_user_directory *directory)
{
    gate->directory = directory;
}

/* --- proving ---------------------------------------------------------------------------------------------------------- */

/* AS-55, A-129, IT-19: a policy of the endpoint in use, by PolicyId and type. Anonymous may leave the id out (AS-56). */
static const kw_user_token_policy *find_policy(const kw_identity_claim *claim, kw_user_token_type type, kw_string id)
{
    const bool any = type == KW_USER_TOKEN_TYPE_ANONYMOUS && kw_bytes_is_empty(id);
    for (size_t i = 0; i < claim->policy_count; i++) {
        const kw_user_token_policy *p = &claim->policies[i];
        if (p->token_type == type && (any || kw_bytes_equal(p->policy_id, id))) {
            return p;
        }
    }
    return NULL;
}

static bool offers_anonymous(const kw_identity_claim *claim)
{
    return find_policy(claim, KW_USER_TOKEN_TYPE_ANONYMOUS, KW_BYTES_NULL) != NULL;
}

/* AS-56: a null ExtensionObject, and one without a body, means Anonymous. */
static bool is_empty_token(const kw_extension_object *token)
{
    return token == NULL || (token->type == NULL && token->encoding == KW_EXTENSION_NONE && kw_bytes_is_empty(token->body));
}

static kw_status choose_policy(kw_proof *proof, const kw_token_kind *kind, kw_string id)
{
    const kw_identity_claim *claim = proof->claim;
    if (kind->type == KW_USER_TOKEN_TYPE_ANONYMOUS && !offers_anonymous(claim)) { /* AN-03 */
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "anonymous users are not let in here");
    }
    proof->policy = find_policy(claim, kind->type, id);
    if (proof->policy == NULL) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "no UserTokenPolicy with this PolicyId and type");
    }
    const kw_string uri = proof->policy->security_policy_uri;
    proof->effective = kw_bytes_is_empty(uri) ? claim->channel_policy : kw_security_policy_by_uri(uri);
    if (proof->effective == NULL) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "unknown SecurityPolicy in the UserTokenPolicy");
    }
    return KW_GOOD;
}

static kw_status prove_token(kw_proof *proof)
{
    const kw_extension_object *object = proof->claim->token;
    const kw_token_kind *kind = is_empty_token(object) ? &KW_TOKEN_ANONYMOUS : kind_of_object(object);
    if (kind == NULL) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "no UserIdentityToken of a known kind");
    }
    const kw_user_identity_token *token = is_empty_token(object) ? NULL : object->value; /* every kind begins with the base's field */
    KW_TRY(choose_policy(proof, kind, token != NULL ? token->policy_id : KW_BYTES_NULL));
    proof->found->kind = kind->type;
    proof->found->policy_id = proof->policy->policy_id;
    KW_TRY(kind->prove(proof, token));
    return kw_roles_grant(proof);
}

/* One attempt, whole: what is to be known about every attempt (its source, its verdict) comes together here. */
static kw_status attempt(kw_proof *proof, kw_status (*run)(kw_proof *), kw_identity **out)
{
    const kw_identity_gate *gate = proof->gate;
    kw_identity found = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS, .application_uri = proof->claim->application_uri};
    kw_identity *made = NULL;
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    proof->why = "out of memory";
    proof->arena = kw_arena_new(PROOF_ARENA);
    if (proof->arena == NULL) {
        return status;
    }
    proof->found = &found;
    status = proof->uses_memory ? kw_snapshot_recall(&proof->gate->snapshots, gate->store, gate->log, &proof->snapshot)
                                : kw_snapshot_get(&proof->gate->snapshots, gate->store, gate->log, &proof->snapshot);
    if (kw_status_is_bad(status)) {
        status = kw_refuse(proof, KW_BAD_RESOURCE_UNAVAILABLE, "the store cannot be read");
        goto done;
    }
    KW_GOTO(done, run(proof));
    KW_GOTO(done, kw_proof_use_up(proof));
    KW_GOTO(done, kw_identity_make(&found, &made));
    *out = made;
done:
    if (kw_status_is_bad(status)) {
        KW_LOG(gate->log, KW_LOG_INFO, "identity refused", kw_field_status("status", status), kw_field_text("why", proof->why),
               kw_field_str("address", proof->claim->address), kw_field_str("application", proof->claim->application_uri));
    }
    if (kw_status_is_bad(status) && proof->claim->receiver_use != NULL) {
        kw_receiver_key_settle(proof->claim->receiver_use, false);
    }
    kw_certificate_release(proof->user_certificate);
    kw_certificate_release(proof->sealed.signer);
    kw_snapshot_release(proof->snapshot);
    kw_arena_free(proof->arena);
    proof->found = NULL; /* it was ours */
    return status;
}

/* --- under the counts of failed attempts ------------------------------------------------------------------------------- */

static kw_attempt attempt_of(const kw_identity_claim *claim, kw_user_token_type type, kw_string user_name)
{
    return (kw_attempt){.application_uri = claim->application_uri,
                        .thumbprint = claim->client_certificate != NULL
                                          ? kw_string_from(kw_certificate_thumbprint_hex(claim->client_certificate))
                                          : KW_BYTES_NULL,
                        .address = claim->address,
                        .user_name = user_name,
                        .kind = (int)type};
}

/* A token that proves nobody (AS-22), unlike a store that cannot be read. */
static bool is_failed_proof(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_INVALID || status == KW_BAD_IDENTITY_TOKEN_REJECTED ||
           status == KW_BAD_USER_SIGNATURE_INVALID;
}

static void report_lockout(const kw_proof *proof, const kw_attempt *who, uint32_t failures)
{
    const kw_identity_gate *gate = proof->gate;
    kw_arena *arena = kw_arena_new(LOCKOUT_ARENA);
    KW_LOG(gate->log, KW_LOG_WARN, "locked out", kw_field_str("address", who->address), kw_field_str("application", who->application_uri),
           kw_field_str("user", who->user_name), kw_field_int("failures", failures),
           kw_field_int("seconds", gate->config.throttle.lockout_s));
    if (arena != NULL) {
        const kw_audit_record record = {
            .event = KW_STRING("LockOut"),
            .source = gate->config.audience,
            .status = KW_BAD_USER_ACCESS_DENIED,
            .user = who->user_name,
            .client = kw_throttle_client_key(who, arena),
            .detail = kw_arena_format(arena, "{\"failures\":%u,\"seconds\":%u}", failures, gate->config.throttle.lockout_s)};
        const kw_status written = kw_store_audit_append(gate->store, &record);
        if (kw_status_is_bad(written)) {
            KW_LOG(gate->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", written));
        }
    }
    kw_arena_free(arena);
}

static void count_proof(kw_identity_gate *gate, int kind, unsigned result)
{
    const bool is_known = kind >= 0 && kind < KW_IDENTITY_KINDS - 1;
    atomic_fetch_add(&gate->proofs[is_known ? kind : KW_IDENTITY_KINDS - 1][result], 1);
}

static void count_verdict(const kw_proof *proof, int kind, kw_status status)
{
    const bool is_refused = is_failed_proof(status) && !proof->is_our_lack;
    count_proof(proof->gate, kind, !kw_status_is_bad(status) ? KW_PROOF_GOOD : is_refused ? KW_PROOF_REFUSED : KW_PROOF_FAILED);
}

/* AS-21 … AS-27: whoever guesses is slowed down and locked out, and an isolated failure costs nobody anything. */
static kw_status counted_attempt(kw_proof *proof, const kw_attempt *who, kw_status (*run)(kw_proof *), kw_identity **out,
                                 uint32_t *delay_ms)
{
    kw_throttle *throttle = proof->gate->throttle;
    const kw_throttle_verdict verdict = kw_throttle_check(throttle, who);
    uint32_t failures = 0;
    if (verdict.is_locked) {
        *delay_ms = 0;
        count_proof(proof->gate, who->kind, KW_PROOF_LOCKED_OUT);
        return kw_refuse(proof, KW_BAD_USER_ACCESS_DENIED, KW_IDENTITY_LOCKED_OUT);
    }
    *delay_ms = verdict.delay_ms;
    atomic_fetch_add(&proof->gate->delayed, verdict.delay_ms > 0);
    const kw_status status = attempt(proof, run, out);
    count_verdict(proof, who->kind, status);
    if (!kw_status_is_bad(status)) {
        kw_throttle_succeeded(throttle, who);
    } else if (is_failed_proof(status) && !proof->is_our_lack && kw_throttle_failed(throttle, who, &failures)) {
        atomic_fetch_add(&proof->gate->lockouts, 1);
        report_lockout(proof, who, failures);
    }
    return status;
}

/* What can be known about a token without believing it. */
static kw_attempt attempt_by_token(const kw_identity_claim *claim)
{
    const kw_token_kind *kind = is_empty_token(claim->token) ? &KW_TOKEN_ANONYMOUS : kind_of_object(claim->token);
    const kw_user_token_type type = kind != NULL ? kind->type : UNKNOWN_TYPE;
    const bool has_name = type == KW_USER_TOKEN_TYPE_USER_NAME;
    return attempt_of(claim, type, has_name ? ((const kw_user_name_identity_token *)claim->token->value)->user_name : KW_BYTES_NULL);
}

kw_status kw_identity_prove(kw_identity_gate *gate, const kw_identity_claim *claim, kw_identity **out, kw_refusal *refusal,
                            uint32_t *delay_ms)
{
    kw_proof proof = {.gate = gate, .claim = claim};
    const kw_attempt who = attempt_by_token(claim);
    uint32_t ignored = 0;
    delay_ms = delay_ms != NULL ? delay_ms : &ignored;
    *delay_ms = 0;
    const kw_status status = who.kind == KW_USER_TOKEN_TYPE_ANONYMOUS ? attempt(&proof, prove_token, out)
                                                                      : counted_attempt(&proof, &who, prove_token, out, delay_ms);
    if (who.kind == KW_USER_TOKEN_TYPE_ANONYMOUS) {
        count_verdict(&proof, who.kind, status);
    }
    if (refusal != NULL) {
        *refusal = kw_status_is_bad(status) ? (kw_refusal){proof.why, proof.certificate_verdict} : (kw_refusal){"", KW_GOOD};
    }
    return status;
}

static kw_status prove_password(kw_proof *proof)
{
    return kw_proof_check_password(proof, proof->name, proof->password);
}

kw_status kw_identity_check_password(kw_identity_gate *gate, const kw_identity_claim *claim, kw_string name, kw_bytes password,
                                     const char **why, uint32_t *delay_ms)
{
    kw_proof proof = {.gate = gate, .claim = claim, .name = name, .password = password};
    const kw_attempt who = attempt_of(claim, KW_USER_TOKEN_TYPE_USER_NAME, name);
    kw_identity *nobody = NULL; /* the password alone was asked for */
    const kw_status status = counted_attempt(&proof, &who, prove_password, &nobody, delay_ms);
    kw_identity_release(nobody);
    if (why != NULL) {
        *why = kw_status_is_bad(status) ? proof.why : "";
    }
    return status;
}

kw_standing kw_identity_standing(kw_identity_gate *gate, const kw_identity_claim *claim)
{
    const kw_attempt who = attempt_of(claim, UNKNOWN_TYPE, KW_BYTES_NULL);
    return kw_throttle_standing(gate->throttle, &who);
}

bool kw_identity_is_locked_out(kw_identity_gate *gate, const kw_identity_claim *claim)
{
    const kw_attempt who = attempt_by_token(claim);
    return who.kind != KW_USER_TOKEN_TYPE_ANONYMOUS && kw_throttle_is_locked(gate->throttle, &who);
}

bool kw_identity_still_locked_out(kw_identity_gate *gate, const kw_identity_claim *claim)
{
    const kw_attempt who = attempt_by_token(claim);
    return who.kind != KW_USER_TOKEN_TYPE_ANONYMOUS && kw_throttle_check(gate->throttle, &who).is_locked;
}

static bool believes(kw_identity_gate *gate, const kw_snapshot *snapshot, const kw_identity *identity)
{
    const kw_trusted_issuer *issuer = kw_snapshot_issuer(snapshot, identity->issuer);
    if (issuer == NULL) {
        return true; /* that is for kw_identity_review to say */
    }
    return issuer->keys != NULL && kw_jwks_has_thumbprint(issuer->keys, identity->key_thumbprint) &&
           kw_key_source_is_fresh(gate->keys, &issuer->about);
}

bool kw_identity_gate_believes(kw_identity_gate *gate, const kw_identity *identity)
{
    const kw_snapshot *snapshot = NULL;
    if (identity->kind != KW_USER_TOKEN_TYPE_ISSUED_TOKEN) {
        return true;
    }
    if (kw_status_is_bad(kw_snapshot_recall(&gate->snapshots, gate->store, gate->log, &snapshot))) {
        return true; /* it was believed a moment ago */
    }
    const bool is_believed = believes(gate, snapshot, identity);
    kw_snapshot_release(snapshot);
    return is_believed;
}

uint64_t kw_identity_source(const kw_identity_claim *claim)
{
    const kw_attempt who = attempt_of(claim, UNKNOWN_TYPE, KW_BYTES_NULL);
    return kw_throttle_source(&who);
}

static kw_status fall_back(kw_proof *proof)
{
    KW_TRY(choose_policy(proof, &KW_TOKEN_ANONYMOUS, KW_BYTES_NULL)); /* IT-16 */
    proof->found->policy_id = proof->policy->policy_id;
    proof->found->is_restricted = true; /* IT-15 */
    return kw_roles_grant(proof);
}

kw_status kw_identity_anonymous(kw_identity_gate *gate, const kw_identity_claim *claim, kw_identity **out)
{
    kw_proof proof = {.gate = gate, .claim = claim, .uses_memory = true};
    return attempt(&proof, fall_back, out);
}

kw_status kw_identity_gate_refresh(kw_identity_gate *gate, uint64_t *version)
{
    const kw_snapshot *snapshot = NULL;
    const kw_status status = kw_snapshot_get(&gate->snapshots, gate->store, gate->log, &snapshot);
    atomic_store(&gate->store_status, kw_status_is_bad(status) || kw_store_is_there(gate->store) ? status : KW_BAD_NOT_FOUND);
    KW_TRY(status);
    *version = snapshot->version;
    kw_snapshot_release(snapshot);
    return KW_GOOD;
}

kw_status kw_identity_gate_store_status(const kw_identity_gate *gate)
{
    return atomic_load(&gate->store_status);
}

void kw_identity_gate_counts(const kw_identity_gate *gate, kw_identity_counts *out)
{
    for (size_t kind = 0; kind < KW_IDENTITY_KINDS; kind++) {
        for (size_t result = 0; result < KW_PROOF_RESULTS; result++) {
            out->proofs[kind][result] = atomic_load(&gate->proofs[kind][result]);
        }
    }
    out->delayed = atomic_load(&gate->delayed);
    out->lockouts = atomic_load(&gate->lockouts);
}

kw_status kw_identity_gate_recall(kw_identity_gate *gate, const kw_snapshot **out)
{
    return kw_snapshot_recall(&gate->snapshots, gate->store, gate->log, out);
}

kw_status kw_identity_redact(const kw_extension_object *token, kw_arena *arena, kw_extension_object *out)
{
    const kw_token_kind *kind = is_empty_token(token) ? NULL : kind_of_object(token);
    if (kind == NULL) { /* unknown content may be a secret too */
        *out = (kw_extension_object){.encoding = KW_EXTENSION_NONE};
        return KW_GOOD;
    }
    void *copy = kw_arena_alloc(arena, token->type->size);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_ua_copy(arena, token->type, token->value, copy));
    if (kind->redact != NULL) {
        kind->redact(copy);
    }
    *out = kw_extension_object_of(token->type, copy);
    return KW_GOOD;
}

#include "identity/throttle.h"

#include "base/address.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/throttle_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI_MAX 256
#define USER_NAME_MAX 256
#define DOUBLINGS_MAX 16
#define SUSPECT_AFTER 3 /* failures, whether or not they delay anybody: a slip or two makes nobody a suspect (AS-27) */

/* --- life ------------------------------------------------------------------------------------------------------------- */

kw_lockout_rule kw_throttle_rule(const kw_throttle_config *config)
{
    const uint32_t least = config->delay_after + DOUBLINGS_MAX / 2;
    const uint32_t most = config->lockout_after != 0 && config->lockout_after > least ? config->lockout_after : least;
    const uint32_t in_window = config->lockout_after != 0 ? config->lockout_after : most;
    return (kw_lockout_rule){.fade = (int64_t)config->window_s * KW_TICKS_PER_S / in_window, .most = most, .max_rows = config->max_entries};
}

kw_status kw_throttle_new(const kw_throttle_config *config, kw_store *store, const kw_clock *clock, const kw_log *log, kw_throttle **out)
{
    kw_throttle *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->config = *config;
    t->rule = kw_throttle_rule(config);
    t->store = store;
    t->clock = clock;
    t->log = log;
    t->overflow = calloc(1, sizeof(*t->overflow));
    bool complete = t->overflow != NULL;
    for (int i = 0; i < KW_COUNT_TABLES; i++) {
        complete = kw_count_table_init(&t->tables[i], config->max_entries) && complete;
    }
    if (!complete || pthread_mutex_init(&t->lock, NULL) != 0) {
        for (int i = 0; i < KW_COUNT_TABLES; i++) {
            kw_map_free(t->tables[i].map);
        }
        free(t->overflow);
        free(t);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = t;
    return KW_GOOD;
}

void kw_throttle_free(kw_throttle *t)
{
    if (t == NULL) {
        return;
    }
    kw_throttle_synchronize(t, KW_THROTTLE_WRITE_NOW);
    kw_throttle_forget_all(t);
    for (int i = 0; i < KW_COUNT_TABLES; i++) {
        kw_map_free(t->tables[i].map);
    }
    pthread_mutex_destroy(&t->lock);
    free(t->overflow);
    free(t);
}

/* --- who -------------------------------------------------------------------------------------------------------------- */

typedef struct count_key {
    char text[KW_COUNT_KEY_MAX + 1];
    kw_string key;
} count_key;

/* As much of it as fits; its characters stay whole, and what is no text is left out: the thumbprint tells Clients apart. */
static kw_string shown_uri(kw_string uri)
{
    size_t len = uri.len < URI_MAX ? uri.len : URI_MAX;
    while (len > 0 && len < uri.len && (uri.data[len] & 0xC0) == 0x80) {
        len--;
    }
    const kw_string shown = {uri.data, len};
    return kw_utf8_is_valid(shown, false) ? shown : KW_STRING("");
}

/* AS-24. An ApplicationUri alone would let others with a certificate of their own lock out whom they name. */
static void name_client(const kw_attempt *who, count_key *out)
{
    char group[KW_ADDRESS_GROUP_MAX];
    if (who->thumbprint.len > 0) {
        snprintf(out->text, sizeof(out->text), "client:%.*s#%.*s", KW_STRING_ARGS(shown_uri(who->application_uri)),
                 KW_STRING_ARGS(who->thumbprint));
    } else {
        const kw_string from = kw_address_group(who->address, group);
        snprintf(out->text, sizeof(out->text), "address:%s", from.len > 0 ? group : "unknown");
    }
    out->key = kw_string_from(out->text);
}

/* Unusable names are refused elsewhere, and not worth a counter. */
static bool name_user(const kw_attempt *who, count_key *out)
{
    if (who->user_name.len == 0 || who->user_name.len > USER_NAME_MAX || !kw_utf8_is_valid(who->user_name, false)) {
        return false;
    }
    snprintf(out->text, sizeof(out->text), "user:%.*s", KW_STRING_ARGS(who->user_name));
    out->key = kw_string_from(out->text);
    return true;
}

kw_string kw_throttle_client_key(const kw_attempt *who, kw_arena *arena)
{
    count_key client;
    name_client(who, &client);
    return kw_arena_copy(arena, client.key);
}

static kw_count_table *client_table(kw_throttle *t, const kw_attempt *who)
{
    return &t->tables[who->thumbprint.len > 0 ? KW_COUNT_CLIENTS : KW_COUNT_ADDRESSES];
}

/* What the attempt was about, in few bytes. */
typedef struct subject {
    uint64_t hash;
    uint8_t pair[32]; /* with the Client */
} subject;

static kw_status subject_of(const kw_attempt *who, const count_key *client, subject *out)
{
    uint8_t digest[32];
    const uint8_t kind = (uint8_t)who->kind;
    const kw_bytes alone[] = {{&kind, 1}, who->user_name};
    const kw_bytes both[] = {client->key, {(const uint8_t *)"", 1}, {&kind, 1}, who->user_name};
    KW_TRY(kw_hash_of(KW_HASH_SHA256, alone, 2, digest));
    KW_TRY(kw_hash_of(KW_HASH_SHA256, both, 4, out->pair));
    memcpy(&out->hash, digest, sizeof(out->hash));
    return KW_GOOD;
}

/* --- before ----------------------------------------------------------------------------------------------------------- */

static uint32_t delay_of(const kw_throttle *t, const kw_count *c)
{
    const kw_throttle_config *config = &t->config;
    const uint32_t failures = c != NULL ? kw_count_failures(c) : 0;
    if (config->delay_after == 0 || failures < config->delay_after) { /* AS-27: isolated failures cost nobody anything */
        return 0;
    }
    uint32_t doublings = failures - config->delay_after;
    doublings = doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX;
    const uint64_t delay = (uint64_t)config->delay_base_ms << doublings; /* AS-26 */
    return delay < config->delay_max_ms ? (uint32_t)delay : config->delay_max_ms;
}

static uint32_t longer(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Where nothing more can be remembered, newcomers share what was counted for all of them. */
static const kw_count *find_or_overflow(kw_throttle *t, kw_count_table *table, kw_string key, uint64_t now)
{
    kw_count *c = kw_throttle_find(t, table, key, now);
    if (c == NULL && t->overflow->failures > 0) {
        kw_throttle_fade(t, t->overflow, now);
        return table->harmless.oldest == NULL && table->count >= table->max ? t->overflow : NULL;
    }
    return c;
}

/* A name that others guess at: only who comes from where this user never was has to wait for it. */
static uint32_t delay_of_user(kw_throttle *t, const kw_attempt *who, const count_key *client, uint64_t now)
{
    count_key user;
    subject about;
    if (!name_user(who, &user) || kw_status_is_bad(subject_of(who, client, &about))) {
        return 0;
    }
    const bool is_familiar = kw_map_get(t->tables[KW_COUNT_FAMILIAR].map, (kw_bytes){about.pair, sizeof(about.pair)}) != NULL;
    return is_familiar ? 0 : delay_of(t, find_or_overflow(t, &t->tables[KW_COUNT_USERS], user.key, now));
}

kw_throttle_verdict kw_throttle_check(kw_throttle *t, const kw_attempt *who)
{
    count_key client;
    kw_throttle_synchronize(t, KW_THROTTLE_READ);
    name_client(who, &client);
    const uint64_t now = kw_clock_ms(t->clock);
    pthread_mutex_lock(&t->lock);
    const kw_count *c = find_or_overflow(t, client_table(t, who), client.key, now);
    const kw_throttle_verdict verdict = {.is_locked = c != NULL && c->locked_until > now,
                                         .delay_ms = longer(delay_of(t, c), delay_of_user(t, who, &client, now))};
    pthread_mutex_unlock(&t->lock);
    return verdict;
}

kw_standing kw_throttle_standing(kw_throttle *t, const kw_attempt *who)
{
    const uint32_t delay_after = t->config.delay_after;
    const uint32_t after = delay_after != 0 && delay_after < SUSPECT_AFTER ? delay_after : SUSPECT_AFTER;
    count_key client;
    name_client(who, &client);
    const uint64_t now = kw_clock_ms(t->clock);
    pthread_mutex_lock(&t->lock);
    const kw_count *c = kw_throttle_find(t, client_table(t, who), client.key, now);
    const bool is_suspect = c != NULL && (c->locked_until > now || kw_count_failures(c) >= after);
    const bool is_known = kw_map_get(t->tables[KW_COUNT_FAMILIAR].map, client.key) != NULL;
    pthread_mutex_unlock(&t->lock);
    return is_suspect ? KW_STANDING_SUSPECT : is_known ? KW_STANDING_KNOWN : KW_STANDING_UNKNOWN;
}

bool kw_throttle_is_locked(kw_throttle *t, const kw_attempt *who)
{
    count_key client;
    name_client(who, &client);
    const uint64_t now = kw_clock_ms(t->clock);
    pthread_mutex_lock(&t->lock);
    const kw_count *c = kw_throttle_find(t, client_table(t, who), client.key, now);
    const bool is_locked = c != NULL && c->locked_until > now && kw_throttle_has_read(t, now);
    pthread_mutex_unlock(&t->lock);
    return is_locked;
}

/* FNV-1a. */
uint64_t kw_throttle_source(const kw_attempt *who)
{
    count_key client;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    name_client(who, &client);
    for (size_t i = 0; i < client.key.len; i++) {
        hash = (hash ^ client.key.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash != 0 ? hash : 1;
}

/* --- after ------------------------------------------------------------------------------------------------------------ */

/* How much came to it: thousandths, less than one failure where no more are counted. */
static uint32_t add(kw_throttle *t, kw_count_table *table, kw_count *c, uint64_t now)
{
    const uint32_t most = t->rule.most * KW_LOCKOUT_ONE;
    const uint32_t more = c->failures + KW_LOCKOUT_ONE < most ? KW_LOCKOUT_ONE : most - c->failures;
    c->failures += more;
    c->unsent += more;
    kw_throttle_changed(t, table, c, now);
    return more;
}

/* The same subject, else the one with the least to forgive: what is pushed out just fades. */
static void note_subject(kw_count *c, uint64_t hash, uint32_t failures)
{
    kw_count_subject *place = &c->subjects[0];
    for (size_t i = 0; i < KW_COUNT_SUBJECTS; i++) {
        kw_count_subject *s = &c->subjects[i];
        if (s->failures > 0 && s->hash == hash) {
            s->failures += failures;
            return;
        }
        place = s->failures < place->failures ? s : place;
    }
    *place = (kw_count_subject){hash, failures};
}

static bool begin_lockout(const kw_throttle *t, kw_count *c, uint64_t now)
{
    if (t->config.lockout_after == 0 || c == t->overflow || c->locked_until > now || kw_count_failures(c) < t->config.lockout_after) {
        return false;
    }
    c->locked_until = now + (uint64_t)t->config.lockout_s * 1000; /* AS-23 */
    return true;
}

static bool count_failure(kw_throttle *t, const kw_attempt *who, const count_key *client, const subject *about, uint32_t *failures)
{
    const uint64_t now = kw_clock_ms(t->clock);
    count_key user;
    kw_count_table *table = client_table(t, who);
    kw_count *c = kw_throttle_need(t, table, client->key, now);
    const uint32_t more = add(t, table, c, now);
    if (about != NULL) {
        note_subject(c, about->hash, more);
    }
    const bool began = begin_lockout(t, c, now);
    kw_throttle_changed(t, table, c, now);
    *failures = kw_count_failures(c);
    if (name_user(who, &user)) {
        kw_count_table *users = &t->tables[KW_COUNT_USERS];
        add(t, users, kw_throttle_need(t, users, user.key, now), now);
    }
    return began;
}

bool kw_throttle_failed(kw_throttle *t, const kw_attempt *who, uint32_t *failures)
{
    count_key client;
    subject about;
    name_client(who, &client);
    const bool has_subject = !kw_status_is_bad(subject_of(who, &client, &about));
    pthread_mutex_lock(&t->lock);
    const bool began = count_failure(t, who, &client, has_subject ? &about : NULL, failures);
    pthread_mutex_unlock(&t->lock);
    kw_throttle_synchronize(t, began ? KW_THROTTLE_WRITE_NOW : KW_THROTTLE_WRITE);
    return began;
}

/* Thousandths that this Client failed at with this subject; forgotten by that. */
static uint32_t take_subject(kw_count *c, uint64_t hash)
{
    for (size_t i = 0; i < KW_COUNT_SUBJECTS; i++) {
        if (c->subjects[i].failures > 0 && c->subjects[i].hash == hash) {
            const uint32_t failures = c->subjects[i].failures;
            c->subjects[i].failures = 0;
            return failures < c->failures ? failures : c->failures;
        }
    }
    return 0;
}

static void forgive(kw_throttle *t, kw_count_table *table, kw_count *c, uint32_t failures, uint64_t now)
{
    const uint32_t less = failures < c->failures ? failures : c->failures;
    c->failures -= less;
    c->unsent -= less;
    kw_throttle_changed(t, table, c, now);
}

void kw_throttle_succeeded(kw_throttle *t, const kw_attempt *who)
{
    count_key client, user;
    subject about;
    name_client(who, &client);
    if (kw_status_is_bad(subject_of(who, &client, &about))) {
        return;
    }
    const uint64_t now = kw_clock_ms(t->clock);
    kw_count_table *table = client_table(t, who), *users = &t->tables[KW_COUNT_USERS], *familiar = &t->tables[KW_COUNT_FAMILIAR];
    pthread_mutex_lock(&t->lock);
    const bool has_name = name_user(who, &user);
    kw_count *c = kw_throttle_find(t, table, client.key, now);
    const uint32_t failures = c != NULL ? take_subject(c, about.hash) : 0;
    if (failures > 0) {
        forgive(t, table, c, failures, now);
        kw_count *of_user = has_name ? kw_throttle_find(t, users, user.key, now) : NULL;
        if (of_user != NULL) {
            forgive(t, users, of_user, failures, now);
        }
    }
    kw_throttle_changed(t, familiar, kw_throttle_need(t, familiar, client.key, now), now);
    if (has_name) {
        kw_throttle_changed(t, familiar, kw_throttle_need(t, familiar, (kw_bytes){about.pair, sizeof(about.pair)}, now), now);
    }
    pthread_mutex_unlock(&t->lock);
}

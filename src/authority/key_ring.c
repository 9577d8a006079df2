/* Making signing keys, and ending them. */
#include "authority/authority_internal.h"
#include "base/json_text.h"
#include "base/try.h"
#include "ua/text.h"

#define RING_ARENA ((size_t)16 << 20)
#define RSA_BITS 2048
#define DETAIL_MAX 1024
#define CERTIFICATE_DAYS 730
#define TICKS_PER_DAY (INT64_C(86400) * KW_TICKS_PER_S)

void kw_keys_wipe(kw_signing_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
    }
}

/* --- one key ------------------------------------------------------------------------------------------------------------------- */

static kw_status make_pair(const kw_key_ring *ring, kw_arena *arena, kw_private_key **key, kw_certificate **certificate)
{
    if (!kw_jwt_is_allowed(KW_JWT_ALGORITHMS, ring->alg)) {
        return KW_BAD_NOT_SUPPORTED;
    }
    const int64_t now = kw_clock_utc(ring->clock);
    const kw_certificate_request request = {.application_uri = kw_arena_cstring(arena, ring->service_uri),
                                            .common_name = "Keyway tokens",
                                            .not_before = now - TICKS_PER_DAY / 24,
                                            .not_after = now + CERTIFICATE_DAYS * TICKS_PER_DAY};
    KW_TRY(kw_private_key_generate(kw_jose_key_type(ring->alg), RSA_BITS, key));
    return kw_certificate_create(&request, *key, ring->random, certificate);
}

static kw_status fill_row(const kw_key_ring *ring, const kw_private_key *key, const kw_certificate *certificate, kw_arena *arena,
                          kw_signing_key *out)
{
    kw_secret pem = KW_SECRET_NONE;
    *out = (kw_signing_key){.id = kw_arena_copy(arena, kw_string_from(kw_certificate_thumbprint_hex(certificate))),
                            .alg = ring->alg,
                            .certificate = kw_arena_copy(arena, kw_certificate_der(certificate)),
                            .not_before = kw_certificate_not_before(certificate),
                            .not_after = kw_certificate_not_after(certificate)};
    KW_TRY(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem));
    kw_status status = kw_key_close(ring, out, kw_secret_bytes(&pem), arena, &out->private_key);
    if (out->private_key.data == pem.data) {
        out->private_key = kw_arena_copy(arena, out->private_key);
    }
    kw_secret_clear(&pem);
    if (!kw_status_is_bad(status) && (out->id.data == NULL || out->certificate.data == NULL || out->private_key.data == NULL)) {
        status = KW_BAD_OUT_OF_MEMORY;
    }
    return status;
}

/* How long after the end of a key its tokens may be good: RT-27, a resource may have its own lifetime. */
static kw_status longest(const kw_key_ring *ring, kw_arena *arena, int64_t *ticks)
{
    kw_resource *resources = NULL;
    size_t count = 0;
    uint32_t seconds = ring->lifetime_s;
    KW_TRY(kw_store_resource_list(ring->store, arena, &resources, &count));
    for (size_t i = 0; i < count; i++) {
        seconds = resources[i].token_lifetime_s > seconds ? resources[i].token_lifetime_s : seconds;
    }
    *ticks = ((int64_t)seconds + ring->late_s) * KW_TICKS_PER_S;
    return KW_GOOD;
}

/* Not in a store whose keys this node cannot open: another secret would come to those that the others know. */
static kw_status make_key(const kw_key_ring *ring, int64_t signs_from, kw_arena *arena, kw_signing_key *out)
{
    kw_private_key *key = NULL;
    kw_certificate *certificate = NULL;
    kw_status status;
    KW_GOTO(done, kw_key_ring_check(ring));
    KW_GOTO(done, make_pair(ring, arena, &key, &certificate));
    KW_GOTO(done, fill_row(ring, key, certificate, arena, out));
    KW_GOTO(done, longest(ring, arena, &out->kept_for));
    out->signs_from = signs_from;
done:
    kw_private_key_release(key);
    kw_certificate_release(certificate);
    return status;
}

/* --- the keys as they are ---------------------------------------------------------------------------------------------------------- */

typedef struct ring_view {
    kw_signing_key *keys;
    size_t count;
    int64_t now;
} ring_view;

static kw_status look(const kw_key_ring *ring, kw_arena *arena, ring_view *out)
{
    out->now = kw_clock_utc(ring->clock);
    return kw_store_key_list(ring->store, arena, &out->keys, &out->count);
}

/* The last one of those to come, NULL: none. */
static const kw_signing_key *next_of(const ring_view *view)
{
    const bool is_there = view->count > 0 && kw_key_life_of(view->keys, view->count, 0, view->now).state == KW_KEY_NEXT;
    return is_there ? &view->keys[0] : NULL;
}

static kw_string newest_of(const ring_view *view)
{
    return view->keys != NULL && view->count > 0 ? view->keys[0].id : KW_BYTES_NULL;
}

/* --- what is told about it ------------------------------------------------------------------------------------------------------- */

/* `from` 0: does not matter. */
static kw_status tell(const kw_key_ring *ring, const char *event, const kw_signing_key *key, int64_t from, kw_arena *arena)
{
    uint8_t buffer[DETAIL_MAX];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "key", key->id, DETAIL_MAX / 4);
    kw_json_text_string(&w, "algorithm", key->alg, DETAIL_MAX / 8);
    kw_json_text_string(&w, "signsFrom", from != 0 ? kw_date_time_format(arena, from) : KW_BYTES_NULL, DETAIL_MAX / 8);
    kw_json_text_end(&w);
    KW_TRY(kw_writer_status(&w));
    const kw_audit_record record = {
        .event = kw_string_from(event), .source = ring->service_uri, .status = KW_GOOD, .detail = kw_writer_bytes(&w)};
    return kw_store_audit_append(ring->store, &record);
}

static kw_status add_key(const kw_key_ring *ring, const ring_view *view, int64_t signs_from, kw_arena *arena, kw_string *id)
{
    kw_signing_key row = {.alg = KW_BYTES_NULL};
    const kw_string newest = newest_of(view);
    kw_status status = make_key(ring, signs_from, arena, &row);
    if (!kw_status_is_bad(status)) {
        status = kw_store_key_add(ring->store, &row, &newest);
    }
    kw_wipe((void *)row.private_key.data, row.private_key.len);
    *id = row.id;
    return kw_status_is_bad(status) ? status : tell(ring, "SigningKeyMade", &row, signs_from, arena);
}

static kw_status remove_key(const kw_key_ring *ring, const kw_signing_key *key, kw_arena *arena)
{
    KW_TRY(kw_store_key_remove(ring->store, key->id));
    return tell(ring, "SigningKeyRemoved", key, 0, arena);
}

/* Whatever went wrong, and be it the trail: keys that are there by now are published. */
static kw_status publish_after(const kw_key_ring *ring, kw_status status)
{
    const kw_status published = kw_keys_publish(ring);
    return kw_status_is_bad(status) ? status : published;
}

/* --- rotate ---------------------------------------------------------------------------------------------------------------------- */

static kw_status start_at_once(const kw_key_ring *ring, ring_view *view, kw_arena *arena, kw_string *id)
{
    const kw_signing_key *next = next_of(view);
    if (next != NULL && kw_bytes_equal(next->alg, ring->alg)) {
        *id = next->id;
        KW_TRY(kw_store_key_start(ring->store, next->id, view->now));
        return tell(ring, "SigningKeyStarted", next, view->now, arena);
    }
    if (next != NULL) { /* it has signed nothing, and is not wanted any more */
        KW_TRY(remove_key(ring, next, arena));
        kw_keys_wipe(view->keys, 1);
        view->keys++;
        view->count--;
    }
    return add_key(ring, view, view->now, arena, id);
}

static kw_status rotate(const kw_key_ring *ring, bool at_once, kw_arena *arena, kw_string *id)
{
    ring_view view;
    KW_TRY(look(ring, arena, &view));
    const bool is_needed_now = kw_key_active(view.keys, view.count, view.now) == NULL;
    kw_status status = KW_BAD_INVALID_STATE;
    if (at_once || is_needed_now) {
        status = start_at_once(ring, &view, arena, id);
    } else if (next_of(&view) == NULL) {
        status = add_key(ring, &view, view.now + ring->overlap, arena, id);
    }
    kw_keys_wipe(view.keys, view.count);
    return status;
}

kw_status kw_key_ring_rotate(const kw_key_ring *ring, bool at_once, kw_arena *arena, kw_string *id)
{
    const kw_status status = rotate(ring, at_once, arena, id);
    return publish_after(ring, status);
}

/* --- revoke ---------------------------------------------------------------------------------------------------------------------- */

static kw_status tell_revoked(const kw_key_ring *ring, const ring_view *view, kw_string id, const kw_signing_key *fresh, kw_arena *arena)
{
    for (size_t i = 0; view->keys != NULL && i < view->count; i++) {
        if (kw_bytes_equal(view->keys[i].id, id)) {
            KW_TRY(tell(ring, "SigningKeyRevoked", &view->keys[i], 0, arena));
        }
    }
    return fresh != NULL ? tell(ring, "SigningKeyMade", fresh, view->now, arena) : KW_GOOD;
}

static kw_status revoke(const kw_key_ring *ring, kw_string id, kw_arena *arena, kw_status *replaced)
{
    ring_view view;
    kw_signing_key fresh = {.alg = KW_BYTES_NULL};
    bool is_fresh = false;
    *replaced = KW_GOOD;
    KW_TRY(look(ring, arena, &view));
    const kw_signing_key *active = kw_key_active(view.keys, view.count, view.now);
    if (active != NULL && kw_bytes_equal(active->id, id) && next_of(&view) == NULL) {
        *replaced = make_key(ring, view.now, arena, &fresh); /* its failure is no reason to let the other one live */
        is_fresh = !kw_status_is_bad(*replaced);
    }
    kw_status status = kw_store_key_revoke(ring->store, id, view.now, is_fresh ? &fresh : NULL);
    if (!kw_status_is_bad(status)) {
        status = tell_revoked(ring, &view, id, is_fresh ? &fresh : NULL, arena);
    }
    kw_wipe((void *)fresh.private_key.data, fresh.private_key.len);
    kw_keys_wipe(view.keys, view.count);
    return status;
}

kw_status kw_key_ring_revoke(const kw_key_ring *ring, kw_string id, kw_status *replaced)
{
    kw_arena *arena = kw_arena_new(RING_ARENA);
    const kw_status status = arena != NULL ? revoke(ring, id, arena, replaced) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return publish_after(ring, status);
}

/* --- by the clock ------------------------------------------------------------------------------------------------------------------ */

/* Another node may have done the same a moment ago. */
static kw_status unless_done(kw_status status)
{
    return status == KW_BAD_NOT_FOUND || status == KW_BAD_INVALID_STATE ? KW_GOOD : status;
}

static kw_status end_old_ones(const kw_key_ring *ring, const ring_view *view, int64_t keep, kw_arena *arena)
{
    for (size_t i = 0; i < view->count; i++) {
        const kw_key_life life = kw_key_life_of(view->keys, view->count, i, view->now);
        const bool signs = life.state == KW_KEY_NEXT || life.state == KW_KEY_ACTIVE;
        if (signs && view->keys[i].kept_for < keep) {
            KW_TRY(unless_done(kw_store_key_keep(ring->store, view->keys[i].id, keep)));
        } else if (!signs && view->now >= life.gone_from) {
            KW_TRY(unless_done(remove_key(ring, &view->keys[i], arena)));
        }
    }
    return KW_GOOD;
}

static kw_status make_due(const kw_key_ring *ring, const ring_view *view, kw_arena *arena)
{
    const kw_signing_key *active = kw_key_active(view->keys, view->count, view->now);
    kw_string id;
    if (active == NULL) {
        return unless_done(add_key(ring, view, view->now, arena, &id));
    }
    if (ring->rotation == 0 || next_of(view) != NULL || view->now < active->signs_from + ring->rotation - ring->overlap) {
        return KW_GOOD;
    }
    const int64_t end = active->signs_from + ring->rotation, soonest = view->now + ring->overlap;
    return unless_done(add_key(ring, view, end > soonest ? end : soonest, arena, &id));
}

static kw_status look_after(const kw_key_ring *ring, kw_arena *arena)
{
    ring_view view;
    int64_t keep = 0;
    size_t resealed = 0;
    KW_TRY(longest(ring, arena, &keep));
    KW_TRY(look(ring, arena, &view));
    kw_status status = make_due(ring, &view, arena);
    if (!kw_status_is_bad(status)) {
        status = end_old_ones(ring, &view, keep, arena);
    }
    kw_keys_wipe(view.keys, view.count);
    if (!kw_status_is_bad(status) && ring->safe != NULL) {
        status = kw_key_ring_reseal(ring, &resealed);
    }
    return status;
}

kw_status kw_key_ring_look_after(const kw_key_ring *ring)
{
    kw_arena *arena = kw_arena_new(RING_ARENA);
    const kw_status status = arena != NULL ? look_after(ring, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return publish_after(ring, status);
}

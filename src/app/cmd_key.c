/* keyway key: the keys that sign access tokens. */
#include "app/key_file.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "identity/jwt.h"
#include "ua/text.h"

#include <stdio.h>
#include <string.h>

static const char *const STATES[] = {"next", "active", "retired", "revoked"};

/* --- list ----------------------------------------------------------------------------------------------------------------------- */

static kw_string time_text(kw_arena *arena, int64_t time)
{
    return time != 0 ? kw_date_time_format(arena, time) : KW_STRING("-");
}

static json_t *time_json(kw_arena *arena, int64_t time)
{
    return time != 0 ? kw_json_string(kw_date_time_format(arena, time)) : json_null();
}

static json_t *key_json(kw_directory *d, const kw_signing_key *key, const kw_key_life *life)
{
    return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b}", "id", kw_json_string(key->id), "alg", kw_json_string(key->alg), "state",
                     STATES[life->state], "signsFrom", time_json(d->arena, key->signs_from), "signsUntil",
                     time_json(d->arena, life->signs_until), "goneFrom", time_json(d->arena, life->gone_from), "revoked",
                     time_json(d->arena, key->revoked), "sealed", kw_is_sealed(key->private_key));
}

static void key_row(kw_directory *d, const kw_signing_key *key, const kw_key_life *life, kw_table *table)
{
    kw_table_cell_string(table, key->id);
    kw_table_cell_string(table, key->alg);
    kw_table_cell(table, STATES[life->state]);
    kw_table_cell_string(table, time_text(d->arena, key->signs_from));
    kw_table_cell_string(table, time_text(d->arena, life->signs_until));
    kw_table_cell_string(table, time_text(d->arena, life->gone_from));
}

static int key_list(kw_directory *d, bool json)
{
    kw_signing_key *keys;
    size_t count;
    const kw_status status = kw_store_key_list(d->store, d->arena, &keys, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the signing keys could not be read");
    }
    const int64_t now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    json_t *array = json_array();
    kw_table *table =
        json ? NULL : kw_table_new((const char *const[]){"KEY", "ALGORITHM", "STATE", "SIGNS FROM", "SIGNS UNTIL", "VERIFIES UNTIL"}, 6);
    for (size_t i = 0; i < count; i++) {
        const kw_key_life life = kw_key_life_of(keys, count, i, now);
        if (json) {
            json_array_append_new(array, key_json(d, &keys[i], &life));
        } else {
            key_row(d, &keys[i], &life, table);
        }
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

/* --- changes ---------------------------------------------------------------------------------------------------------------------- */

static int say_rotated(kw_directory *d, kw_string id, int64_t from, bool json)
{
    const int64_t now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    const kw_string when = kw_date_time_format(d->arena, from);
    if (json) {
        return kw_print_json(json_pack("{s:o,s:o}", "id", kw_json_string(id), "signsFrom", kw_json_string(when)));
    }
    if (from <= now) {
        printf("key %.*s signs from now on; tokens of the former ones stay good until they expire\n", KW_STRING_ARGS(id));
    } else {
        printf("key %.*s is published; it signs from %.*s on\n", KW_STRING_ARGS(id), KW_STRING_ARGS(when));
    }
    return KW_EXIT_DONE;
}

/* `alg` NULL: that of the configuration. */
static int key_rotate(kw_directory *d, const kw_own_keys *own, const char *alg, bool at_once, bool json)
{
    kw_string id;
    kw_signing_key *keys;
    size_t count;
    const int code = kw_own_keys_check(own);
    if (code >= 0) {
        return code;
    }
    kw_key_ring ring = own->ring;
    ring.alg = alg != NULL ? kw_string_from(alg) : ring.alg;
    kw_status status = kw_key_ring_rotate(&ring, at_once, d->arena, &id);
    if (status == KW_BAD_INVALID_STATE) {
        return kw_fail(status, "there is a next key already; `keyway key list` shows it, `keyway key rotate --now` uses it at once");
    }
    if (!kw_status_is_bad(status)) {
        status = kw_store_key_list(d->store, d->arena, &keys, &count);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "a new signing key could not be made");
    }
    int64_t from = 0;
    for (size_t i = 0; i < count; i++) {
        from = kw_bytes_equal(keys[i].id, id) ? keys[i].signs_from : from;
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
    }
    return say_rotated(d, id, from, json);
}

static int key_revoke(const kw_own_keys *own, const char *id, bool json)
{
    kw_status replaced = KW_GOOD;
    const kw_status status = kw_key_ring_revoke(&own->ring, kw_string_from(id), &replaced);
    if (status == KW_BAD_NOT_FOUND) {
        return kw_fail(status, "there is no key %s that could be revoked; `keyway key list` shows them", id);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "key %s could not be revoked", id);
    }
    if (kw_status_is_bad(replaced)) {
        return kw_fail(replaced, "key %s is revoked, and no key signs now: a running `keyway authority` makes one within a minute", id);
    }
    if (json) {
        return kw_print_json(json_pack("{s:s,s:s}", "id", id, "state", "revoked"));
    }
    printf("key %s is revoked; no token of it is good any more\n", id);
    return KW_EXIT_DONE;
}

/* --- rewrap --------------------------------------------------------------------------------------------------------------------- */

typedef struct sealing {
    bool keep;     /* with the first key of the file, whichever it is */
    bool as_it_is; /* the new key is not wrapped by a token */
} sealing;

static kw_status rewrap(kw_own_keys *own, sealing how, size_t *count)
{
    kw_status status = KW_GOOD;
    if (!how.keep) {
        status = kw_key_file_put_first(&own->file, own->file.token != NULL && !how.as_it_is);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_key_ring_reseal(&own->ring, count);
    }
    if (!kw_status_is_bad(status) && !how.keep) {
        status = kw_key_file_keep_first(&own->file);
    }
    return status;
}

static int key_rewrap(kw_own_keys *own, sealing how, bool json)
{
    size_t count = 0;
    if (own->file.path == NULL) {
        return kw_fail(KW_BAD_CONFIGURATION_ERROR, "authority.key_file is not set; without it signing keys are not sealed");
    }
    if (own->file.is_credential && !how.keep) {
        return kw_fail(KW_BAD_NOT_WRITABLE, "a credential is not written here; put a new key into its first line, then use --keep-file");
    }
    const int code = kw_own_keys_check(own);
    if (code >= 0) {
        return code;
    }
    const kw_status status = rewrap(own, how, &count);
    if (kw_status_is_bad(status) && own->file.token != NULL) {
        return kw_key_file_fail(status, &own->file);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s: the signing keys could not be sealed anew; nothing is lost, try again", own->file.path);
    }
    if (json) {
        return kw_print_json(json_pack("{s:s,s:I}", "file", own->file.path, "keys", (json_int_t)count));
    }
    printf("%zu signing key%s sealed with the %s key of %s\n", count, count == 1 ? " is" : "s are", how.keep ? "first" : "new",
           own->file.path);
    return KW_EXIT_DONE;
}

/* --- words ---------------------------------------------------------------------------------------------------------------------- */

typedef struct key_words {
    const char *word, *id, *alg;
    bool at_once, keep, as_it_is, json;
} key_words;

static int change(kw_directory *d, const key_words *w)
{
    kw_own_keys own;
    const bool is_revoke = strcmp(w->word, "revoke") == 0;
    int code = kw_own_keys_init(d, &own);
    if (code < 0 || is_revoke) { /* that must not wait for a key that is elsewhere */
        code = is_revoke                        ? key_revoke(&own, w->id, w->json)
               : strcmp(w->word, "rotate") == 0 ? key_rotate(d, &own, w->alg, w->at_once, w->json)
                                                : key_rewrap(&own, (sealing){w->keep, w->as_it_is}, w->json);
    }
    kw_own_keys_clear(&own);
    return code;
}

static int check_words(const kw_command *self, const kw_option_list *words, const key_words *w)
{
    static const char *const WORDS[] = {"list", "rotate", "revoke", "rewrap"};
    bool is_known = false;
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        is_known = is_known || strcmp(w->word, WORDS[i]) == 0;
    }
    if (!is_known) {
        return kw_usage_error(self, "unknown word '%s'; use list, rotate, revoke or rewrap", w->word);
    }
    const bool is_revoke = strcmp(w->word, "revoke") == 0;
    if (is_revoke && words->count < 2) {
        return kw_usage_error(self, "the key is missing; `keyway key list` shows them");
    }
    if (!kw_options_arguments(self, words, 1, is_revoke ? 2 : 1)) {
        return KW_EXIT_USAGE;
    }
    if (w->at_once && strcmp(w->word, "rotate") != 0) {
        return kw_usage_error(self, "--now goes with rotate");
    }
    if (w->alg != NULL && strcmp(w->word, "rotate") != 0) {
        return kw_usage_error(self, "--alg goes with rotate");
    }
    if (w->alg != NULL && !kw_jwt_is_allowed(KW_JWT_ALGORITHMS, kw_string_from(w->alg))) {
        return kw_usage_error(self, "'%s' is not supported; use RS256, PS256, ES256, ES384 or EdDSA", w->alg);
    }
    if (w->keep && strcmp(w->word, "rewrap") != 0) {
        return kw_usage_error(self, "--keep-file goes with rewrap");
    }
    if (w->as_it_is && (w->keep || strcmp(w->word, "rewrap") != 0)) {
        return kw_usage_error(self, "--without-token goes with rewrap, and not with --keep-file");
    }
    return -1;
}

int kw_cmd_key(const kw_command *self, int argc, char **argv)
{
    const char *directory = NULL;
    key_words w = {.word = NULL};
    kw_option_list words;
    const kw_option table[] = {{"directory", 'd', KW_OPTION_TEXT, &directory, 0, 0},
                               {"now", 0, KW_OPTION_FLAG, &w.at_once, 0, 0},
                               {"alg", 0, KW_OPTION_TEXT, &w.alg, 0, 0},
                               {"keep-file", 0, KW_OPTION_FLAG, &w.keep, 0, 0},
                               {"without-token", 0, KW_OPTION_FLAG, &w.as_it_is, 0, 0},
                               {"json", 0, KW_OPTION_FLAG, &w.json, 0, 0}};
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (words.count == 0) {
        return kw_usage_error(self, "what is to be done is missing; use list, rotate, revoke or rewrap");
    }
    if (!kw_options_arguments(self, &words, 1, 2)) {
        return KW_EXIT_USAGE;
    }
    w.word = words.items[0];
    w.id = words.count > 1 ? words.items[1] : NULL;
    code = check_words(self, &words, &w);
    if (code >= 0) {
        return code;
    }
    kw_directory d;
    code = kw_directory_open(self, directory, &d);
    if (code >= 0) {
        return code;
    }
    code = strcmp(w.word, "list") == 0 ? key_list(&d, w.json) : change(&d, &w);
    return kw_directory_end(&d, argc, argv, w.word, code);
}

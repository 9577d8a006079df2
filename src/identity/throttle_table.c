#include "identity/throttle_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- lists ------------------------------------------------------------------------------------------------------------ */

static void list_remove(kw_count_list *list, kw_count *c)
{
    *(c->prev != NULL ? &c->prev->next : &list->oldest) = c->next;
    *(c->next != NULL ? &c->next->prev : &list->newest) = c->prev;
    c->prev = c->next = NULL;
}

static void list_append(kw_count_list *list, kw_count *c)
{
    c->prev = list->newest;
    c->next = NULL;
    *(list->newest != NULL ? &list->newest->next : &list->oldest) = c;
    list->newest = c;
}

static kw_count_list *list_of(kw_count_table *table, const kw_count *c)
{
    return c->is_notable ? &table->notable : &table->harmless;
}

static void mark_dirty(kw_throttle *t, kw_count *c)
{
    if (!c->is_dirty) {
        c->is_dirty = true;
        c->dirty_prev = t->dirty_last;
        c->dirty_next = NULL;
        *(t->dirty_last != NULL ? &t->dirty_last->dirty_next : &t->dirty_first) = c;
        t->dirty_last = c;
    }
}

void kw_throttle_clean(kw_throttle *t, kw_count *c)
{
    if (c->is_dirty) {
        c->is_dirty = false;
        *(c->dirty_prev != NULL ? &c->dirty_prev->dirty_next : &t->dirty_first) = c->dirty_next;
        *(c->dirty_next != NULL ? &c->dirty_next->dirty_prev : &t->dirty_last) = c->dirty_prev;
        c->dirty_prev = c->dirty_next = NULL;
    }
}

/* --- counts ----------------------------------------------------------------------------------------------------------- */

uint32_t kw_count_failures(const kw_count *c)
{
    return (c->failures + KW_LOCKOUT_ONE - 1) / KW_LOCKOUT_ONE;
}

/* Subjects fade with the whole, or somebody could fail at his own name first, wait, and have other failures forgiven for it. */
static void fade_subjects(kw_count *c, uint32_t before)
{
    for (size_t i = 0; i < KW_COUNT_SUBJECTS; i++) {
        kw_count_subject *s = &c->subjects[i];
        s->failures = before > 0 ? (uint32_t)((uint64_t)s->failures * c->failures / before) : 0;
    }
}

void kw_throttle_fade(const kw_throttle *t, kw_count *c, uint64_t now)
{
    if (now <= c->as_of) {
        return;
    }
    const uint64_t elapsed = now - c->as_of;
    const uint32_t before = c->failures;
    c->failures = kw_lockout_left(before, elapsed < INT32_MAX ? (int64_t)elapsed * KW_TICKS_PER_MS : INT64_MAX, t->rule.fade);
    c->as_of = now;
    if (c->failures != before) {
        fade_subjects(c, before);
        c->unsent = c->unsent < c->failures ? c->unsent : c->failures;
    }
}

static bool is_locked(const kw_count *c, uint64_t now)
{
    return c->locked_until > now;
}

static bool deserves_notice(const kw_throttle *t, const kw_count *c, uint64_t now)
{
    const uint32_t threshold = t->config.delay_after != 0 ? t->config.delay_after : t->config.lockout_after;
    return is_locked(c, now) || (threshold != 0 && kw_count_failures(c) >= threshold);
}

void kw_throttle_changed(kw_throttle *t, kw_count_table *table, kw_count *c, uint64_t now)
{
    if (c == t->overflow) {
        return;
    }
    list_remove(list_of(table, c), c);
    c->is_notable = deserves_notice(t, c, now);
    list_append(list_of(table, c), c);
    if ((c->is_notable && c->unsent != 0) || (c->is_stored && c->unsent != 0)) {
        mark_dirty(t, c);
    }
}

/* --- the table -------------------------------------------------------------------------------------------------------- */

bool kw_count_table_init(kw_count_table *table, size_t max)
{
    *table = (kw_count_table){.map = kw_map_new(), .max = max > 0 ? max : 1};
    return table->map != NULL;
}

kw_count_table *kw_throttle_table_of(kw_throttle *t, kw_string key)
{
    static const struct {
        const char *prefix;
        int table;
    } KINDS[] = {{"client:", KW_COUNT_CLIENTS}, {"address:", KW_COUNT_ADDRESSES}, {"user:", KW_COUNT_USERS}};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        const size_t len = strlen(KINDS[i].prefix);
        if (key.len > len && key.len <= KW_COUNT_KEY_MAX && memcmp(key.data, KINDS[i].prefix, len) == 0) {
            return &t->tables[KINDS[i].table];
        }
    }
    return NULL;
}

static void drop(kw_throttle *t, kw_count_table *table, kw_count *c)
{
    kw_throttle_clean(t, c);
    list_remove(list_of(table, c), c);
    kw_map_remove(table->map, (kw_bytes){c->key, c->key_len});
    table->count--;
    free(c);
}

void kw_throttle_forget_all(kw_throttle *t)
{
    for (int i = 0; i < KW_COUNT_TABLES; i++) {
        kw_count_table *table = &t->tables[i];
        while (table->harmless.oldest != NULL) {
            drop(t, table, table->harmless.oldest); /* NOLINT(clang-analyzer-unix.Malloc): it is out of the list */
        }
        while (table->notable.oldest != NULL) {
            drop(t, table, table->notable.oldest); /* NOLINT(clang-analyzer-unix.Malloc) */
        }
    }
    t->overflow->failures = 0;
}

/* Attack A-134: made-up names and addresses push out each other, not those who are known for guessing. */
static kw_count *victim(kw_throttle *t, kw_count_table *table, uint64_t now)
{
    if (table->harmless.oldest != NULL) {
        return table->harmless.oldest;
    }
    for (kw_count *c = table->notable.oldest; c != NULL; c = c->next) {
        kw_throttle_fade(t, c, now);
        if (!is_locked(c, now)) {
            return c;
        }
    }
    return NULL;
}

static bool make_room(kw_throttle *t, kw_count_table *table, uint64_t now)
{
    if (table->count < table->max) {
        return true;
    }
    kw_count *c = victim(t, table, now);
    if (c != NULL) {
        drop(t, table, c);
    }
    return c != NULL;
}

kw_count *kw_throttle_find(kw_throttle *t, kw_count_table *table, kw_string key, uint64_t now)
{
    kw_count *c = kw_map_get(table->map, key);
    if (c != NULL) {
        kw_throttle_fade(t, c, now);
    }
    return c;
}

kw_count *kw_throttle_need(kw_throttle *t, kw_count_table *table, kw_string key, uint64_t now)
{
    kw_count *c = kw_throttle_find(t, table, key, now);
    if (c != NULL) {
        return c;
    }
    c = make_room(t, table, now) ? calloc(1, sizeof(*c) + key.len) : NULL;
    if (c == NULL || kw_status_is_bad(kw_map_put(table->map, key, c, NULL))) {
        free(c);
        kw_throttle_fade(t, t->overflow, now);
        return t->overflow;
    }
    c->as_of = now;
    c->known = t->seen;
    c->key_len = key.len;
    memcpy(c->key, key.data, key.len);
    table->count++;
    list_append(&table->harmless, c);
    return c;
}

/* Listing the audit trail, and proving that it is whole. */
#include "base/try.h"
#include "store/audit.h"
#include "store/rows.h"

#include <string.h>

#define BATCH 1000

typedef kw_string (*text_reader)(kw_statement *q, int index, kw_arena *arena);

static kw_string borrow(kw_statement *q, int index, kw_arena *arena)
{
    (void)arena;
    return kw_column_borrow(q, index);
}

static void read_with(text_reader text, kw_statement *q, kw_arena *arena, kw_audit_record *r)
{
    *r = (kw_audit_record){.sequence = (uint64_t)kw_column_int(q, 0),
                           .time = kw_column_int(q, 1),
                           .event = text(q, 2, arena),
                           .source = text(q, 3, arena),
                           .status = (kw_status)kw_column_int(q, 4),
                           .user = text(q, 5, arena),
                           .client = text(q, 6, arena),
                           .detail = text(q, 7, arena)};
    const kw_bytes hash = kw_column_borrow(q, 8);
    if (hash.len == KW_AUDIT_HASH_LEN) { /* anything else is no hash and stays zero, which fits no record */
        memcpy(r->hash, hash.data, KW_AUDIT_HASH_LEN);
    }
}

static kw_status select_after(kw_sql *sql, int64_t after, int64_t max, kw_statement **out)
{
    KW_STATEMENT(q, sql, "SELECT " KW_AUDIT_COLUMNS " FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?");
    kw_bind_int(q, 1, after);
    kw_bind_int(q, 2, max);
    *out = q;
    return KW_GOOD;
}

/* --- listing ---------------------------------------------------------------------------------------------------------- */

static void copy_row(kw_statement *q, kw_arena *arena, void *row)
{
    read_with(kw_column_text, q, arena, row);
}

static int64_t clamp(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static kw_status list(kw_sql *sql, uint64_t after, size_t max, kw_arena *arena, kw_audit_record **out, size_t *count)
{
    kw_statement *q = NULL;
    KW_TRY(select_after(sql, clamp(after), clamp(max), &q));
    return kw_rows_read(q, arena, sizeof(kw_audit_record), copy_row, (void **)out, count);
}

kw_status kw_store_audit_list(kw_store *s, uint64_t after, size_t max, kw_arena *arena, kw_audit_record **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, after, max, arena, out, count));
    }
    return t.status;
}

/* --- proving ---------------------------------------------------------------------------------------------------------- */

typedef struct chain {
    kw_audit_head end; /* of what holds together so far */
    size_t walked;     /* rows of this batch */
} chain;

static kw_status follow(chain *c, kw_statement *q)
{
    kw_audit_record r;
    uint8_t expected[KW_AUDIT_HASH_LEN];
    read_with(borrow, q, NULL, &r);
    KW_TRY(kw_statement_status(q));
    KW_TRY(kw_audit_hash(c->end.hash, &r, expected));
    if (r.sequence != c->end.sequence + 1 || memcmp(expected, r.hash, KW_AUDIT_HASH_LEN) != 0) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    c->end.sequence = r.sequence;
    memcpy(c->end.hash, expected, KW_AUDIT_HASH_LEN);
    c->walked++;
    return KW_GOOD;
}

static kw_status follow_batch(chain *c, kw_sql *sql)
{
    kw_statement *q = NULL;
    /* A record before the first one is no record of ours: begin where the numbers begin. */
    const int64_t after = c->end.sequence == 0 ? INT64_MIN : (int64_t)c->end.sequence;
    c->walked = 0;
    KW_TRY(select_after(sql, after, BATCH, &q));
    kw_status status = kw_step(q);
    while (status == KW_GOOD) {
        status = follow(c, q);
        if (!kw_status_is_bad(status)) {
            status = kw_step(q);
        }
    }
    kw_statement_done(q);
    return kw_status_is_bad(status) ? status : KW_GOOD;
}

/* Where the chain ends, the head must point. */
static kw_status compare(const chain *c, const kw_audit_head *head, uint64_t *first_bad)
{
    if (c->end.sequence == head->sequence && memcmp(c->end.hash, head->hash, KW_AUDIT_HASH_LEN) == 0) {
        return KW_GOOD;
    }
    const uint64_t common = c->end.sequence < head->sequence ? c->end.sequence : head->sequence;
    const bool is_longer_or_shorter = c->end.sequence != head->sequence;
    *first_bad = is_longer_or_shorter ? common + 1 : common;
    return KW_BAD_SECURITY_CHECKS_FAILED;
}

/* The head is read in the transaction that reads the last rows: others may append while we walk. */
static kw_status walk_batch(const chain *former, chain *c, kw_sql *sql, uint64_t *first_bad)
{
    kw_audit_head head;
    *c = *former;
    const kw_status status = follow_batch(c, sql);
    *first_bad = c->end.sequence + 1;
    KW_TRY(status);
    if (c->walked == BATCH) {
        return KW_GOOD;
    }
    KW_TRY(kw_audit_head_read(sql, &head));
    return compare(c, &head, first_bad);
}

static kw_status walk(kw_store *s, chain *c, uint64_t *first_bad)
{
    const chain former = *c;
    kw_turn t = kw_turn_of(s, KW_TURN_READ);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, walk_batch(&former, c, t.sql, first_bad));
    }
    return t.status;
}

kw_status kw_store_audit_verify(kw_store *s, uint64_t *count, uint64_t *first_bad)
{
    chain c = {.walked = BATCH};
    uint64_t bad = 1;
    kw_status status = KW_GOOD;
    while (!kw_status_is_bad(status) && c.walked == BATCH) { /* others look things up between two batches */
        status = walk(s, &c, &bad);
    }
    const bool is_bad = kw_status_is_bad(status);
    *count = is_bad ? bad - 1 : c.end.sequence;
    *first_bad = is_bad ? bad : 0;
    return status;
}

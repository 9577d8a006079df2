#include "base/try.h"
#include "store/audit.h"

#include <openssl/evp.h>
#include <string.h>

typedef struct digest {
    EVP_MD_CTX *ctx;
    bool is_good;
} digest;

static void put_raw(digest *d, const void *data, size_t len)
{
    d->is_good = d->is_good && EVP_DigestUpdate(d->ctx, data, len) == 1;
}

/* Little-endian, the same on every machine that shares the store. */
static void put_number(digest *d, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    put_raw(d, bytes, sizeof(bytes));
}

/* With its length: what belongs to one field cannot move to the next. Null is not empty. */
static void put_field(digest *d, kw_bytes field)
{
    put_number(d, field.data == NULL ? UINT64_MAX : field.len);
    put_raw(d, field.data, field.len);
}

kw_status kw_audit_hash(const uint8_t former[KW_AUDIT_HASH_LEN], const kw_audit_record *r, uint8_t out[KW_AUDIT_HASH_LEN])
{
    digest d = {.ctx = EVP_MD_CTX_new()};
    if (d.ctx == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    d.is_good = EVP_DigestInit_ex(d.ctx, EVP_sha256(), NULL) == 1;
    put_raw(&d, former, KW_AUDIT_HASH_LEN);
    put_number(&d, r->sequence);
    put_number(&d, (uint64_t)r->time);
    put_number(&d, r->status);
    put_field(&d, r->event);
    put_field(&d, r->source);
    put_field(&d, r->user);
    put_field(&d, r->client);
    put_field(&d, r->detail);
    d.is_good = d.is_good && EVP_DigestFinal_ex(d.ctx, out, NULL) == 1;
    EVP_MD_CTX_free(d.ctx);
    return d.is_good ? KW_GOOD : KW_BAD_INTERNAL_ERROR;
}

static kw_status take_head(kw_statement *q, kw_audit_head *out)
{
    const kw_bytes hash = kw_column_borrow(q, 1);
    *out = (kw_audit_head){.sequence = (uint64_t)kw_column_int(q, 0)};
    if (out->sequence == 0) {
        return KW_GOOD;
    }
    if (out->sequence > INT64_MAX || hash.len != KW_AUDIT_HASH_LEN) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    memcpy(out->hash, hash.data, KW_AUDIT_HASH_LEN);
    return KW_GOOD;
}

kw_status kw_audit_head_read(kw_sql *sql, kw_audit_head *out)
{
    KW_STATEMENT(q, sql, "SELECT sequence, hash FROM audit_head WHERE id = 1");
    kw_status status = kw_step(q);
    if (status == KW_GOOD) {
        status = take_head(q, out);
    } else if (status == KW_GOOD_NO_DATA) {
        status = KW_BAD_SECURITY_CHECKS_FAILED;
    }
    kw_statement_done(q);
    return status;
}

kw_status kw_audit_head_write(kw_sql *sql, const kw_audit_head *head)
{
    KW_STATEMENT(q, sql, "UPDATE audit_head SET sequence = ?, hash = ? WHERE id = 1");
    kw_bind_int(q, 1, (int64_t)head->sequence);
    kw_bind_blob(q, 2, (kw_bytes){head->hash, KW_AUDIT_HASH_LEN});
    return kw_run(q);
}

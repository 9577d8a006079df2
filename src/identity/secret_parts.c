/* What both kinds of EncryptedSecret have in common: the header, and the payload before it is encrypted. OPC 10000-4, 7.40.2.3. */
#include "base/secret.h"
#include "base/try.h"
#include "identity/secret_internal.h"

#define BLOCK 16u       /* of every cipher of every SecurityPolicy; what needs no blocks is padded all the same */
#define PADDING_MAX 31u /* at most one block more than needed, for very short secrets */
#define LENIENT_S 3600  /* ES-13: Clients with bad clocks, where a nonce protects anyway */
#define OUTER_BYTE 15u  /* KW_ENDING_UINT16_OR_MORE: a whole block of these */

const char *const KW_SECRET_UNTIMELY = "secret: SigningTime";
const char *const KW_SECRET_MISSIGNED = "secret: not signed with the key of its Certificate";

/* --- the header --------------------------------------------------------------------------------------------------------- */

/* ES-13, RT-16, RT-17 */
static bool is_timely(const kw_secret_open *how, int64_t signed_at)
{
    const int64_t window = (int64_t)how->window_s * KW_TICKS_PER_S, lenient = (int64_t)LENIENT_S * KW_TICKS_PER_S;
    const int64_t past = how->nonce.data != NULL && window < lenient ? lenient : window;
    return signed_at >= how->now - past && signed_at <= how->now + window;
}

const char *kw_secret_read_header(const kw_secret_open *how, uint32_t type, kw_reader *r, kw_bytes *certificate, kw_secret_facts *facts)
{
    if (kw_secret_read_prefix(r) != type) {
        return "secret: type";
    }
    const kw_string uri = kw_read_bytes(r);
    *certificate = kw_read_bytes(r);
    const int64_t signed_at = kw_read_i64(r);
    if (kw_status_is_bad(kw_reader_status(r))) {
        return "secret: header";
    }
    if (!kw_string_equals(uri, how->policy->uri)) { /* ES-02 */
        return "secret: other SecurityPolicy";
    }
    if (!is_timely(how, signed_at)) {
        return KW_SECRET_UNTIMELY;
    }
    facts->signing_time = signed_at;
    return NULL;
}

size_t kw_secret_header_len(const kw_seal *what, kw_bytes certificate)
{
    return 4 + kw_string_from(what->policy->uri).len + 4 + certificate.len + 8;
}

void kw_secret_write_header(kw_writer *w, const kw_seal *what, uint16_t type, size_t body, kw_bytes certificate)
{
    kw_write_u8(w, 1); /* a four-byte NodeId in namespace 0 */
    kw_write_u8(w, 0);
    kw_write_u16(w, type);
    kw_write_u8(w, 1);
    kw_write_u32(w, (uint32_t)body);
    kw_write_bytes(w, kw_string_from(what->policy->uri));
    kw_write_bytes(w, certificate);
    kw_write_i64(w, what->now);
}

/* --- the payload -------------------------------------------------------------------------------------------------------- */

bool kw_secret_is_filled(kw_bytes bytes, uint8_t with)
{
    uint8_t differs = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        differs |= (uint8_t)(bytes.data[i] ^ with);
    }
    return differs == 0;
}

/* ES-05. What stands after Nonce and Secret: n bytes of value n, then n itself, as UInt16 or as Byte. */
static bool is_padding(kw_bytes rest, size_t size_field)
{
    if (rest.len < size_field || rest.len - size_field > PADDING_MAX) {
        return false;
    }
    const uint8_t n = (uint8_t)(rest.len - size_field);
    const bool high_byte = size_field == 1 || rest.data[rest.len - 1] == 0;
    return high_byte && kw_secret_is_filled((kw_bytes){rest.data, n + 1u}, n);
}

static bool is_ending(kw_bytes rest, kw_secret_ending ending)
{
    if (ending == KW_ENDING_BYTE) {
        return is_padding(rest, 1);
    }
    const bool has_more = ending == KW_ENDING_UINT16_OR_MORE && rest.len >= BLOCK + 2 &&
                          kw_secret_is_filled((kw_bytes){rest.data + rest.len - BLOCK, BLOCK}, OUTER_BYTE);
    return is_padding(has_more ? (kw_bytes){rest.data, rest.len - BLOCK} : rest, 2);
}

static bool nonce_fits(kw_bytes expected, kw_bytes nonce)
{
    if (expected.data == NULL) {
        return nonce.len >= KW_SECRET_NONCE_MIN && nonce.len <= KW_SECRET_NONCE_MAX;
    }
    return expected.len >= KW_SECRET_NONCE_MIN && kw_secret_equal(nonce, expected); /* */
}

const char *kw_secret_take_payload(const kw_secret_open *how, kw_bytes payload, kw_secret_ending ending, kw_secret *secret)
{
    kw_reader r = kw_reader_of(payload);
    const kw_bytes nonce = kw_read_bytes(&r);
    const kw_bytes inside = kw_read_bytes(&r);
    if (kw_status_is_bad(kw_reader_status(&r))) {
        return "secret: payload";
    }
    if (!is_ending(kw_read_raw(&r, kw_reader_left(&r)), ending)) {
        return "secret: padding";
    }
    if (!nonce_fits(how->nonce, nonce)) {
        return "secret: stale nonce";
    }
    if (inside.len > how->max_len) {
        return "secret too long";
    }
    return kw_status_is_bad(kw_secret_copy(secret, inside)) ? "out of memory" : NULL;
}

static size_t size_field_of(kw_secret_ending ending)
{
    return ending == KW_ENDING_BYTE ? 1 : 2;
}

static size_t padding_of(const kw_seal *what, kw_secret_ending ending)
{
    const size_t content = 4 + what->nonce.len + 4 + what->secret.len + size_field_of(ending);
    const size_t n = (BLOCK - content % BLOCK) % BLOCK;
    return ending != KW_ENDING_BYTE && n + what->secret.len < BLOCK ? n + BLOCK : n; /* hide how short a very short secret is */
}

kw_status kw_secret_make_payload(const kw_seal *what, kw_secret_ending ending, kw_secret *out)
{
    const size_t n = padding_of(what, ending);
    const size_t more = ending == KW_ENDING_UINT16_OR_MORE ? BLOCK : 0;
    kw_writer w;
    KW_TRY(kw_secret_init(out, 4 + what->nonce.len + 4 + what->secret.len + n + size_field_of(ending) + more));
    kw_writer_init_fixed(&w, out->data, out->len);
    kw_write_bytes(&w, what->nonce);
    kw_write_bytes(&w, what->secret); /* a null one travels as length −1, with nothing behind it */
    for (size_t i = 0; i < n; i++) {
        kw_write_u8(&w, (uint8_t)n);
    }
    if (ending == KW_ENDING_BYTE) {
        kw_write_u8(&w, (uint8_t)n);
    } else {
        kw_write_u16(&w, (uint16_t)n);
    }
    for (size_t i = 0; i < more; i++) {
        kw_write_u8(&w, OUTER_BYTE);
    }
    const kw_status status = kw_writer_status(&w);
    if (kw_status_is_bad(status)) {
        kw_secret_clear(out);
    }
    return status;
}

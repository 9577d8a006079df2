#include "http/client.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/secret.h"
#include "base/try.h"
#include "http/address.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define REDIRECTS_MAX 3u
#define URL_MAX 4096u

const kw_http_rules KW_HTTP_RULES_DEFAULT = {.max_size = (size_t)1 << 20};

/* One GET, redirects included; or one POST. */
typedef struct http_get {
    const kw_http_rules *rules;
    kw_bytes ca;
    const kw_fetch_form *form; /* NULL: nothing is posted */
    kw_arena *arena;
    uint64_t deadline;
    const char *url;    /* of this hop */
    bool is_plain;      /* http://, this hop */
    bool was_elsewhere; /* a hop led to another machine */
    bool is_on_loopback;
    kw_writer content;
    const char *refused; /* why no socket was opened, or no more was read */
    kw_status refusal;
    char error[CURL_ERROR_SIZE];
} http_get;

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static kw_status refuse(const char **why, kw_status status, const char *reason)
{
    *why = reason;
    return status;
}

/* --- the URL ------------------------------------------------------------------------------------------------------------- */

static kw_status parse_url(const char *url, CURLU *parsed, bool *is_plain, const char **why)
{
    char *scheme = NULL;
    const CURLUcode code = curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER);
    if (code == CURLUE_USER_NOT_ALLOWED) {
        return refuse(why, KW_BAD_INVALID_ARGUMENT, "a name or a password in a URL ends up in logs, and is not sent");
    }
    if (code != CURLUE_OK || curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        return refuse(why, KW_BAD_INVALID_ARGUMENT, "that is not a URL");
    }
    *is_plain = strcmp(scheme, "http") == 0;
    const bool is_known = *is_plain || strcmp(scheme, "https") == 0;
    curl_free(scheme);
    return is_known ? KW_GOOD : refuse(why, KW_BAD_INVALID_ARGUMENT, "only https:// is fetched");
}

static kw_status check_url(const char *url, bool *is_plain, const char **why)
{
    CURLU *parsed = curl_url();
    if (parsed == NULL) {
        return refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    const kw_status status = parse_url(url, parsed, is_plain, why);
    curl_url_cleanup(parsed);
    return status;
}

/* --- what libcurl asks ----------------------------------------------------------------------------------------------------- */

static curl_socket_t refuse_socket(http_get *get, const char *why)
{
    get->refused = why;
    get->refusal = KW_BAD_REQUEST_NOT_ALLOWED;
    return CURL_SOCKET_BAD;
}

/* The address itself is judged, whatever the name resolved to a moment ago. */
static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    http_get *get = ctx;
    const kw_address_kind kind = kw_address_kind_of(&address->addr, (socklen_t)address->addrlen);
    const bool is_loopback = kind == KW_ADDRESS_LOOPBACK;
    (void)purpose;
    if (kind == KW_ADDRESS_UNUSABLE || (kind == KW_ADDRESS_LINK_LOCAL && !get->rules->allow_link_local)) {
        return refuse_socket(get, "its address is link-local, of a metadata service, or of no single machine");
    }
    if (is_loopback && get->was_elsewhere) {
        return refuse_socket(get, "another machine redirects to this one");
    }
    if (get->is_plain && !is_loopback && !get->rules->allow_plain) {
        return refuse_socket(get, "http:// is fetched from this machine only; use https://");
    }
    get->is_on_loopback = is_loopback;
    get->refused = NULL;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_content(char *data, size_t size, size_t count, void *ctx)
{
    http_get *get = ctx;
    kw_write_raw(&get->content, (kw_bytes){(const uint8_t *)data, size * count});
    if (kw_writer_status(&get->content) == KW_GOOD) {
        return size * count;
    }
    get->refused = "the content is too large";
    get->refusal = KW_BAD_RESPONSE_TOO_LARGE;
    return 0;
}

/* --- one hop --------------------------------------------------------------------------------------------------------------- */

static bool set_protection(CURL *curl, const http_get *get)
{
    bool is_set = curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK && /* not that of the environment */
                  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) == CURLE_OK &&
                  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, get) == CURLE_OK;
    if (get->ca.data != NULL) { /* this authority and no other */
        struct curl_blob blob = {(void *)(uintptr_t)get->ca.data, get->ca.len, CURL_BLOB_COPY};
        is_set = is_set && curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    return is_set;
}

static bool set_request(CURL *curl, http_get *get)
{
    const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
    const long left = get->deadline > now ? (long)(get->deadline - now) : 1;
    return curl_easy_setopt(curl, CURLOPT_URL, get->url) == CURLE_OK && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "keyway") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, get->error) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_content) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, get) == CURLE_OK;
}

/* The header lines go to *lines, to be freed after the request. */
static bool set_form(CURL *curl, const http_get *get, struct curl_slist **lines)
{
    const kw_fetch_form *form = get->form;
    *lines = curl_slist_append(NULL, "Accept: application/json");
    if (*lines == NULL) {
        return false;
    }
    if (form->authorization.len > 0) {
        kw_writer line;
        kw_writer_init(&line, URL_MAX * 2);
        kw_write_raw(&line, KW_STRING("Authorization: "));
        kw_write_raw(&line, form->authorization);
        kw_write_u8(&line, 0);
        struct curl_slist *more = kw_writer_status(&line) == KW_GOOD ? curl_slist_append(*lines, (const char *)line.data) : NULL;
        kw_writer_wipe(&line);
        if (more == NULL) {
            return false;
        }
    }
    return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *lines) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)form->content.len) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form->content.data) == CURLE_OK; /* borrowed */
}

static void forget_lines(struct curl_slist *lines)
{
    for (struct curl_slist *line = lines; line != NULL; line = line->next) {
        kw_wipe(line->data, strlen(line->data));
    }
    curl_slist_free_all(lines);
}

static kw_status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return KW_BAD_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return KW_BAD_OUT_OF_MEMORY;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return KW_BAD_SECURITY_CHECKS_FAILED;
    default:
        return KW_BAD_COMMUNICATION_ERROR;
    }
}

static kw_status explain(const http_get *get, CURLcode code, const char **why)
{
    if (get->refused != NULL) {
        return refuse(why, get->refusal, get->refused);
    }
    const kw_string text = kw_arena_format(get->arena, "%s", get->error[0] != '\0' ? get->error : curl_easy_strerror(code));
    return refuse(why, status_of(code), text.data != NULL ? (const char *)text.data : "out of memory");
}

/* Good with *next set: a redirect. */
static kw_status take_answer(CURL *curl, const http_get *get, const char **next, const char **why)
{
    long code = 0;
    char *location = NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
    *next = NULL;
    if (code == 200) {
        return KW_GOOD;
    }
    if (location != NULL && strlen(location) <= URL_MAX) {
        *next = kw_arena_cstring(get->arena, kw_string_from(location));
        return *next != NULL ? KW_GOOD : refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    const kw_string text = kw_arena_format(get->arena, "the answer was HTTP %ld", code);
    return refuse(why, code == 404 || code == 410 ? KW_BAD_NOT_FOUND : KW_BAD_COMMUNICATION_ERROR,
                  text.data != NULL ? (const char *)text.data : "out of memory");
}

static kw_status hop(http_get *get, const char **next, const char **why)
{
    KW_TRY(check_url(get->url, &get->is_plain, why));
    CURL *curl = curl_easy_init();
    kw_status status;
    kw_writer_reset(&get->content);
    get->error[0] = '\0';
    get->refused = NULL;
    if (curl != NULL && set_request(curl, get) && set_protection(curl, get)) {
        const CURLcode code = curl_easy_perform(curl);
        status = code == CURLE_OK ? take_answer(curl, get, next, why) : explain(get, code, why);
    } else {
        status = refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    curl_easy_cleanup(curl);
    get->was_elsewhere = get->was_elsewhere || !get->is_on_loopback;
    return status;
}

/* --- all of it --------------------------------------------------------------------------------------------------------------- */

static kw_status follow(http_get *get, const char **why)
{
    const char *next = NULL;
    KW_TRY(hop(get, &next, why));
    for (unsigned i = 0; next != NULL; i++) {
        if (i == REDIRECTS_MAX) {
            return refuse(why, KW_BAD_COMMUNICATION_ERROR, "it redirects too often");
        }
        if (strncmp(next, "https://", 8) != 0) {
            return refuse(why, KW_BAD_REQUEST_NOT_ALLOWED, "it redirects to something else than https://");
        }
        get->url = next;
        KW_TRY(hop(get, &next, why));
    }
    return KW_GOOD;
}

static kw_status begin(http_get *get, kw_string url, uint32_t timeout_ms, const char **why)
{
    if (url.len == 0 || url.len > URL_MAX || !kw_utf8_is_valid(url, false)) {
        return refuse(why, KW_BAD_INVALID_ARGUMENT, "that is not a URL");
    }
    get->url = kw_arena_cstring(get->arena, url);
    if (get->url == NULL || pthread_once(&curl_once, start_curl) != 0) {
        return refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    get->deadline = kw_clock_ms(&KW_CLOCK_SYSTEM) + timeout_ms;
    kw_writer_init(&get->content, get->rules->max_size);
    return KW_GOOD;
}

static kw_status take_content(const http_get *get, kw_bytes *out, const char **why)
{
    *out = kw_arena_copy(get->arena, get->content.len > 0 ? kw_writer_bytes(&get->content) : (kw_bytes){(const uint8_t *)"", 0});
    return out->data != NULL ? KW_GOOD : refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
}

static kw_status http_fetch(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why)
{
    http_get get = {.rules = ctx, .ca = request->ca, .arena = arena};
    KW_TRY(begin(&get, request->url, request->timeout_ms, why));
    kw_status status = follow(&get, why);
    if (!kw_status_is_bad(status)) {
        status = take_content(&get, out, why);
    }
    kw_writer_clear(&get.content);
    return status;
}

static kw_status post_form(http_get *get, unsigned *code, const char **why)
{
    struct curl_slist *lines = NULL;
    long answered = 0;
    kw_status status = KW_GOOD;
    KW_TRY(check_url(get->url, &get->is_plain, why));
    CURL *curl = curl_easy_init();
    if (curl != NULL && set_request(curl, get) && set_protection(curl, get) && set_form(curl, get, &lines)) {
        const CURLcode done = curl_easy_perform(curl);
        status = done == CURLE_OK ? KW_GOOD : explain(get, done, why);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answered);
    } else {
        status = refuse(why, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    curl_easy_cleanup(curl);
    forget_lines(lines);
    *code = (unsigned)answered;
    return status;
}

static kw_status http_post(void *ctx, const kw_fetch_form *form, kw_arena *arena, unsigned *code, kw_bytes *out, const char **why)
{
    http_get get = {.rules = ctx, .ca = form->ca, .form = form, .arena = arena};
    KW_TRY(begin(&get, form->url, form->timeout_ms, why));
    kw_status status = post_form(&get, code, why);
    if (!kw_status_is_bad(status)) {
        status = take_content(&get, out, why);
    }
    kw_writer_wipe(&get.content);
    return status;
}

kw_fetch kw_http_fetch(const kw_http_rules *rules)
{
    return (kw_fetch){.get = http_fetch, .ctx = (void *)(uintptr_t)rules, .post = http_post}; /* only read */
}

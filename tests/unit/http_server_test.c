/* The HTTP(S) server, asked by curl: what arrives, what leaves, what is refused. */
#include "http/form.h"
#include "http/server.h"
#include "support/kw_test_identity.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fixture {
    kw_http_server *server;
    uint16_t port;
    bool is_tls;
    pthread_mutex_t lock;
    kw_http_exchange *kept; /* of "/later": to be answered by the test */
    pthread_cond_t is_kept;
    char headers[4096], content[4096];
    size_t header_len, content_len;
} fixture;

/* The mailbox of a loop that is always there: the thread that posts. */
static void run_at_once(void *ctx, kw_job *job)
{
    (void)ctx;
    job->run(job);
}

static const kw_mailbox MAILBOX = {run_at_once, NULL};

static void echo(kw_http_exchange *exchange)
{
    const kw_http_request *r = kw_http_request_of(exchange);
    const kw_string text =
        kw_arena_format(kw_http_arena(exchange), "%.*s|%.*s|%.*s|%.*s|%.*s|%zu|%.*s|%.*s", KW_STRING_ARGS(r->method),
                        KW_STRING_ARGS(r->path), KW_STRING_ARGS(r->query), KW_STRING_ARGS(r->authorization),
                        KW_STRING_ARGS(r->content_type), r->client_certificate.len, KW_STRING_ARGS(r->address), KW_STRING_ARGS(r->body));
    const kw_http_header headers[] = {{"X-Test", KW_STRING("one")}, {"Cache-Control", KW_STRING("max-age=60")}};
    kw_http_respond(exchange, &(kw_http_response){200, "text/plain", text, headers, 2});
}

static void handle(void *ctx, kw_http_exchange *exchange)
{
    fixture *f = ctx;
    const kw_http_header forged = {"Location", KW_STRING("/\r\nSet-Cookie: a=b")};
    if (kw_string_equals(kw_http_request_of(exchange)->path, "/later")) {
        pthread_mutex_lock(&f->lock);
        f->kept = exchange;
        pthread_cond_signal(&f->is_kept);
        pthread_mutex_unlock(&f->lock);
    } else if (kw_string_equals(kw_http_request_of(exchange)->path, "/forged")) {
        kw_http_respond(exchange, &(kw_http_response){.status = 302, .headers = &forged, .header_count = 1});
    } else {
        echo(exchange);
    }
}

static void start(fixture *f, bool is_tls)
{
    static const char *const ADDRESSES[] = {"127.0.0.1"};
    const char *why = NULL;
    const kw_http_server_config config = {.addresses = ADDRESSES,
                                          .address_count = 1,
                                          .identity = is_tls ? kw_test_identity("urn:test:web", 2048) : NULL,
                                          .ask_for_certificate = true,
                                          .max_body = 1000,
                                          .max_connections = 20,
                                          .idle_timeout_s = 60,
                                          .mailbox = &MAILBOX,
                                          .handle = handle,
                                          .ctx = f,
                                          .log = &KW_LOG_QUIET};
    f->is_tls = is_tls;
    assert_status(kw_http_server_new(&config, &f->server, &f->port, &why), KW_GOOD);
}

static int setup_with(void **state, bool is_tls)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->is_kept, NULL);
    start(f, is_tls);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, true);
}

static int setup_plain(void **state)
{
    return setup_with(state, false);
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_http_server_free(f->server);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->is_kept);
    free(f);
    return 0;
}

/* --- a client ------------------------------------------------------------------------------------------------------------------ */

static size_t keep(char *out, size_t *len, const char *data, size_t count)
{
    const size_t room = sizeof(((fixture *)NULL)->content) - 1 - *len;
    const size_t taken = count < room ? count : room;
    memcpy(out + *len, data, taken);
    *len += taken;
    out[*len] = '\0';
    return count;
}

static size_t keep_header(char *data, size_t size, size_t count, void *ctx)
{
    fixture *f = ctx;
    return keep(f->headers, &f->header_len, data, size * count);
}

static size_t keep_content(char *data, size_t size, size_t count, void *ctx)
{
    fixture *f = ctx;
    return keep(f->content, &f->content_len, data, size * count);
}

static CURL *prepare(fixture *f, const char *path)
{
    char url[256];
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    snprintf(url, sizeof(url), "%s://127.0.0.1:%u%s", f->is_tls ? "https" : "http", f->port, path);
    f->header_len = f->content_len = 0;
    f->headers[0] = f->content[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_content);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    return curl;
}

/* The HTTP status; -1: none came. */
static long ask(CURL *curl)
{
    long status = -1;
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_easy_cleanup(curl);
    return status;
}

/* --- tests --------------------------------------------------------------------------------------------------------------------- */

static void a_request_arrives_whole(void **state)
{
    fixture *f = *state;
    CURL *curl = prepare(f, "/a%20b?x=1+2&y=%2B");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "grant_type=none");
    curl_easy_setopt(curl, CURLOPT_USERPWD, "name:word");
    assert_int_equal(ask(curl), 200);
    assert_string_equal(f->content,
                        "POST|/a%20b|x=1+2&y=%2B|Basic bmFtZTp3b3Jk|application/x-www-form-urlencoded|0|127.0.0.1|grant_type=none");
}

static void headers_of_an_answer_are_safe_by_default(void **state)
{
    fixture *f = *state;
    assert_int_equal(ask(prepare(f, "/")), 200);
    assert_non_null(strstr(f->headers, "X-Content-Type-Options: nosniff"));
    assert_non_null(strstr(f->headers, "frame-ancestors 'none'"));
    assert_non_null(strstr(f->headers, "X-Test: one"));
    assert_non_null(strstr(f->headers, "Cache-Control: max-age=60")); /* the answer's own word */
    assert_null(strstr(f->headers, "no-store"));
}

static void head_is_answered_without_content(void **state)
{
    fixture *f = *state;
    CURL *curl = prepare(f, "/");
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    assert_int_equal(ask(curl), 200);
    assert_int_equal(f->content_len, 0);
}

static void a_header_cannot_be_split(void **state)
{
    fixture *f = *state;
    assert_int_equal(ask(prepare(f, "/forged")), 500);
    assert_null(strstr(f->headers, "Set-Cookie"));
}

static void other_methods_and_large_bodies_are_refused(void **state)
{
    fixture *f = *state;
    char large[1002];
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    CURL *curl = prepare(f, "/");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    assert_int_not_equal(ask(curl), 200);
    curl = prepare(f, "/");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, large);
    const long status = ask(curl);
    assert_true(status == 413 || status == -1);
    assert_int_equal(ask(prepare(f, "/")), 200); /* and on */
}

/* RFC 8705: that the other side has the key of its certificate is all that is asked for here. */
static void the_certificate_of_a_client_is_told(void **state)
{
    fixture *f = *state;
    const kw_application_identity *client = kw_test_identity("urn:test:client", 2048);
    char *certificate = NULL, expected[64];
    kw_secret key;
    assert_status(kw_certificate_to_pem(client->certificate, &certificate), KW_GOOD);
    assert_status(kw_private_key_to_pem(client->key, KW_BYTES_NULL, &key), KW_GOOD);
    CURL *curl = prepare(f, "/");
    struct curl_blob certificate_blob = {certificate, strlen(certificate), CURL_BLOB_COPY};
    struct curl_blob key_blob = {(void *)(uintptr_t)kw_secret_bytes(&key).data, kw_secret_bytes(&key).len, CURL_BLOB_COPY};
    curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate_blob);
    curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key_blob);
    assert_int_equal(ask(curl), 200);
    snprintf(expected, sizeof(expected), "|%zu|", kw_certificate_der(client->certificate).len);
    assert_non_null(strstr(f->content, expected));
    kw_secret_clear(&key);
    free(certificate);
}

static void old_tls_is_refused(void **state)
{
    fixture *f = *state;
    CURL *curl = prepare(f, "/");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_1 | (long)CURL_SSLVERSION_MAX_TLSv1_1);
    assert_int_equal(ask(curl), -1);
}

/* Whether the connection began with this certificate. */
static bool was_shown(CURL *curl, const kw_application_identity *identity)
{
    struct curl_certinfo *info = NULL;
    char *pem = NULL;
    bool is_same = false;
    assert_status(kw_certificate_to_pem(identity->certificate, &pem), KW_GOOD);
    assert_int_equal(curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info), CURLE_OK);
    assert_int_equal(info->num_of_certs, 1);
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        is_same = is_same || (strncmp(line->data, "Cert:", 5) == 0 && strncmp(line->data + 5, pem, strlen(pem) - 1) == 0);
    }
    free(pem);
    return is_same;
}

static long new_connections(CURL *curl)
{
    long count = -1;
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &count);
    return count;
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    fixture *f = *state;
    const kw_application_identity *first = kw_test_identity("urn:test:web", 2048), *second = kw_test_identity("urn:test:client", 2048);
    const kw_application_identity mixed = {.certificate = first->certificate, .key = second->key};
    CURL *standing = prepare(f, "/"), *later = prepare(f, "/"), *last = prepare(f, "/");
    curl_easy_setopt(standing, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(later, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(last, CURLOPT_CERTINFO, 1L);
    assert_int_equal(new_connections(standing), 1);
    assert_true(was_shown(standing, first));
    assert_status(kw_http_server_use_identity(f->server, second), KW_GOOD);
    assert_int_equal(new_connections(standing), 0); /* it goes on */
    assert_int_equal(new_connections(later), 1);
    assert_true(was_shown(later, second));
    assert_status(kw_http_server_use_identity(f->server, &mixed), KW_BAD_CERTIFICATE_INVALID);
    assert_int_equal(new_connections(last), 1);
    assert_true(was_shown(last, second));
    curl_easy_cleanup(standing);
    curl_easy_cleanup(later);
    curl_easy_cleanup(last);
}

static void without_tls_there_is_no_certificate_to_change(void **state)
{
    const fixture *f = *state;
    assert_status(kw_http_server_use_identity(f->server, kw_test_identity("urn:test:web", 2048)), KW_BAD_INVALID_STATE);
}

static int dial(const fixture *f)
{
    const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static kw_http_exchange *await_kept(fixture *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->kept == NULL) {
        pthread_cond_wait(&f->is_kept, &f->lock);
    }
    kw_http_exchange *kept = f->kept;
    f->kept = NULL;
    pthread_mutex_unlock(&f->lock);
    return kept;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void an_answer_may_come_later(void **state)
{
    fixture *f = *state;
    char line[64] = "";
    const int fd = dial(f);
    say(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    kw_http_respond(await_kept(f), &(kw_http_response){.status = 200, .content_type = "text/plain", .body = KW_STRING("late")});
    assert_true(read(fd, line, sizeof(line) - 1) > 0);
    assert_memory_equal(line, "HTTP/1.1 200", 12);
    close(fd);
}

static void who_asked_may_be_gone_when_the_answer_comes(void **state)
{
    fixture *f = *state;
    const int fd = dial(f);
    say(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    kw_http_exchange *kept = await_kept(f);
    close(fd);
    assert_int_equal(ask(prepare(f, "/")), 200); /* by now its thread has seen the end of that connection, or will */
    kw_http_respond(kept, &(kw_http_response){.status = 200, .content_type = "text/plain", .body = KW_STRING("late")});
    assert_int_equal(ask(prepare(f, "/")), 200);
}

static void answers_may_be_owed_when_it_stops(void **state)
{
    fixture *f = *state;
    const int fd = dial(f);
    say(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    kw_http_exchange *kept = await_kept(f);
    kw_http_server_stop(f->server);
    kw_http_respond(kept, &(kw_http_response){.status = 503});
    close(fd);
}

static void bytes_that_are_no_request_end_the_connection_alone(void **state)
{
    static const char *const LINES[] = {"GET https://elsewhere/ HTTP/1.1\r\nHost: h\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
                                        "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                                        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        char answer[64] = "";
        const int fd = dial(f);
        say(fd, LINES[i]);
        shutdown(fd, SHUT_WR);
        const ssize_t len = read(fd, answer, sizeof(answer) - 1);
        assert_true(len <= 0 || strstr(answer, " 200") == NULL);
        close(fd);
    }
    assert_int_equal(ask(prepare(f, "/")), 200);
}

/* Past the bound, connections wait; when there is room, they are served. */
static void connections_are_bounded(void **state)
{
    fixture *f = *state;
    int idle[60];
    for (size_t i = 0; i < 60; i++) {
        idle[i] = dial(f);
    }
    for (size_t i = 0; i < 60; i++) {
        close(idle[i]);
    }
    assert_int_equal(ask(prepare(f, "/")), 200);
}

static void without_tls_it_stays_on_this_machine(void **state)
{
    static const char *const ADDRESSES[] = {"0.0.0.0"};
    const char *why = NULL;
    uint16_t port = 0;
    kw_http_server *server = NULL;
    const kw_http_server_config config = {.addresses = ADDRESSES, .address_count = 1, .mailbox = &MAILBOX, .handle = handle, .ctx = *state};
    assert_status(kw_http_server_new(&config, &server, &port, &why), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_non_null(why);
}

static void a_port_that_is_taken_is_told(void **state)
{
    static const char *const ADDRESSES[] = {"127.0.0.1"};
    const fixture *f = *state;
    const char *why = NULL;
    uint16_t port = 0;
    kw_http_server *server = NULL;
    const kw_http_server_config config = {.addresses = ADDRESSES,
                                          .address_count = 1,
                                          .port = f->port,
                                          .max_connections = 1,
                                          .mailbox = &MAILBOX,
                                          .handle = handle,
                                          .ctx = *state};
    assert_status(kw_http_server_new(&config, &server, &port, &why), KW_BAD_COMMUNICATION_ERROR);
    assert_string_equal(why, "the port is in use");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_arrives_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(headers_of_an_answer_are_safe_by_default, setup, teardown),
        cmocka_unit_test_setup_teardown(head_is_answered_without_content, setup, teardown),
        cmocka_unit_test_setup_teardown(a_header_cannot_be_split, setup, teardown),
        cmocka_unit_test_setup_teardown(other_methods_and_large_bodies_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_certificate_of_a_client_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(old_tls_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_certificate_is_for_new_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(without_tls_there_is_no_certificate_to_change, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(an_answer_may_come_later, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(who_asked_may_be_gone_when_the_answer_comes, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(answers_may_be_owed_when_it_stops, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_request_end_the_connection_alone, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(connections_are_bounded, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(without_tls_it_stays_on_this_machine, setup_plain, teardown),
        cmocka_unit_test_setup_teardown(a_port_that_is_taken_is_told, setup_plain, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A small web server on loopback, one connection at a time, in a thread: for tests of what fetches. */
#ifndef KW_TEST_WEB_H
#define KW_TEST_WEB_H

#include "base/arena.h"

typedef struct kw_test_web kw_test_web;

typedef struct kw_test_web_page {
    int status;           /* 0: says nothing until the other side goes */
    const char *location; /* NULL: no such header */
    const char *content;
    size_t repeat; /* the content, again so often */
} kw_test_web_page;

/* What stands at a path; called in the thread of the server. */
typedef kw_test_web_page (*kw_test_web_look)(void *ctx, const char *path);

kw_test_web *kw_test_web_new(bool is_tls, kw_test_web_look look, void *ctx);
void kw_test_web_free(kw_test_web *web);
const char *kw_test_web_url(const kw_test_web *web); /* "https://127.0.0.1:41234" */
kw_bytes kw_test_web_ca(const kw_test_web *web);     /* PEM: its certificate, signed by itself */
size_t kw_test_web_requests(kw_test_web *web);

#endif

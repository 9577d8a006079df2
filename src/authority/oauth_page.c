/* Pages for people: no scripts, nothing from elsewhere, readable at any width. */
#include "authority/oauth_internal.h"

static const char STYLE[] =
    ":root{color-scheme:light dark;--ink:#1b2430;--paper:#f4f6f8;--card:#fff;--line:#c3ccd6;--deed:#0b5cad;--bad:#a4161a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--paper:#12171d;--card:#1b222b;--line:#3b4754;--deed:#6db3f8;--bad:#ff8f8f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);"
    "font:1rem/1.5 system-ui,sans-serif}"
    "main{width:min(24rem,100% - 2rem);padding:1.5rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem}"
    "h1{margin:0 0 1rem;font-size:1.25rem}p{margin:0 0 1rem;overflow-wrap:anywhere}"
    "label{display:block;margin:0 0 1rem;font-weight:600}"
    "input{display:block;width:100%;margin-top:.25rem;padding:.5rem;font:inherit;color:inherit;background:var(--paper);"
    "border:1px solid var(--line);border-radius:.25rem}"
    "button{font:inherit;font-weight:600;padding:.5rem 1rem;border-radius:.25rem;border:1px solid var(--deed);cursor:pointer}"
    "button.main{background:var(--deed);color:var(--card)}button.other{background:none;color:var(--deed)}"
    ".deeds{display:flex;gap:.5rem}"
    ":focus-visible{outline:3px solid var(--deed);outline-offset:2px}"
    ".bad{padding:.5rem .75rem;border-left:.25rem solid var(--bad);color:var(--bad)}"
    ".code{font:600 1.5rem/1 ui-monospace,monospace;letter-spacing:.15em}";

void kw_oauth_style(kw_oauth_call *call)
{
    call->response =
        (kw_http_response){.status = 200, .content_type = "text/css; charset=utf-8", .body = {(const uint8_t *)STYLE, sizeof(STYLE) - 1}};
    kw_oauth_answer_header(call, "Cache-Control", KW_STRING("public, max-age=3600"));
}

static const char *entity(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

#define ENTITY_MAX 6 /* "&quot;" */

kw_string kw_oauth_html(kw_arena *arena, kw_string text)
{
    uint8_t *out = kw_arena_array(arena, text.len + 1, ENTITY_MAX);
    size_t len = 0;
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        const char *name = entity(text.data[i]);
        if (name == NULL) {
            out[len++] = text.data[i];
        }
        for (; name != NULL && *name != '\0'; name++) {
            out[len++] = (uint8_t)*name;
        }
    }
    return out != NULL ? (kw_string){out, len} : KW_BYTES_NULL;
}

kw_string kw_oauth_hidden(kw_arena *arena, const char *name, kw_string value)
{
    const kw_string safe = kw_oauth_html(arena, value);
    return value.len == 0 ? KW_STRING("")
                          : kw_arena_format(arena, "<input type=\"hidden\" name=\"%s\" value=\"%.*s\">", name, KW_STRING_ARGS(safe));
}

void kw_oauth_answer_page(kw_oauth_call *call, int status, const char *title, kw_string body, kw_string forms_to)
{
    const kw_string page = kw_arena_format(call->arena,
                                           "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                                           "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                                           "<title>%s</title><link rel=\"stylesheet\" href=\"/style.css\"></head>\n"
                                           "<body><main><h1>%s</h1>\n%.*s\n</main></body></html>\n",
                                           title, title, KW_STRING_ARGS(body));
    const kw_string rule = kw_arena_format(call->arena,
                                           "default-src 'none'; style-src 'self'; form-action 'self'%s%.*s; frame-ancestors 'none'; "
                                           "base-uri 'none'",
                                           forms_to.len > 0 ? " " : "", KW_STRING_ARGS(forms_to));
    if (page.data == NULL || rule.data == NULL || body.data == NULL) {
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service cannot answer now");
        return;
    }
    call->response = (kw_http_response){
        .status = status, .content_type = "text/html; charset=utf-8", .body = page, .header_count = call->response.header_count};
    kw_oauth_answer_header(call, "Content-Security-Policy", rule);
}

void kw_oauth_answer_notice(kw_oauth_call *call, int status, const char *title, const char *text)
{
    call->response.header_count = 0;
    kw_oauth_answer_page(call, status, title, kw_arena_format(call->arena, "<p>%s</p>", text), KW_BYTES_NULL);
}

#include "authority/oauth_internal.h"

#include <string.h>

bool kw_oauth_parameter(kw_oauth_call *call, const char *name, kw_string *value)
{
    bool twice = false;
    *value = kw_http_form_get(&call->form, name, &twice);
    if (twice) { /* RFC 6749, 3.1 and 3.2 */
        kw_oauth_answer_error(call, 400, "invalid_request", "a parameter comes twice");
    }
    return !twice;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n';
}

bool kw_oauth_has_word(kw_string words, kw_string word)
{
    size_t start = 0;
    while (start < words.len) {
        size_t end = start;
        while (end < words.len && !is_space(words.data[end])) {
            end++;
        }
        if (word.len > 0 && end - start == word.len && memcmp(words.data + start, word.data, word.len) == 0) {
            return true;
        }
        start = end + 1;
    }
    return false;
}

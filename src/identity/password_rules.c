#include "identity/password_rules.h"

#include "base/utf8.h"
#include "identity/identity_internal.h"

/* PasswordOptionsMask */
#define SUPPORTED 0x1Fu /* initial change, disable, no delete, no change by the user, description */
#define NEEDS_UPPER 0x20u
#define NEEDS_LOWER 0x40u
#define NEEDS_DIGIT 0x80u
#define NEEDS_SPECIAL 0x100u

const kw_password_rules KW_PASSWORD_RULES_DEFAULT = {.min_length = 8, .max_length = 256};

uint32_t kw_password_options(const kw_password_rules *rules)
{
    return SUPPORTED | (rules->needs_upper ? NEEDS_UPPER : 0) | (rules->needs_lower ? NEEDS_LOWER : 0) |
           (rules->needs_digit ? NEEDS_DIGIT : 0) | (rules->needs_special ? NEEDS_SPECIAL : 0);
}

static uint32_t kind_of(uint32_t point)
{
    if (point >= 'A' && point <= 'Z') {
        return NEEDS_UPPER;
    }
    if (point >= 'a' && point <= 'z') {
        return NEEDS_LOWER;
    }
    if (point >= '0' && point <= '9') {
        return NEEDS_DIGIT;
    }
    return point > ' ' && point < 0x7F ? NEEDS_SPECIAL : 0;
}

kw_status kw_password_check(const kw_password_rules *rules, kw_bytes password)
{
    uint32_t length = 0, kinds = 0, point = 0;
    if (kw_bytes_is_empty(password) || password.len > KW_PASSWORD_MAX || !kw_utf8_is_valid(password, false)) {
        return KW_BAD_OUT_OF_RANGE;
    }
    for (kw_bytes rest = password; rest.len > 0; length++) {
        const size_t used = kw_utf8_first(rest, &point);
        kinds |= kind_of(point);
        rest = (kw_bytes){rest.data + used, rest.len - used};
    }
    const uint32_t needed = kw_password_options(rules) & ~SUPPORTED;
    const bool is_long_enough = length >= rules->min_length && (rules->max_length == 0 || length <= rules->max_length);
    return is_long_enough && (kinds & needed) == needed ? KW_GOOD : KW_BAD_OUT_OF_RANGE;
}

kw_string kw_password_restrictions(const kw_password_rules *rules, kw_arena *arena)
{
    kw_string text = rules->max_length == 0
                         ? kw_arena_format(arena, "At least %u characters", (unsigned)rules->min_length)
                         : kw_arena_format(arena, "%u to %u characters", (unsigned)rules->min_length, (unsigned)rules->max_length);
    const struct {
        bool is_needed;
        const char *what;
    } parts[] = {{rules->needs_upper, "an upper case letter (A-Z)"},
                 {rules->needs_lower, "a lower case letter (a-z)"},
                 {rules->needs_digit, "a digit"},
                 {rules->needs_special, "another character of ASCII"}};
    const char *join = ", among them ";
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].is_needed) {
            text = kw_arena_format(arena, "%.*s%s%s", KW_STRING_ARGS(text), join, parts[i].what);
            join = ", ";
        }
    }
    return text;
}

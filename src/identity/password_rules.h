/* What a new password must be like. OPC 10000-18, 5.2.2. */
#ifndef KW_IDENTITY_PASSWORD_RULES_H
#define KW_IDENTITY_PASSWORD_RULES_H

#include "base/arena.h"

typedef struct kw_password_rules {
    uint32_t min_length, max_length;                           /* characters; 0: no limit */
    bool needs_upper, needs_lower, needs_digit, needs_special; /* of ASCII */
} kw_password_rules;

/* 8 … 256 characters of any kind: length is worth more than variety. */
extern const kw_password_rules KW_PASSWORD_RULES_DEFAULT;

/* Bad_OutOfRange: not UTF-8 without NUL, empty, of the wrong length, or without what it must hold. */
kw_status kw_password_check(const kw_password_rules *rules, kw_bytes password);
/* PasswordOptionsMask: what is supported here, and what the rules demand. */
uint32_t kw_password_options(const kw_password_rules *rules);
/* The rules in English words; null on exhaustion. */
kw_string kw_password_restrictions(const kw_password_rules *rules, kw_arena *arena);

#endif

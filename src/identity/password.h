/* Passwords as Argon2id PHC strings. Slow on purpose: for jobs. */
#ifndef KW_IDENTITY_PASSWORD_H
#define KW_IDENTITY_PASSWORD_H

#include "base/arena.h"
#include "base/clock.h"

/* 19 MiB, 2 passes, 1 lane (the first OWASP profile); salt of 16 bytes. Text in the arena. */
kw_status kw_password_hash(kw_bytes password, const kw_random *random, kw_arena *arena, kw_string *phc);
/* hash null (unknown or disabled user): the same work against a dummy, then false. Parameters out of bounds are refused. */
bool kw_password_verify(kw_string phc, kw_bytes password);

#endif

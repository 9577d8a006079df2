/* Between provider.c and provider_form.c. */
#ifndef KW_AUTHORITY_PROVIDER_INTERNAL_H
#define KW_AUTHORITY_PROVIDER_INTERNAL_H

#include "authority/provider.h"

#include <pthread.h>

struct kw_provider {
    kw_provider_config config;
    const kw_fetch *fetch;
    const kw_clock *clock;
    const kw_random *random;
    const kw_log *log;
    pthread_mutex_t lock;
    char *endpoint;          /* of tokens, as the metadata had it; NULL: not known yet */
    uint64_t endpoint_until; /* when it is looked up again */
    uint64_t asked_again;    /* down, and not asked before this time; 0: not known to be down */
};

/* What is posted: the question, and that it is we who ask. */
typedef struct kw_provider_form {
    kw_secret content;
    kw_string authorization; /* in the arena; null: none */
} kw_provider_form;

/* In the arena, but for what is wiped. */
kw_status kw_provider_form_make(const kw_provider *provider, const kw_provider_question *question, kw_arena *arena, kw_provider_form *out);
/* Wipes; NULL parts are fine. */
void kw_provider_form_clear(kw_provider_form *form);

#endif

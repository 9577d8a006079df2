#include "support/kw_test_identity.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct made {
    char name[64];
    kw_key_type type;
    uint32_t bits; /* RSA */
    bool is_user;
    kw_application_identity identity;
} made;

enum { MADE_MAX = 32 };
static made all[MADE_MAX];
static size_t count;

static void forget_all(void)
{
    for (size_t i = 0; i < count; i++) {
        kw_certificate_release(all[i].identity.certificate);
        kw_private_key_release(all[i].identity.key);
    }
    count = 0;
}

static void make(made *m, const char *name, kw_key_type type, uint32_t bits, bool is_user)
{
    kw_test_clock now;
    kw_test_clock_init(&now);
    char uri[128];
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(uri, sizeof uri, "urn:keyway:test:%s", name);
    m->type = type;
    m->bits = bits;
    m->is_user = is_user;
    const char *hosts[] = {"localhost"};
    const int64_t day = 24 * 3600 * KW_TICKS_PER_S;
    const kw_certificate_request request = {.application_uri = is_user ? NULL : uri,
                                            .common_name = name,
                                            .organization = "Keyway tests",
                                            .hosts = hosts,
                                            .host_count = is_user ? 0 : 1,
                                            .not_before = now.utc - 30 * day,
                                            .not_after = now.utc + 3650 * day};
    assert_int_equal(kw_private_key_generate(type, bits, &m->identity.key), KW_GOOD);
    assert_int_equal(kw_certificate_create(&request, m->identity.key, &KW_RANDOM_SYSTEM, &m->identity.certificate), KW_GOOD);
}

static const kw_application_identity *find_or_make(const char *name, kw_key_type type, uint32_t bits, bool is_user)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) == 0 && all[i].type == type && all[i].bits == bits && all[i].is_user == is_user) {
            return &all[i].identity;
        }
    }
    assert_true(count < MADE_MAX);
    if (count == 0) {
        atexit(forget_all);
    }
    make(&all[count], name, type, bits, is_user);
    return &all[count++].identity;
}

const kw_application_identity *kw_test_identity(const char *name, uint32_t bits)
{
    return find_or_make(name, KW_KEY_RSA, bits, false);
}

const kw_application_identity *kw_test_user_identity(const char *name, uint32_t bits)
{
    return find_or_make(name, KW_KEY_RSA, bits, true);
}

const kw_application_identity *kw_test_identity_of(const char *name, kw_key_type type)
{
    return find_or_make(name, type, 0, false);
}

const kw_application_identity *kw_test_user_identity_of(const char *name, kw_key_type type)
{
    return find_or_make(name, type, 0, true);
}

void kw_test_trust_init(kw_test_trust *t, const kw_clock *clock)
{
    t->folder = kw_test_folder_new();
    assert_int_equal(kw_trust_list_open(t->folder, true, clock, &KW_LOG_QUIET, &t->list), KW_GOOD);
}

void kw_test_trust_add(kw_test_trust *t, const kw_application_identity *who)
{
    assert_int_equal(kw_trust_list_add(t->list, who->certificate, KW_TRUST_TRUSTED), KW_GOOD);
}

void kw_test_trust_remove(kw_test_trust *t, const kw_application_identity *who)
{
    assert_int_equal(kw_trust_list_remove(t->list, kw_certificate_thumbprint(who->certificate), false), KW_GOOD);
}

void kw_test_trust_clear(kw_test_trust *t)
{
    kw_trust_list_close(t->list);
    kw_test_folder_remove(t->folder);
    *t = (kw_test_trust){0};
}

/* What a user calls himself never becomes a part of a filter or of a DN. RFC 4515, 3; RFC 4514, 2.4. */
#include "authority/ldap.h"
#include "support/test.h"

#include <string.h>

#define FILTER "(&(objectClass=person)(uid=%u))"

static void check_filter(const char *name, size_t len, const char *expected)
{
    kw_arena *arena = kw_arena_new(65536);
    const char *filter = kw_ldap_filter(arena, FILTER, (kw_string){(const uint8_t *)name, len}, KW_BYTES_NULL);
    assert_non_null(filter);
    assert_string_equal(filter, expected);
    kw_arena_free(arena);
}

static void names_are_values_of_a_filter(void **state)
{
    (void)state;
    check_filter("anna1", 5, "(&(objectClass=person)(uid=anna1))");
    check_filter("*", 1, "(&(objectClass=person)(uid=\\2a))");
    check_filter("a)(uid=*", 8, "(&(objectClass=person)(uid=a\\29\\28uid\\3d\\2a))");
    check_filter("\\2a", 3, "(&(objectClass=person)(uid=\\5c2a))");
    check_filter("a\0b", 3, "(&(objectClass=person)(uid=a\\00b))");
    check_filter("%d%u", 4, "(&(objectClass=person)(uid=\\25d\\25u))");
    check_filter("\xc3\xa9", 2, "(&(objectClass=person)(uid=\\c3\\a9))");
}

static void dns_are_values_of_a_filter(void **state)
{
    (void)state;
    kw_arena *arena = kw_arena_new(65536);
    assert_string_equal(kw_ldap_filter(arena, "(|(member=%d)(memberUid=%u))", KW_STRING("a"), KW_STRING("cn=(x)*")),
                        "(|(member=cn\\3d\\28x\\29\\2a)(memberUid=a))");
    kw_arena_free(arena);
}

static void names_are_values_of_a_dn(void **state)
{
    static const char PATTERN[] = "uid=%u,ou=people,dc=example";
    (void)state;
    kw_arena *arena = kw_arena_new(65536);
    assert_string_equal(kw_ldap_bind_name(arena, PATTERN, KW_STRING("anna")), "uid=anna,ou=people,dc=example");
    assert_string_equal(kw_ldap_bind_name(arena, PATTERN, KW_STRING("anna,ou=admins")), "uid=anna\\2cou\\3dadmins,ou=people,dc=example");
    assert_string_equal(kw_ldap_bind_name(arena, PATTERN, KW_STRING(" #a\"+;<> ")),
                        "uid=\\20\\23a\\22\\2b\\3b\\3c\\3e\\20,ou=people,dc=example");
    kw_arena_free(arena);
}

static void names_that_would_name_another_domain_are_refused(void **state)
{
    static const char *const WRONG[] = {"", "anna@other", "OTHER\\anna", "a/b", "a\nb"};
    (void)state;
    kw_arena *arena = kw_arena_new(65536);
    assert_string_equal(kw_ldap_bind_name(arena, "%u@plant.example", KW_STRING("anna")), "anna@plant.example");
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        assert_null(kw_ldap_bind_name(arena, "%u@plant.example", kw_string_from(WRONG[i])));
    }
    kw_arena_free(arena);
}

static void what_is_too_long_is_refused_and_not_cut(void **state)
{
    static char name[4096];
    (void)state;
    kw_arena *arena = kw_arena_new(65536);
    memset(name, '*', sizeof(name));
    assert_null(kw_ldap_filter(arena, FILTER, (kw_string){(const uint8_t *)name, sizeof(name)}, KW_BYTES_NULL));
    assert_non_null(kw_ldap_filter(arena, FILTER, (kw_string){(const uint8_t *)name, 2048}, KW_BYTES_NULL));
    kw_arena_free(arena);
}

static void passwords_travel_in_clear_on_this_machine_alone(void **state)
{
    (void)state;
    assert_null(kw_ldap_server_refused("ldaps://dc1.example", false, false));
    assert_null(kw_ldap_server_refused("ldap://dc1.example", true, false));
    assert_null(kw_ldap_server_refused("ldap://dc1.example:3890", false, true));
    assert_null(kw_ldap_server_refused("ldap://127.0.0.1:389", false, false));
    assert_null(kw_ldap_server_refused("ldap://[::1]", false, false));
    assert_non_null(kw_ldap_server_refused("ldap://dc1.example", false, false));
    assert_non_null(kw_ldap_server_refused("ldap://127.0.0.1.example", false, false));
    assert_non_null(kw_ldap_server_refused("ldap://localhost@dc1.example", false, false));
    assert_non_null(kw_ldap_server_refused("ldaps://dc1.example", true, false));
    assert_non_null(kw_ldap_server_refused("ldaps://dc1.example ldap://dc2.example", false, false));
    assert_non_null(kw_ldap_server_refused("https://dc1.example", false, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_values_of_a_filter),
        cmocka_unit_test(dns_are_values_of_a_filter),
        cmocka_unit_test(names_are_values_of_a_dn),
        cmocka_unit_test(names_that_would_name_another_domain_are_refused),
        cmocka_unit_test(what_is_too_long_is_refused_and_not_cut),
        cmocka_unit_test(passwords_travel_in_clear_on_this_machine_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

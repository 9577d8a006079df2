/* Which addresses are not for fetching from: link-local and metadata services in every guise (server-side request forgery). */
#include "http/address.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static kw_address_kind kind_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return kw_address_kind_of((struct sockaddr *)&v4, sizeof(v4));
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return kw_address_kind_of((struct sockaddr *)&v6, sizeof(v6));
}

static void assert_all(const char *const *texts, size_t count, kw_address_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (kind_of(texts[i]) != kind) {
            fail_msg("%s is of kind %d", texts[i], kind_of(texts[i]));
        }
    }
}

#define ASSERT_ALL(kind, ...)                                                                                                              \
    assert_all((const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), kind)

static void addresses_of_plants_and_of_the_world_are_ordinary(void **state)
{
    (void)state;
    ASSERT_ALL(KW_ADDRESS_ORDINARY, "192.168.1.7", "10.0.0.1", "172.16.3.4", "93.184.216.34", "169.253.255.255", "169.255.0.0", "128.0.0.1",
               "126.255.255.255", "100.100.100.201", "fd12:3456::1", "2001:db8::1", "fec0::1", "::ffff:10.0.0.1", "2002:0a00:0001::1");
}

static void this_machine_is_told_apart(void **state)
{
    (void)state;
    ASSERT_ALL(KW_ADDRESS_LOOPBACK, "127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:0001::");
}

static void link_local_and_metadata_are_found_in_every_guise(void **state)
{
    (void)state;
    ASSERT_ALL(KW_ADDRESS_LINK_LOCAL, "169.254.169.254", "169.254.0.1", "169.254.255.255", "100.100.100.200", "192.0.0.192", "fe80::1",
               "febf:ffff::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1",
               "::169.254.169.254");
}

static void what_is_no_single_machine_is_unusable(void **state)
{
    (void)state;
    ASSERT_ALL(KW_ADDRESS_UNUSABLE, "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:0.0.0.0",
               "::ffff:255.255.255.255");
}

static void an_unknown_family_or_a_short_address_is_unusable(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0A000001)};
    const struct sockaddr other = {.sa_family = AF_UNIX};
    assert_int_equal(kw_address_kind_of((struct sockaddr *)&v4, sizeof(v4)), KW_ADDRESS_ORDINARY);
    assert_int_equal(kw_address_kind_of((struct sockaddr *)&v4, sizeof(v4) - 1), KW_ADDRESS_UNUSABLE);
    assert_int_equal(kw_address_kind_of(&other, sizeof(other)), KW_ADDRESS_UNUSABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_plants_and_of_the_world_are_ordinary), cmocka_unit_test(this_machine_is_told_apart),
        cmocka_unit_test(link_local_and_metadata_are_found_in_every_guise),  cmocka_unit_test(what_is_no_single_machine_is_unusable),
        cmocka_unit_test(an_unknown_family_or_a_short_address_is_unusable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whom an address stands for. */
#include "base/address.h"
#include "support/test.h"

static void stands_for(const char *address, const char *group)
{
    char buffer[KW_ADDRESS_GROUP_MAX];
    const kw_string got = kw_address_group(kw_string_from(address), buffer);
    if (!kw_string_equals(got, group)) {
        fail_msg("%s stands for %s instead of %s", address, buffer, group);
    }
}

static void ipv4_stands_for_itself(void **state)
{
    (void)state;
    stands_for("192.0.2.7", "192.0.2.7");
    stands_for("::ffff:192.0.2.7", "192.0.2.7");
}

static void ipv6_stands_for_its_network(void **state)
{
    (void)state;
    stands_for("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64");
    stands_for("2001:db8:0:1::5", "2001:db8:0:1::/64");
    stands_for("2001:DB8::1:0:0:0:9", "2001:db8:0:1::/64");
    stands_for("2001:0db8:0000:0001::", "2001:db8:0:1::/64");
    stands_for("::1", "0:0:0:0::/64");
    stands_for("::", "0:0:0:0::/64");
    stands_for("fe80::1%eth0", "fe80:0:0:0::/64");
    stands_for("1:2:3:4:5:6:7::", "1:2:3:4::/64");
}

static void what_is_no_address_is_taken_as_it_is(void **state)
{
    (void)state;
    stands_for("client-a", "client-a");
    stands_for("", "");
    stands_for(NULL, "");
    stands_for("1:2:3:4:5:6:7", "1:2:3:4:5:6:7");
    stands_for("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9");
    stands_for("1::2::3", "1::2::3");
    stands_for("12345::", "12345::");
    stands_for("1:2:3:4:5:6:7::8", "1:2:3:4:5:6:7::8");
    stands_for(":1", ":1");
    stands_for("1:", "1:");
    char buffer[KW_ADDRESS_GROUP_MAX];
    static const char LONG[] = "a name that is longer than any address could be, and then some more of it";
    assert_int_equal(kw_address_group(kw_string_from(LONG), buffer).len, KW_ADDRESS_GROUP_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_stands_for_itself),
        cmocka_unit_test(ipv6_stands_for_its_network),
        cmocka_unit_test(what_is_no_address_is_taken_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Text forms. OPC 10000-6, 5.1.12 and 5.3.1. */
#include "support/test.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <string.h>

static kw_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = kw_arena_new(1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_arena_free(arena);
    return 0;
}

static void assert_text(kw_string text, const char *expected)
{
    if (!kw_string_equals(text, expected)) {
        fail_msg("%.*s is not %s", KW_STRING_ARGS(text), expected);
    }
}

static kw_status parse(const char *text)
{
    kw_node_id id;
    return kw_node_id_parse(kw_string_from(text), arena, &id);
}

static void node_ids_are_read_and_written(void **state)
{
    (void)state;
    static const char *const texts[] = {"i=85",
                                        "ns=1;i=4294967295",
                                        "ns=65535;s=Name",
                                        "s=",
                                        "s=a;b=c",
                                        "ns=2;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
                                        "ns=3;b=",
                                        "b=AQ==",
                                        "b=AQI=",
                                        "b=AQID",
                                        "ns=1;b=M/RbKBsRVkePCePcx24oRA=="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kw_node_id id;
        assert_int_equal(kw_node_id_parse(kw_string_from(texts[i]), arena, &id), KW_GOOD);
        assert_text(kw_node_id_format(arena, &id), texts[i]);
    }
    kw_node_id id;
    assert_int_equal(kw_node_id_parse(KW_STRING("ns=0;i=85"), arena, &id), KW_GOOD);
    assert_true(kw_node_id_equal(&id, &KW_NODE_ID(0, 85)));
}

static void what_is_no_node_id_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "85",
                                        "i=",
                                        "i=-1",
                                        "i=+1",
                                        "i=4294967296",
                                        "i=1 ",
                                        "ns=65536;i=1",
                                        "ns=;i=1",
                                        "ns=1i=1",
                                        "ns=1;",
                                        "ns=-1;i=1",
                                        "x=1",
                                        "g=1",
                                        "b=A",
                                        "b=A===",
                                        "b=AB==",
                                        "b=A-==",
                                        "i=0x10",
                                        "NS=1;i=1",
                                        "ns=1;ns=1;i=1",
                                        "g=72962B91-FA75-4AE6-8D28-B404DC7DAF6G",
                                        "svr=1;i=1",
                                        "nsu=u;i=1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(parse(texts[i]), KW_BAD_NODE_ID_INVALID);
    }
}

static void expanded_node_ids_name_server_and_uri(void **state)
{
    (void)state;
    static const char *const texts[] = {"i=85", "svr=1;i=85", "nsu=http://x/%3By%25;s=Name", "svr=2;nsu=urn:a;i=1", "svr=3;ns=4;i=5"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kw_expanded_node_id id;
        assert_int_equal(kw_expanded_node_id_parse(kw_string_from(texts[i]), arena, &id), KW_GOOD);
        assert_text(kw_expanded_node_id_format(arena, &id), texts[i]);
    }
    kw_expanded_node_id id;
    assert_int_equal(kw_expanded_node_id_parse(KW_STRING("nsu=http://x/%3By%25;s=Name"), arena, &id), KW_GOOD);
    assert_text(id.namespace_uri, "http://x/;y%");
    static const char *const wrong[] = {"nsu=u",    "nsu=%;i=1",          "nsu=%3;i=1",    "nsu=%zz;i=1",
                                        "svr=;i=1", "svr=4294967296;i=1", "nsu=u;ns=1;i=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(kw_expanded_node_id_parse(kw_string_from(wrong[i]), arena, &id), KW_BAD_NODE_ID_INVALID);
    }
}

static void the_key_of_a_node_id_is_its_shortest_encoding(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    const kw_node_id null_text = {.ns = 1, .kind = KW_NODE_ID_STRING}, empty_text = KW_NODE_ID_TEXT(1, "");
    assert_true(kw_bytes_equal(kw_node_id_key(&null_text, a, sizeof a, NULL), kw_node_id_key(&empty_text, b, sizeof b, NULL)));
    assert_int_equal(kw_node_id_key(&KW_NODE_ID(0, 85), a, sizeof a, NULL).len, 2);
    const kw_node_id long_text = KW_NODE_ID_TEXT(1, "a name that does not fit into the small buffer");
    assert_null(kw_node_id_key(&long_text, a, sizeof a, NULL).data);
    assert_int_equal(kw_node_id_key(&long_text, a, sizeof a, arena).len, 7 + long_text.id.string.len);
    assert_false(
        kw_bytes_equal(kw_node_id_key(&KW_NODE_ID(1, 1), a, sizeof a, NULL), kw_node_id_key(&KW_NODE_ID(0, 1), b, sizeof b, NULL)));
}

static void date_times_are_iso_8601(void **state)
{
    (void)state;
    static const struct {
        kw_date_time t;
        const char *text;
    } rows[] = {
        {116444736000000000, "1970-01-01T00:00:00Z"},
        {1, "1601-01-01T00:00:00.0000001Z"},
        {116444736000000000 + 1769860800 * (int64_t)10000000 + 1230000, "2026-01-31T12:00:00.123Z"},
        {125911584000000000, "2000-01-01T00:00:00Z"},
        {125911584000000000 + 59 * (int64_t)864000000000, "2000-02-29T00:00:00Z"},
        {125911584000000000 - 10000000, "1999-12-31T23:59:59Z"},
        {2650467743990000000, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        kw_date_time back = 0;
        assert_text(kw_date_time_format(arena, rows[i].t), rows[i].text);
        assert_int_equal(kw_date_time_parse(kw_string_from(rows[i].text), &back), KW_GOOD);
        assert_true(back == rows[i].t);
    }
    assert_text(kw_date_time_format(arena, 0), "");
    assert_text(kw_date_time_format(arena, -5), "");
    assert_text(kw_date_time_format(arena, KW_DATE_TIME_MAX), "9999-12-31T23:59:59Z");
}

static void every_day_of_four_centuries_has_its_date(void **state)
{
    (void)state;
    kw_date_time before = 0;
    for (int64_t day = 1; day < 146097; day += 13) {
        kw_arena_reset(arena);
        const kw_date_time t = day * 864000000000;
        kw_date_time back = 0;
        assert_int_equal(kw_date_time_parse(kw_date_time_format(arena, t), &back), KW_GOOD);
        assert_true(back == t && back > before);
        before = back;
    }
}

static void what_is_no_date_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "2026-01-31",
                                        "2026-01-31T12:00:00",
                                        "2026-02-29T00:00:00Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-01-01T24:00:00Z",
                                        "2026-01-01T00:60:00Z",
                                        "2026-01-01T00:00:60Z",
                                        "2026-01-01T00:00:00.Z",
                                        "2026-01-01T00:00:00Zx",
                                        "2026-01-01T00:00:00+24:00",
                                        "1600-12-31T00:00:00Z",
                                        "2026-1-01T00:00:00Z"};
    kw_date_time t;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(kw_date_time_parse(kw_string_from(texts[i]), &t), KW_BAD_SYNTAX_ERROR);
    }
    kw_date_time utc;
    assert_int_equal(kw_date_time_parse(KW_STRING("2026-01-31T14:00:00.12345678+02:00"), &t), KW_GOOD);
    assert_int_equal(kw_date_time_parse(KW_STRING("2026-01-31T12:00:00.1234567Z"), &utc), KW_GOOD);
    assert_true(t == utc);
}

static void values_are_shown_on_one_line(void **state)
{
    (void)state;
    const double tenth = 0.1;
    const kw_variant real = kw_variant_scalar(KW_BUILTIN_DOUBLE, &tenth);
    assert_text(kw_variant_format(arena, &real), "0.1");
    const float third = 1.0f / 3.0f;
    const kw_variant real32 = kw_variant_scalar(KW_BUILTIN_FLOAT, &third);
    assert_text(kw_variant_format(arena, &real32), "0.33333334");
    const uint16_t numbers[] = {1, 2, 3, 4};
    kw_variant matrix = kw_variant_array(KW_BUILTIN_UINT16, numbers, 4);
    assert_text(kw_variant_format(arena, &matrix), "[1, 2, 3, 4]");
    matrix.dimensions = (const int32_t[]){2, 2};
    matrix.dimension_count = 2;
    assert_text(kw_variant_format(arena, &matrix), "2x2[1, 2, 3, 4]");
    kw_endpoint_type endpoint = {.endpoint_url = KW_STRING("opc.tcp://h:4840"), .security_mode = KW_MESSAGE_SECURITY_MODE_SIGN};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ENDPOINT_TYPE, &endpoint);
    const kw_variant structure = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &object);
    assert_text(kw_variant_format(arena, &structure),
                "{EndpointUrl: \"opc.tcp://h:4840\", SecurityMode: Sign, SecurityPolicyUri: null, TransportProfileUri: null}");
    assert_text(kw_variant_format(arena, &KW_VARIANT_NULL), "null");
    const kw_status code = KW_BAD_TIMEOUT;
    const kw_variant status = kw_variant_scalar(KW_BUILTIN_STATUS_CODE, &code);
    assert_text(kw_variant_format(arena, &status), "Bad_Timeout");
}

/* what a peer sends gives no orders to a terminal. */
static void control_characters_are_escaped(void **state)
{
    (void)state;
    const kw_string nasty = KW_STRING("a\r\nb\x1b[2J\"\\\xc2\x9b\x7f\0水");
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_STRING, &nasty);
    assert_text(kw_variant_format(arena, &v), "\"a\\x0d\\nb\\x1b[2J\\\"\\\\\\u009b\\x7f\\x00水\"");
    const kw_string broken = KW_STRING("a\xff\xc2");
    const kw_variant w = kw_variant_scalar(KW_BUILTIN_STRING, &broken);
    assert_text(kw_variant_format(arena, &w), "\"a\\xff\\xc2\"");
    const kw_node_id id = KW_NODE_ID_TEXT(1, "x\n");
    const kw_variant node = kw_variant_scalar(KW_BUILTIN_NODE_ID, &id);
    assert_text(kw_variant_format(arena, &node), "ns=1;s=x\\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(node_ids_are_read_and_written, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_node_id_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(expanded_node_ids_name_server_and_uri, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_of_a_node_id_is_its_shortest_encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(date_times_are_iso_8601, setup, teardown),
        cmocka_unit_test_setup_teardown(every_day_of_four_centuries_has_its_date, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_date_time_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_shown_on_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(control_characters_are_escaped, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

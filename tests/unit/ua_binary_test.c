/* Fixed bytes: what the standard and its neighbours put on the wire. OPC 10000-6, 5.2.2. */
#include "support/test.h"
#include "ua/codec.h"

#include <math.h>
#include <string.h>

#define BYTES(...) ((kw_bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

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

static void assert_encodes(const kw_type *type, const void *value, kw_bytes expected)
{
    uint8_t buffer[512];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    assert_int_equal(kw_ua_encode(&w, type, value), KW_GOOD);
    assert_int_equal(w.len, expected.len);
    assert_memory_equal(buffer, expected.data, expected.len);
}

/* Both ways. */
static void assert_is_bytes(const kw_type *type, const void *value, kw_bytes expected)
{
    assert_encodes(type, value, expected);
    void *back = kw_arena_alloc(arena, type->size);
    assert_int_equal(kw_ua_decode_all(expected, arena, NULL, type, back), KW_GOOD);
    assert_true(kw_ua_equal(type, value, back));
}

static kw_status decode(const kw_type *type, kw_bytes bytes)
{
    return kw_ua_decode_all(bytes, arena, NULL, type, kw_arena_alloc(arena, type->size));
}

static void numbers_are_little_endian(void **state)
{
    (void)state;
    const int32_t billion = 1000000000;
    assert_is_bytes(KW_TYPE_INT32, &billion, BYTES(0x00, 0xCA, 0x9A, 0x3B));
    const float minus_six_and_a_half = -6.5f;
    assert_is_bytes(KW_TYPE_FLOAT, &minus_six_and_a_half, BYTES(0x00, 0x00, 0xD0, 0xC0));
    const int16_t minus_two = -2;
    assert_is_bytes(KW_TYPE_INT16, &minus_two, BYTES(0xFE, 0xFF));
    const uint64_t big = 0x0102030405060708u;
    assert_is_bytes(KW_TYPE_UINT64, &big, BYTES(8, 7, 6, 5, 4, 3, 2, 1));
}

static void any_nan_goes_out_as_the_quiet_one(void **state)
{
    (void)state;
    const float nan_f = -nanf("7");
    assert_encodes(KW_TYPE_FLOAT, &nan_f, BYTES(0x00, 0x00, 0xC0, 0x7F));
    const double nan_d = nan("5");
    assert_encodes(KW_TYPE_DOUBLE, &nan_d, BYTES(0, 0, 0, 0, 0, 0, 0xF8, 0x7F));
}

static void booleans_are_normalised(void **state)
{
    (void)state;
    bool value = false;
    assert_int_equal(kw_ua_decode_all(BYTES(0x80), arena, NULL, KW_TYPE_BOOLEAN, &value), KW_GOOD);
    assert_true(value);
    assert_encodes(KW_TYPE_BOOLEAN, &value, BYTES(1));
    kw_variant v;
    assert_int_equal(kw_ua_decode_all(BYTES(0x81, 2, 0, 0, 0, 0x02, 0x00), arena, NULL, KW_TYPE_VARIANT, &v), KW_GOOD);
    assert_encodes(KW_TYPE_VARIANT, &v, BYTES(0x81, 2, 0, 0, 0, 0x01, 0x00));
}

static void strings_carry_their_length_in_bytes(void **state)
{
    (void)state;
    const kw_string water_boy = KW_STRING("水Boy");
    assert_is_bytes(KW_TYPE_STRING, &water_boy, BYTES(6, 0, 0, 0, 0xE6, 0xB0, 0xB4, 0x42, 0x6F, 0x79));
    const kw_string none = KW_BYTES_NULL, empty = KW_STRING("");
    assert_is_bytes(KW_TYPE_STRING, &none, BYTES(0xFF, 0xFF, 0xFF, 0xFF));
    assert_is_bytes(KW_TYPE_STRING, &empty, BYTES(0, 0, 0, 0));
    const kw_bytes element = KW_STRING("<A>Hot水</A>");
    assert_is_bytes(KW_TYPE_XML_ELEMENT, &element,
                    BYTES(0x0D, 0, 0, 0, 0x3C, 0x41, 0x3E, 0x48, 0x6F, 0x74, 0xE6, 0xB0, 0xB4, 0x3C, 0x2F, 0x41, 0x3E));
}

static void a_guid_keeps_data4_in_order(void **state)
{
    (void)state;
    const kw_guid guid = {0x72962B91, 0xFA75, 0x4AE6, {0x8D, 0x28, 0xB4, 0x04, 0xDC, 0x7D, 0xAF, 0x63}};
    assert_is_bytes(KW_TYPE_GUID, &guid,
                    BYTES(0x91, 0x2B, 0x96, 0x72, 0x75, 0xFA, 0xE6, 0x4A, 0x8D, 0x28, 0xB4, 0x04, 0xDC, 0x7D, 0xAF, 0x63));
}

static void the_date_time_of_1970_is_its_ticks(void **state)
{
    (void)state;
    const kw_date_time epoch = 116444736000000000;
    assert_is_bytes(KW_TYPE_DATE_TIME, &epoch, BYTES(0x00, 0x80, 0x3E, 0xD5, 0xDE, 0xB1, 0x9D, 0x01));
}

static void node_ids_take_their_shortest_form(void **state)
{
    (void)state;
    const kw_node_id hot = KW_NODE_ID_TEXT(1, "Hot水");
    assert_is_bytes(KW_TYPE_NODE_ID, &hot, BYTES(0x03, 0x01, 0x00, 0x06, 0, 0, 0, 0x48, 0x6F, 0x74, 0xE6, 0xB0, 0xB4));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(0, 72), BYTES(0x00, 0x48));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(5, 1025), BYTES(0x01, 0x05, 0x01, 0x04));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(0, 256), BYTES(0x01, 0x00, 0x00, 0x01));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(1, 1), BYTES(0x01, 0x01, 0x01, 0x00));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(256, 1), BYTES(0x02, 0x00, 0x01, 1, 0, 0, 0));
    assert_is_bytes(KW_TYPE_NODE_ID, &KW_NODE_ID(0, 65536), BYTES(0x02, 0x00, 0x00, 0, 0, 1, 0));
    const kw_node_id opaque = {.ns = 2, .kind = KW_NODE_ID_OPAQUE, .id.string = KW_STRING("\x01\x02")};
    assert_is_bytes(KW_TYPE_NODE_ID, &opaque, BYTES(0x05, 2, 0, 2, 0, 0, 0, 1, 2));
    kw_node_id back;
    assert_int_equal(kw_ua_decode_all(BYTES(0x02, 0, 0, 72, 0, 0, 0), arena, NULL, KW_TYPE_NODE_ID, &back), KW_GOOD);
    assert_true(kw_node_id_equal(&back, &KW_NODE_ID(0, 72))); /* the long form means the same */
}

static void expanded_node_ids_put_the_uri_before_the_server(void **state)
{
    (void)state;
    const kw_expanded_node_id id = {.node_id = KW_NODE_ID(0, 5), .namespace_uri = KW_STRING("u:x"), .server_index = 7};
    assert_is_bytes(KW_TYPE_EXPANDED_NODE_ID, &id, BYTES(0xC0, 0x05, 3, 0, 0, 0, 'u', ':', 'x', 7, 0, 0, 0));
    const kw_expanded_node_id local = {.node_id = KW_NODE_ID(2, 5)};
    assert_is_bytes(KW_TYPE_EXPANDED_NODE_ID, &local, BYTES(0x01, 0x02, 0x05, 0x00));
}

/* */
static void no_reserved_node_id_form_is_taken(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    for (unsigned form = 0; form <= 0xFF; form++) {
        bytes[0] = (uint8_t)form;
        kw_reader r = kw_reader_of((kw_bytes){bytes, sizeof bytes});
        kw_node_id id;
        assert_int_equal(kw_ua_decode(&r, arena, NULL, KW_TYPE_NODE_ID, &id), form <= 5 ? KW_GOOD : KW_BAD_DECODING_ERROR);
        r = kw_reader_of((kw_bytes){bytes, sizeof bytes});
        kw_expanded_node_id expanded;
        assert_int_equal(kw_ua_decode(&r, arena, NULL, KW_TYPE_EXPANDED_NODE_ID, &expanded),
                         (form & 0x3F) <= 5 ? KW_GOOD : KW_BAD_DECODING_ERROR);
    }
}

static void localized_texts_leave_out_what_is_null(void **state)
{
    (void)state;
    const kw_localized_text both = {KW_STRING("en"), KW_STRING("Hi")}, text = {.text = KW_STRING("Hi")}, none = {0};
    assert_is_bytes(KW_TYPE_LOCALIZED_TEXT, &both, BYTES(3, 2, 0, 0, 0, 'e', 'n', 2, 0, 0, 0, 'H', 'i'));
    assert_is_bytes(KW_TYPE_LOCALIZED_TEXT, &text, BYTES(2, 2, 0, 0, 0, 'H', 'i'));
    assert_is_bytes(KW_TYPE_LOCALIZED_TEXT, &none, BYTES(0));
    assert_int_equal(decode(KW_TYPE_LOCALIZED_TEXT, BYTES(4)), KW_BAD_DECODING_ERROR);
}

static void data_values_follow_the_order_of_the_wire(void **state)
{
    (void)state;
    const uint8_t one = 1;
    const kw_data_value v = {.has_value = true,
                             .value = kw_variant_scalar(KW_BUILTIN_BYTE, &one),
                             .has_status = true,
                             .status = KW_BAD_TIMEOUT,
                             .has_source_timestamp = true,
                             .source_timestamp = 2,
                             .has_source_picoseconds = true,
                             .source_picoseconds = 3,
                             .has_server_timestamp = true,
                             .server_timestamp = 4,
                             .has_server_picoseconds = true,
                             .server_picoseconds = 5};
    assert_is_bytes(KW_TYPE_DATA_VALUE, &v,
                    BYTES(0x3F, 3, 1, 0, 0, 0x0A, 0x80, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0));
    kw_data_value back;
    assert_int_equal(kw_ua_decode_all(BYTES(0x10, 0xFF, 0xFF), arena, NULL, KW_TYPE_DATA_VALUE, &back), KW_GOOD);
    assert_int_equal(back.source_picoseconds, 9999);
    assert_int_equal(decode(KW_TYPE_DATA_VALUE, BYTES(0x40)), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode(KW_TYPE_DATA_VALUE, BYTES(0x80)), KW_BAD_DECODING_ERROR);
}

static void diagnostic_infos_put_the_locale_before_the_text(void **state)
{
    (void)state;
    kw_diagnostic_info inner = {.has_inner_status_code = true, .inner_status_code = 9};
    const kw_diagnostic_info info = {.has_locale = true, .locale = 1, .has_localized_text = true, .localized_text = 2, .inner = &inner};
    assert_is_bytes(KW_TYPE_DIAGNOSTIC_INFO, &info, BYTES(0x4C, 1, 0, 0, 0, 2, 0, 0, 0, 0x20, 9, 0, 0, 0));
    assert_int_equal(decode(KW_TYPE_DIAGNOSTIC_INFO, BYTES(0x80)), KW_BAD_DECODING_ERROR);
}

static void a_matrix_carries_its_dimensions_after_the_values(void **state)
{
    (void)state;
    const uint16_t values[] = {1, 2, 3, 4, 5, 6};
    const int32_t dimensions[] = {2, 3};
    kw_variant v = kw_variant_array(KW_BUILTIN_UINT16, values, 6);
    v.dimensions = dimensions;
    v.dimension_count = 2;
    assert_is_bytes(KW_TYPE_VARIANT, &v, BYTES(0xC5, 6, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
    v.count = 5;
    kw_writer w;
    uint8_t buffer[64];
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    assert_int_equal(kw_ua_encode(&w, KW_TYPE_VARIANT, &v), KW_BAD_ENCODING_ERROR);
}

/* Types 26..31 look like a ByteString to who does not know them; what lies past them, or bits that mean nothing there, are refused. */
static void variants_of_reserved_types_are_byte_strings(void **state)
{
    (void)state;
    kw_variant v;
    assert_int_equal(kw_ua_decode_all(BYTES(31, 1, 0, 0, 0, 0xAB), arena, NULL, KW_TYPE_VARIANT, &v), KW_GOOD);
    assert_int_equal(v.type, KW_BUILTIN_BYTE_STRING);
    for (unsigned mask = 0; mask <= 0xFF; mask++) {
        const unsigned type = mask & 0x3F;
        const bool is_array = (mask & 0x80) != 0, has_dimensions = (mask & 0x40) != 0;
        const bool is_refused = type > 31 || (type == 0 && mask != 0) || (has_dimensions && !is_array) || (type == 24 && !is_array);
        uint8_t bytes[64] = {(uint8_t)mask};
        kw_reader r = kw_reader_of((kw_bytes){bytes, sizeof bytes});
        const kw_status status = kw_ua_decode(&r, arena, NULL, KW_TYPE_VARIANT, &v);
        assert_int_equal(status,
                         is_refused || has_dimensions ? KW_BAD_DECODING_ERROR : KW_GOOD); /* empty with dimensions: they cannot fit */
    }
}

static void extension_objects_of_known_types_are_decoded(void **state)
{
    (void)state;
    kw_anonymous_identity_token token = {.policy_id = KW_STRING("a")};
    kw_extension_object object = kw_extension_object_of(KW_TYPE_ANONYMOUS_IDENTITY_TOKEN, &token);
    const kw_bytes bytes = BYTES(0x01, 0x00, 0x41, 0x01, 0x01, 5, 0, 0, 0, 1, 0, 0, 0, 'a');
    assert_is_bytes(KW_TYPE_EXTENSION_OBJECT, &object, bytes);
    kw_extension_object back;
    assert_int_equal(kw_ua_decode_all(bytes, arena, NULL, KW_TYPE_EXTENSION_OBJECT, &back), KW_GOOD);
    const kw_anonymous_identity_token *seen = kw_extension_object_get(&back, KW_TYPE_ANONYMOUS_IDENTITY_TOKEN);
    assert_non_null(seen);
    assert_true(kw_string_equals(seen->policy_id, "a"));
    assert_null(kw_extension_object_get(&back, KW_TYPE_USER_NAME_IDENTITY_TOKEN));
    const kw_extension_object none = {0};
    assert_is_bytes(KW_TYPE_EXTENSION_OBJECT, &none, BYTES(0, 0, 0));
}

static void extension_objects_are_held_to_their_length(void **state)
{
    (void)state;
    /* two bytes more than the structure has: a newer version of it, they are skipped */
    kw_extension_object back;
    const kw_bytes longer = BYTES(0x01, 0x00, 0x41, 0x01, 0x01, 7, 0, 0, 0, 1, 0, 0, 0, 'a', 0xEE, 0xEE);
    assert_int_equal(kw_ua_decode_all(longer, arena, NULL, KW_TYPE_EXTENSION_OBJECT, &back), KW_GOOD);
    assert_non_null(kw_extension_object_get(&back, KW_TYPE_ANONYMOUS_IDENTITY_TOKEN));
    /* the String would reach past the body */
    assert_int_equal(decode(KW_TYPE_EXTENSION_OBJECT, BYTES(0x01, 0x00, 0x41, 0x01, 0x01, 4, 0, 0, 0, 1, 0, 0, 0, 'a')),
                     KW_BAD_DECODING_ERROR);
    assert_int_equal(decode(KW_TYPE_EXTENSION_OBJECT, BYTES(0x00, 0x00, 0x03)), KW_BAD_DECODING_ERROR);
    /* an unknown type stays as it came */
    assert_int_equal(kw_ua_decode_all(BYTES(0x01, 9, 1, 0, 1, 2, 0, 0, 0, 0xAA, 0xBB), arena, NULL, KW_TYPE_EXTENSION_OBJECT, &back),
                     KW_GOOD);
    assert_null(back.type);
    assert_int_equal(back.body.len, 2);
}

static void a_message_begins_with_the_id_of_its_encoding(void **state)
{
    (void)state;
    uint8_t buffer[256];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    kw_close_session_request request = {.delete_subscriptions = true};
    assert_int_equal(kw_ua_encode_message(&w, KW_TYPE_CLOSE_SESSION_REQUEST, &request), KW_GOOD);
    kw_reader r = kw_reader_of(kw_writer_bytes(&w));
    uint32_t id = 0;
    assert_int_equal(kw_ua_decode_message_id(&r, arena, &id), KW_GOOD);
    assert_int_equal(id, 473);
    assert_ptr_equal(kw_type_by_binary_id(id), KW_TYPE_CLOSE_SESSION_REQUEST);
    kw_close_session_request back;
    assert_int_equal(kw_ua_decode(&r, arena, NULL, kw_type_by_binary_id(id), &back), KW_GOOD);
    assert_true(back.delete_subscriptions);
    r = kw_reader_of(BYTES(0x03, 0, 0, 1, 0, 0, 0, 'x'));
    assert_int_equal(kw_ua_decode_message_id(&r, arena, &id), KW_GOOD);
    assert_int_equal(id, 0);
}

static void bits_of_unknown_optional_fields_are_refused(void **state)
{
    (void)state;
    kw_log_record record = {.message = {.text = KW_STRING("m")}};
    uint8_t buffer[128];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof buffer);
    assert_int_equal(kw_ua_encode(&w, KW_TYPE_LOG_RECORD, &record), KW_GOOD);
    assert_int_equal(decode(KW_TYPE_LOG_RECORD, kw_writer_bytes(&w)), KW_GOOD);
    buffer[3] = 0x80;
    assert_int_equal(decode(KW_TYPE_LOG_RECORD, kw_writer_bytes(&w)), KW_BAD_DECODING_ERROR);
}

static void the_table_knows_the_ids_of_the_services(void **state)
{
    (void)state;
    assert_ptr_equal(kw_type_by_binary_id(467), KW_TYPE_ACTIVATE_SESSION_REQUEST);
    assert_ptr_equal(kw_type_by_binary_id(397), KW_TYPE_SERVICE_FAULT);
    assert_ptr_equal(kw_type_by_binary_id(15903), KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE);
    assert_ptr_equal(kw_type_by_data_type(316), KW_TYPE_USER_IDENTITY_TOKEN);
    assert_ptr_equal(kw_type_by_data_type(302), KW_TYPE_MESSAGE_SECURITY_MODE);
    assert_int_equal(KW_TYPE_USER_MANAGEMENT_DATA_TYPE->binary_id, 24292);
    assert_null(kw_type_by_binary_id(1));
    assert_null(kw_type_by_data_type(0));
    assert_null(kw_type_builtin(KW_BUILTIN_NULL));
    assert_null(kw_type_at(kw_type_count()));
}

static void every_data_type_travels_as_a_built_in_type(void **state)
{
    (void)state;
    assert_int_equal(kw_builtin_of_data_type(290), KW_BUILTIN_DOUBLE);           /* Duration */
    assert_int_equal(kw_builtin_of_data_type(295), KW_BUILTIN_STRING);           /* LocaleId */
    assert_int_equal(kw_builtin_of_data_type(24277), KW_BUILTIN_UINT32);         /* PasswordOptionsMask */
    assert_int_equal(kw_builtin_of_data_type(303), KW_BUILTIN_INT32);            /* UserTokenType */
    assert_int_equal(kw_builtin_of_data_type(29), KW_BUILTIN_INT32);             /* Enumeration */
    assert_int_equal(kw_builtin_of_data_type(304), KW_BUILTIN_EXTENSION_OBJECT); /* UserTokenPolicy */
    assert_int_equal(kw_builtin_of_data_type(316), KW_BUILTIN_EXTENSION_OBJECT); /* UserIdentityToken, abstract */
    assert_int_equal(kw_builtin_of_data_type(30), KW_BUILTIN_BYTE_STRING);       /* Image */
    assert_int_equal(kw_builtin_of_data_type(26), KW_BUILTIN_VARIANT);           /* Number */
    assert_int_equal(kw_builtin_of_data_type(12), KW_BUILTIN_STRING);
    assert_int_equal(kw_builtin_of_data_type(2256), KW_BUILTIN_NULL);
}

static void status_codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(kw_status_name(KW_BAD_IDENTITY_TOKEN_REJECTED), "Bad_IdentityTokenRejected");
    assert_string_equal(kw_status_name(KW_GOOD), "Good");
    assert_string_equal(kw_status_name(KW_GOOD_PASSWORD_CHANGE_REQUIRED), "Good_PasswordChangeRequired");
    assert_string_equal(kw_status_name(KW_BAD_TIMEOUT | 0x0480), "Bad_Timeout"); /* information bits are no other code */
    assert_string_equal(kw_status_name(0x8FFF0000u), "Bad_0x8FFF0000");
    kw_status code = 0;
    assert_true(kw_status_from_name("Bad_UserAccessDenied", &code));
    assert_int_equal(code, KW_BAD_USER_ACCESS_DENIED);
    assert_false(kw_status_from_name("Bad_Nothing", &code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_little_endian, setup, teardown),
        cmocka_unit_test_setup_teardown(any_nan_goes_out_as_the_quiet_one, setup, teardown),
        cmocka_unit_test_setup_teardown(booleans_are_normalised, setup, teardown),
        cmocka_unit_test_setup_teardown(strings_carry_their_length_in_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_guid_keeps_data4_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_date_time_of_1970_is_its_ticks, setup, teardown),
        cmocka_unit_test_setup_teardown(node_ids_take_their_shortest_form, setup, teardown),
        cmocka_unit_test_setup_teardown(expanded_node_ids_put_the_uri_before_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(no_reserved_node_id_form_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(localized_texts_leave_out_what_is_null, setup, teardown),
        cmocka_unit_test_setup_teardown(data_values_follow_the_order_of_the_wire, setup, teardown),
        cmocka_unit_test_setup_teardown(diagnostic_infos_put_the_locale_before_the_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_matrix_carries_its_dimensions_after_the_values, setup, teardown),
        cmocka_unit_test_setup_teardown(variants_of_reserved_types_are_byte_strings, setup, teardown),
        cmocka_unit_test_setup_teardown(extension_objects_of_known_types_are_decoded, setup, teardown),
        cmocka_unit_test_setup_teardown(extension_objects_are_held_to_their_length, setup, teardown),
        cmocka_unit_test_setup_teardown(a_message_begins_with_the_id_of_its_encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(bits_of_unknown_optional_fields_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_knows_the_ids_of_the_services, setup, teardown),
        cmocka_unit_test_setup_teardown(every_data_type_travels_as_a_built_in_type, setup, teardown),
        cmocka_unit_test_setup_teardown(status_codes_have_names, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

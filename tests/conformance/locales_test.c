/* Locales of a Session: which translation of a text a Client gets. OPC 10000-4, 5.7.3. */
#include "space/locale.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <stdlib.h>

static const kw_node_id GREETING = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Greeting", 8}};
static const kw_node_id OBJECT = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Speaker", 7}};
static const kw_node_id METHOD = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Speak", 5}};
static const kw_localized_text HELLO = {{(const uint8_t *)"en", 2}, {(const uint8_t *)"Hello", 5}};

typedef struct scene {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session session;
} scene;

static void speak(void *ctx, kw_call *call)
{
    (void)ctx;
    call->outputs[0] = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, &HELLO);
    call->finish(call, KW_GOOD);
}

static void add_nodes(kw_space *space)
{
    static const kw_node_permission ALL[] = {{0, 15644, 0x1021 /* Browse, Read, Call */}};
    static const kw_argument_spec OUT[] = {{"What", 21, -1, "Hello"}};
    assert_status(kw_space_add_object(space, &(kw_node_spec){.id = OBJECT,
                                                             .parent = KW_NODE_ID(0, 85),
                                                             .browse_name = {1, KW_STRING("Hello")},
                                                             .permissions = ALL,
                                                             .permission_count = 1}),
                  KW_GOOD);
    assert_status(kw_space_add_variable(space, &(kw_node_spec){.id = GREETING,
                                                               .parent = OBJECT,
                                                               .browse_name = {1, KW_STRING("Hello")},
                                                               .permissions = ALL,
                                                               .permission_count = 1,
                                                               .data_type = KW_NODE_ID(0, 21),
                                                               .value = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, &HELLO)}),
                  KW_GOOD);
    assert_status(kw_space_add_method(space, &(kw_node_spec){.id = METHOD,
                                                             .parent = OBJECT,
                                                             .browse_name = {1, KW_STRING("Speak")},
                                                             .permissions = ALL,
                                                             .permission_count = 1,
                                                             .outputs = OUT,
                                                             .output_count = 1,
                                                             .call = speak}),
                  KW_GOOD);
}

static int set_up(void **state)
{
    scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    s->world = kw_test_world_new(NULL);
    kw_space *space = kw_server_space(s->world->server);
    add_nodes(space);
    assert_status(kw_space_translate(space, "Hello", "de", "Hallo"), KW_GOOD);
    assert_status(kw_space_translate(space, "Hello", "de-AT", "Servus"), KW_GOOD);
    assert_status(kw_space_translate(space, "Hello", "fr-FR", "Bonjour"), KW_GOOD);
    s->client = kw_test_client_new(s->world, NULL);
    assert_status(kw_test_create_session(s->client, &s->session), KW_GOOD);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;
    kw_test_world_free(s->world);
    free(s);
    return 0;
}

/* Activate once more with these wishes; a list that ends with NULL; NULL: the null array. */
static void wish(scene *s, const char *const *locales)
{
    kw_string list[8];
    kw_activate_session_request *request = kw_test_activation(s->client, &s->session, kw_test_anonymous(s->client, &s->session));
    size_t count = 0;
    while (locales != NULL && locales[count] != NULL) {
        list[count] = kw_string_from(locales[count]);
        count++;
    }
    request->locale_ids = locales != NULL ? list : NULL;
    request->locale_ids_count = count;
    assert_status(kw_test_activate_with(s->client, &s->session, request), KW_GOOD);
}

#define WISH(s, ...) wish((s), (const char *const[]){__VA_ARGS__, NULL})

static void assert_localized(kw_localized_text text, const char *locale, const char *expected)
{
    assert_text(text.text, expected);
    assert_text(text.locale, locale);
}

static void assert_greeting(scene *s, const char *locale, const char *expected)
{
    kw_data_value value;
    assert_status(kw_test_read(s->client, &s->session, &GREETING, &value), KW_GOOD);
    const kw_localized_text *text = kw_variant_get(&value.value, KW_BUILTIN_LOCALIZED_TEXT);
    assert_non_null(text);
    assert_localized(*text, locale, expected);
}

static kw_data_value read_attribute(scene *s, const kw_node_id *node, uint32_t attribute)
{
    kw_read_value_id what = {.node_id = *node, .attribute_id = attribute};
    kw_read_request request = {.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER, .nodes_to_read = &what, .nodes_to_read_count = 1};
    const void *response = NULL;
    assert_status(kw_test_call(s->client, &s->session, KW_TYPE_READ_REQUEST, &request, &response), KW_GOOD);
    return ((const kw_read_response *)response)->results[0];
}

static void as_36_a_text_without_translations_is_returned_as_it_is(void **state)
{
    scene *s = *state;
    WISH(s, "de");
    const kw_node_id server_array = KW_NODE_ID(0, 2254);
    const kw_data_value name = read_attribute(s, &server_array, 4);
    assert_localized(*(const kw_localized_text *)kw_variant_get(&name.value, KW_BUILTIN_LOCALIZED_TEXT), "en", "ServerArray");
}

static void as_37_and_as_48_the_first_wish_that_is_there_exactly_wins(void **state)
{
    scene *s = *state;
    WISH(s, "fr", "de-AT", "de");
    assert_greeting(s, "de-AT", "Servus");
    WISH(s, "de", "de-AT");
    assert_greeting(s, "de", "Hallo");
    WISH(s, "DE-at");
    assert_greeting(s, "de-AT", "Servus");
}

static void as_38_then_the_language_alone_in_the_same_order(void **state)
{
    scene *s = *state;
    WISH(s, "ja", "fr");
    assert_greeting(s, "fr-FR", "Bonjour");
    WISH(s, "fr-CA", "de-CH");
    assert_greeting(s, "fr-FR", "Bonjour");
    WISH(s, "de-CH", "fr-CA");
    assert_greeting(s, "de", "Hallo");
}

static void as_39_and_as_50_else_what_there_is_with_its_locale(void **state)
{
    scene *s = *state;
    WISH(s, "ja");
    assert_greeting(s, "en", "Hello");
}

static void as_51_who_never_gave_a_locale_gets_any(void **state)
{
    scene *s = *state;
    wish(s, NULL);
    assert_greeting(s, "en", "Hello");
}

static void as_33_an_entry_without_a_language_says_nothing(void **state)
{
    scene *s = *state;
    WISH(s, "-DE", "fr");
    assert_greeting(s, "fr-FR", "Bonjour");
    WISH(s, "-DE");
    assert_greeting(s, "fr-FR", "Bonjour");
}

static void as_34_and_as_35_language_and_region_or_language_alone(void **state)
{
    scene *s = *state;
    WISH(s, "de-AT");
    assert_greeting(s, "de-AT", "Servus");
    WISH(s, "de");
    assert_greeting(s, "de", "Hallo");
}

static void as_52_and_as_53_null_and_empty_keep_the_list(void **state)
{
    static const char *const NONE[] = {NULL};
    scene *s = *state;
    WISH(s, "de");
    wish(s, NULL);
    assert_greeting(s, "de", "Hallo");
    wish(s, NONE);
    assert_greeting(s, "de", "Hallo");
}

static void as_30_a_refused_activation_leaves_the_locales(void **state)
{
    scene *s = *state;
    kw_string french = KW_STRING("fr");
    WISH(s, "de");
    kw_activate_session_request *request =
        kw_test_activation(s->client, &s->session, kw_test_user_name(s->client, &s->session, "nobody", "wrong"));
    request->locale_ids = &french;
    request->locale_ids_count = 1;
    assert_status(kw_test_activate_with(s->client, &s->session, request), KW_BAD_USER_ACCESS_DENIED);
    assert_greeting(s, "de", "Hallo");
}

static void as_49_names_arguments_and_results_of_methods_too(void **state)
{
    scene *s = *state;
    WISH(s, "de");
    const kw_data_value name = read_attribute(s, &OBJECT, 4);
    assert_true(name.has_value);
    kw_call_method_result result;
    assert_status(kw_test_call_method(s->client, &s->session, &OBJECT, &METHOD, NULL, 0, &result), KW_GOOD);
    assert_localized(*(const kw_localized_text *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_LOCALIZED_TEXT), "de", "Hallo");
    const kw_node_id arguments = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = KW_STRING("ns=1;s=Speak.OutputArguments")};
    const kw_data_value described = read_attribute(s, &arguments, 13);
    const kw_extension_object *objects = described.value.data;
    assert_int_equal(described.value.count, 1);
    assert_localized(((const kw_argument *)objects[0].value)->description, "de", "Hallo");
}

static void as_49_browse_and_the_list_of_locales(void **state)
{
    scene *s = *state;
    WISH(s, "de");
    kw_browse_description what = {.node_id = KW_NODE_ID(0, 84), .browse_direction = KW_BROWSE_DIRECTION_FORWARD, .result_mask = 63};
    kw_browse_request request = {.nodes_to_browse = &what, .nodes_to_browse_count = 1};
    const void *answer = NULL;
    bool found = false;
    assert_status(kw_test_call(s->client, &s->session, KW_TYPE_BROWSE_REQUEST, &request, &answer), KW_GOOD);
    const kw_browse_result *result = ((const kw_browse_response *)answer)->results;
    for (size_t i = 0; i < result->references_count; i++) {
        found = found || kw_string_equals(result->references[i].display_name.text, "Objekte");
    }
    assert_true(found);
    const kw_node_id locales = KW_NODE_ID(0, 2271);
    const kw_data_value list = read_attribute(s, &locales, 13);
    assert_int_equal(list.value.count, 5); /* en, de, fr, de-AT, fr-FR */
    assert_text(((const kw_string *)list.value.data)[0], "en");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(as_36_a_text_without_translations_is_returned_as_it_is),
        TEST(as_37_and_as_48_the_first_wish_that_is_there_exactly_wins),
        TEST(as_38_then_the_language_alone_in_the_same_order),
        TEST(as_39_and_as_50_else_what_there_is_with_its_locale),
        TEST(as_51_who_never_gave_a_locale_gets_any),
        TEST(as_33_an_entry_without_a_language_says_nothing),
        TEST(as_34_and_as_35_language_and_region_or_language_alone),
        TEST(as_52_and_as_53_null_and_empty_keep_the_list),
        TEST(as_30_a_refused_activation_leaves_the_locales),
        TEST(as_49_names_arguments_and_results_of_methods_too),
        TEST(as_49_browse_and_the_list_of_locales),
    };
    return cmocka_run_group_tests_name("locales", tests, NULL, NULL);
}

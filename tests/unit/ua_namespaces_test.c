/* Namespace indexes of a value are translated everywhere in it, and nowhere else. */
#include "support/test.h"
#include "support/ua_random.h"
#include "ua/codec.h"
#include "ua/namespaces.h"

static kw_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = kw_arena_new(64u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_arena_free(arena);
    return 0;
}

static void node_ids_names_and_variants_are_translated(void **state)
{
    (void)state;
    const uint16_t map[] = {0, 7, 9};
    kw_node_id *ids = KW_ARENA_ARRAY(arena, kw_node_id, 2);
    ids[0] = KW_NODE_ID(1, 5);
    ids[1] = KW_NODE_ID(3, 5);
    kw_call_method_request call = {.object_id = KW_NODE_ID(2, 1), .method_id = KW_NODE_ID(0, 1)};
    call.input_arguments = KW_ARENA_NEW(arena, kw_variant);
    call.input_arguments_count = 1;
    call.input_arguments[0] = kw_variant_array(KW_BUILTIN_NODE_ID, ids, 2);
    kw_ua_map_namespaces(KW_TYPE_CALL_METHOD_REQUEST, &call, map, 3);
    assert_int_equal(call.object_id.ns, 9);
    assert_int_equal(call.method_id.ns, 0);
    assert_int_equal(ids[0].ns, 7);
    assert_int_equal(ids[1].ns, 3); /* past the map */
    kw_qualified_name name = {.ns = 1, .name = KW_STRING("x")};
    kw_ua_map_namespaces(KW_TYPE_QUALIFIED_NAME, &name, map, 3);
    assert_int_equal(name.ns, 7);
}

static void ids_that_belong_to_another_table_stay(void **state)
{
    (void)state;
    const uint16_t map[] = {0, 7};
    kw_expanded_node_id by_uri = {.node_id = KW_NODE_ID(0, 1), .namespace_uri = KW_STRING("urn:x")};
    kw_expanded_node_id elsewhere = {.node_id = KW_NODE_ID(1, 1), .server_index = 1}, here = {.node_id = KW_NODE_ID(1, 1)};
    kw_ua_map_namespaces(KW_TYPE_EXPANDED_NODE_ID, &by_uri, map, 2);
    kw_ua_map_namespaces(KW_TYPE_EXPANDED_NODE_ID, &elsewhere, map, 2);
    kw_ua_map_namespaces(KW_TYPE_EXPANDED_NODE_ID, &here, map, 2);
    assert_int_equal(by_uri.node_id.ns, 0);
    assert_int_equal(elsewhere.node_id.ns, 1); /* an index of that Server */
    assert_int_equal(here.node_id.ns, 7);
}

static void there_and_back_again_is_the_same(void **state)
{
    (void)state;
    const uint16_t swap[] = {0, 2, 1};
    size_t changed = 0;
    for (size_t i = 0; i < kw_type_count(); i++) {
        kw_arena_reset(arena);
        const kw_type *type = kw_type_at(i);
        kw_ua_random r = {.state = i, .arena = arena};
        void *value = kw_arena_alloc(arena, type->size), *copy = kw_arena_alloc(arena, type->size);
        kw_ua_random_value(&r, type, value);
        assert_int_equal(kw_ua_copy(arena, type, value, copy), KW_GOOD);
        kw_ua_map_namespaces(type, copy, swap, 3);
        changed += !kw_ua_equal(type, value, copy);
        kw_ua_map_namespaces(type, copy, swap, 3);
        assert_true(kw_ua_equal(type, value, copy));
    }
    assert_true(changed > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(node_ids_names_and_variants_are_translated, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_that_belong_to_another_table_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(there_and_back_again_is_the_same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

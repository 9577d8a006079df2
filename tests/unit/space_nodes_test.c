/* Nodes of every NodeClass that come and go at run time, and their references. */
#include "space/space_internal.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define ORGANIZES KW_NODE_ID(0, KW_ID_ORGANIZES)

static kw_arena *arena;
static kw_space *space;
static const kw_granted_role ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}}};
static const kw_identity ANONYMOUS = {.roles = ROLES, .role_count = 1};

static int set_up(void **state)
{
    (void)state;
    const kw_space_config config = {.application_uri = KW_STRING("urn:test:nodes"), .clock = &KW_CLOCK_SYSTEM};
    arena = kw_arena_new((size_t)16 << 20);
    return kw_space_new(&config, &space) == KW_GOOD ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kw_space_free(space);
    kw_arena_free(arena);
    return 0;
}

static kw_status add(kw_node_class node_class, kw_node_spec spec, uint32_t id)
{
    spec.id = KW_NODE_ID(1, id);
    spec.browse_name = (kw_qualified_name){1, KW_STRING("Name")};
    return kw_space_add_node(space, node_class, &spec);
}

static const void *read(uint32_t id, uint32_t attribute, kw_builtin type)
{
    const kw_access access = {.identity = &ANONYMOUS, .mode = KW_MESSAGE_SECURITY_MODE_NONE, .has_session = true};
    kw_node_ref node;
    kw_data_value value;
    assert_true(kw_space_find(space, &KW_NODE_ID(1, id), &node));
    assert_int_equal(kw_node_read(space, &access, &node, attribute, arena, &value), KW_GOOD);
    const void *data = kw_variant_get(&value.value, type);
    assert_non_null(data);
    return data;
}

static size_t count_references(kw_node_id id, bool with_remote)
{
    kw_node_ref node;
    kw_reference_view r;
    size_t count = 0;
    assert_true(kw_space_find(space, &id, &node));
    for (size_t cursor = 0;
         with_remote ? kw_space_next_link(space, &node, &cursor, &r) : kw_space_next_reference(space, &node, &cursor, &r);) {
        count++;
    }
    return count;
}

#define RIGHTS_MASK (1u << 23 | 1u << 24) /* RolePermissions and AccessRestrictions of every node can be written */

static void every_node_class_keeps_its_attributes(void **state)
{
    (void)state;
    const kw_localized_text text = {KW_STRING("en"), KW_STRING("Says")};
    const uint32_t dimensions[] = {2, 3};
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.event_notifier = 5, .description = text, .write_mask = 64}, 1), KW_GOOD);
    assert_int_equal(*(const uint8_t *)read(1, 12, KW_BUILTIN_BYTE), 5);
    assert_int_equal(*(const uint32_t *)read(1, 6, KW_BUILTIN_UINT32), 64 | RIGHTS_MASK);
    assert_true(kw_string_equals(((const kw_localized_text *)read(1, 5, KW_BUILTIN_LOCALIZED_TEXT))->text, "Says"));
    assert_int_equal(add(KW_NODE_CLASS_VARIABLE,
                         (kw_node_spec){.data_type = KW_NODE_ID(0, 11),
                                        .value_rank = 2,
                                        .dimensions = dimensions,
                                        .dimension_count = 2,
                                        .has_access_level = true,
                                        .access_level = 0x405,
                                        .has_minimum_sampling_interval = true,
                                        .minimum_sampling_interval = 250,
                                        .historizing = true},
                         2),
                     KW_GOOD);
    assert_int_equal(*(const uint32_t *)read(2, 27, KW_BUILTIN_UINT32), 0x405);
    assert_int_equal(*(const uint8_t *)read(2, 17, KW_BUILTIN_BYTE), 5);
    assert_true(*(const double *)read(2, 19, KW_BUILTIN_DOUBLE) == 250);
    assert_true(*(const bool *)read(2, 20, KW_BUILTIN_BOOLEAN));
    assert_int_equal(add(KW_NODE_CLASS_METHOD, (kw_node_spec){0}, 3), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT_TYPE, (kw_node_spec){.is_abstract = true}, 4), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_VARIABLE_TYPE, (kw_node_spec){.is_abstract = true, .data_type = KW_NODE_ID(0, 11)}, 5), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_REFERENCE_TYPE, (kw_node_spec){.is_symmetric = true, .inverse_name = text}, 6), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_DATA_TYPE, (kw_node_spec){.is_abstract = true}, 7), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_VIEW, (kw_node_spec){.has_loops = true}, 8), KW_GOOD);
    assert_true(*(const bool *)read(4, 8, KW_BUILTIN_BOOLEAN) && *(const bool *)read(5, 8, KW_BUILTIN_BOOLEAN));
    assert_true(*(const bool *)read(6, 9, KW_BUILTIN_BOOLEAN) && *(const bool *)read(7, 8, KW_BUILTIN_BOOLEAN));
    assert_true(kw_string_equals(((const kw_localized_text *)read(6, 10, KW_BUILTIN_LOCALIZED_TEXT))->text, "Says"));
    assert_false(*(const bool *)read(8, 11, KW_BUILTIN_BOOLEAN));
    assert_int_equal(add((kw_node_class)3, (kw_node_spec){0}, 9), KW_BAD_NODE_CLASS_INVALID);
    assert_int_equal(add(KW_NODE_CLASS_VARIABLE, (kw_node_spec){.value_rank = -4}, 9), KW_BAD_NODE_ATTRIBUTES_INVALID);
}

static void references_may_come_before_their_nodes(void **state)
{
    (void)state;
    const kw_node_id a = KW_NODE_ID(1, 1), b = KW_NODE_ID(1, 2), type = ORGANIZES;
    const kw_expanded_node_id far = {.node_id = KW_NODE_ID(1, 2), .server_index = 3};
    kw_node_ref ref;
    assert_int_equal(kw_space_add_reference(space, &a, &type, &b), KW_GOOD);
    assert_int_equal(kw_space_add_reference(space, &a, &type, &b), KW_BAD_DUPLICATE_REFERENCE_NOT_ALLOWED);
    assert_false(kw_space_find(space, &a, &ref));
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 1), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 2), KW_GOOD);
    assert_int_equal(count_references(a, false), 1);
    assert_int_equal(count_references(b, false), 1);
    assert_int_equal(kw_space_add_remote_reference(space, &a, &type, true, &far), KW_GOOD);
    assert_int_equal(count_references(a, false), 1);
    assert_int_equal(count_references(a, true), 2);
    assert_int_equal(kw_space_remove_reference(space, &a, &type, true, &far, true), KW_GOOD);
    assert_int_equal(kw_space_remove_reference(space, &a, &type, true, &far, true), KW_BAD_NOT_FOUND);
    assert_int_equal(kw_space_remove(space, &b), KW_GOOD);
    assert_int_equal(count_references(a, true), 0);
}

static void what_others_say_of_a_node_stays_when_it_goes_alone(void **state)
{
    (void)state;
    const kw_node_id a = KW_NODE_ID(1, 1), b = KW_NODE_ID(1, 2), type = ORGANIZES;
    const kw_expanded_node_id far = {.node_id = KW_NODE_ID(1, 2), .server_index = 3};
    kw_node_ref ref;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 1), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = a, .reference_type = ORGANIZES}, 2), KW_GOOD);
    assert_int_equal(kw_space_add_reference(space, &b, &type, &a), KW_GOOD);
    assert_int_equal(kw_space_add_remote_reference(space, &b, &type, true, &far), KW_GOOD);
    assert_int_equal(count_references(a, false), 2);
    assert_int_equal(count_references(b, true), 3);
    assert_int_equal(kw_space_remove_alone(space, &b), KW_GOOD);
    assert_int_equal(kw_space_remove_alone(space, &b), KW_BAD_NODE_ID_UNKNOWN);
    assert_false(kw_space_find(space, &b, &ref));
    assert_int_equal(count_references(a, false), 2); /* … that lead nowhere */
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = a, .reference_type = ORGANIZES}, 2), KW_GOOD);
    assert_int_equal(count_references(a, false), 2); /* none comes twice */
    assert_int_equal(count_references(b, true), 1);  /* what it said itself is gone */
    assert_int_equal(kw_space_remove(space, &b), KW_GOOD);
}

static void a_cursor_meets_what_stays_once(void **state)
{
    (void)state;
    enum { CHILDREN = 3000 };
    static uint8_t met[CHILDREN];
    const kw_node_id folder = KW_NODE_ID(1, 5000);
    kw_node_ref node;
    kw_reference_view r;
    size_t cursor = 0;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 5000), KW_GOOD);
    for (uint32_t i = 1; i < CHILDREN; i++) {
        assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = folder, .reference_type = ORGANIZES}, i), KW_GOOD);
    }
    for (int i = 0; i < 1000; i++) {
        assert_true(kw_space_find(space, &folder, &node) && kw_space_next_reference(space, &node, &cursor, &r));
        met[r.target.id.numeric]++;
    }
    for (uint32_t i = 1; i < CHILDREN; i += 2) {
        assert_int_equal(kw_space_remove(space, &KW_NODE_ID(1, i)), KW_GOOD);
    }
    assert_true(kw_space_find(space, &folder, &node));
    while (kw_space_next_reference(space, &node, &cursor, &r)) {
        met[r.target.id.numeric]++;
    }
    for (uint32_t i = 2; i < CHILDREN; i += 2) {
        assert_int_equal(met[i], 1);
    }
}

static void nobody_gains_a_right_because_a_parent_went(void **state)
{
    (void)state;
    static const kw_node_permission NONE_FOR_US[] = {{0, 15704, KW_PERMISSION_BROWSE}};
    const kw_access access = {.identity = &ANONYMOUS, .has_session = true};
    const kw_node_id parent = KW_NODE_ID(1, 1);
    kw_node_ref child;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.permissions = NONE_FOR_US, .permission_count = 1}, 1), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = parent, .reference_type = ORGANIZES}, 2), KW_GOOD);
    assert_int_equal(kw_space_remove(space, &parent), KW_GOOD);
    assert_true(kw_space_find(space, &KW_NODE_ID(1, 2), &child));
    assert_int_equal(kw_node_permissions(space, &access, &child), 0);
}

static void what_is_half_named_keeps_its_place(void **state)
{
    (void)state;
    const kw_node_id parent = KW_NODE_ID(1, 1), child = KW_NODE_ID(1, 2), type = ORGANIZES;
    const kw_expanded_node_id to_child = {.node_id = child};
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 1), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = parent, .reference_type = ORGANIZES}, 2), KW_GOOD);
    assert_int_equal(kw_space_remove_reference(space, &parent, &type, true, &to_child, false), KW_GOOD);
    assert_int_equal(kw_space_remove_reference(space, &parent, &type, true, &to_child, false), KW_BAD_NOT_FOUND);
    assert_int_equal(kw_space_remove(space, &parent), KW_GOOD);
    assert_int_equal(kw_space_remove(space, &child), KW_GOOD);
    for (uint32_t id = 3; id < 9; id++) { /* no two have the same place */
        assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.event_notifier = (uint8_t)id}, id), KW_GOOD);
    }
    for (uint32_t id = 3; id < 9; id++) {
        assert_int_equal(((const kw_node_id *)read(id, 1, KW_BUILTIN_NODE_ID))->id.numeric, id);
        assert_int_equal(*(const uint8_t *)read(id, 12, KW_BUILTIN_BYTE), id);
    }
}

static uint32_t rights_after_cut(bool both_ends, bool from_child)
{
    static const kw_node_permission NONE_FOR_US[] = {{0, 15704, KW_PERMISSION_BROWSE}};
    const kw_access access = {.identity = &ANONYMOUS, .has_session = true};
    const kw_node_id parent = KW_NODE_ID(1, 1), child = KW_NODE_ID(1, 2), type = ORGANIZES;
    const kw_expanded_node_id to_child = {.node_id = child}, to_parent = {.node_id = parent};
    kw_node_ref node;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.permissions = NONE_FOR_US, .permission_count = 1}, 1), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = parent, .reference_type = ORGANIZES}, 2), KW_GOOD);
    assert_int_equal(from_child ? kw_space_remove_reference(space, &child, &type, false, &to_parent, both_ends)
                                : kw_space_remove_reference(space, &parent, &type, true, &to_child, both_ends),
                     KW_GOOD);
    assert_int_equal(kw_space_remove(space, &parent), KW_GOOD);
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = child, .reference_type = ORGANIZES}, 3), KW_GOOD);
    assert_true(kw_space_find(space, &KW_NODE_ID(1, 3), &node));
    const uint32_t permissions = kw_node_permissions(space, &access, &node);
    assert_int_equal(kw_space_remove(space, &KW_NODE_ID(1, 3)), KW_GOOD);
    assert_int_equal(kw_space_remove(space, &child), KW_GOOD);
    return permissions;
}

static void nobody_gains_a_right_because_a_reference_went(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        assert_int_equal(rights_after_cut((how & 1) != 0, (how & 2) != 0), 0);
    }
}

static void nodes_hang_below_each_other_so_deep(void **state)
{
    enum { DEPTH = 100 };
    (void)state;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 1), KW_GOOD);
    for (uint32_t id = 2; id <= DEPTH; id++) {
        assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = KW_NODE_ID(1, id - 1), .reference_type = ORGANIZES}, id),
                         KW_GOOD);
    }
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){.parent = KW_NODE_ID(1, DEPTH), .reference_type = ORGANIZES}, DEPTH + 1),
                     KW_BAD_RESOURCE_UNAVAILABLE);
}

static void what_is_asked_in_vain_leaves_nothing_behind(void **state)
{
    (void)state;
    const kw_node_id a = KW_NODE_ID(1, 1), no_type = KW_NODE_ID(1, 77), type = ORGANIZES;
    assert_int_equal(add(KW_NODE_CLASS_OBJECT, (kw_node_spec){0}, 1), KW_GOOD);
    const uint32_t used = space->store.used;
    for (uint32_t i = 0; i < 10; i++) {
        const kw_expanded_node_id far = {.node_id = KW_NODE_ID(1, i + 1), .server_index = 3};
        assert_int_equal(kw_space_remove_reference(space, &a, &no_type, true, &far, true), KW_BAD_NOT_FOUND);
        assert_int_equal(kw_space_remove_reference(space, &a, &type, true, &far, true), KW_BAD_NOT_FOUND);
    }
    assert_int_equal(space->store.used, used);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(every_node_class_keeps_its_attributes),
                                       TEST(references_may_come_before_their_nodes),
                                       TEST(what_others_say_of_a_node_stays_when_it_goes_alone),
                                       TEST(a_cursor_meets_what_stays_once),
                                       TEST(nobody_gains_a_right_because_a_parent_went),
                                       TEST(nobody_gains_a_right_because_a_reference_went),
                                       TEST(what_is_half_named_keeps_its_place),
                                       TEST(nodes_hang_below_each_other_so_deep),
                                       TEST(what_is_asked_in_vain_leaves_nothing_behind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

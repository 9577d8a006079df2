/* The address space by itself: tables, permissions, attributes, writes, ranges, Methods. */
#include "space/node.h"
#include "support/test.h"
#include "ua/nodeset.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define URI KW_STRING("urn:test:space")
#define VALUE 13

static kw_arena *arena;
static kw_space *space;

/* --- who asks ------------------------------------------------------------------------------------------------------------- */

static const kw_granted_role ANONYMOUS_ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}}};
static const kw_granted_role OPERATOR_ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}},
                                                 {0, 15680, {(const uint8_t *)"Operator", 8}}};
static const kw_granted_role SECURITY_ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}},
                                                 {0, 15704, {(const uint8_t *)"SecurityAdmin", 13}}};

static const kw_identity ANONYMOUS = {.roles = ANONYMOUS_ROLES, .role_count = 1};
static const kw_identity OPERATOR = {.roles = OPERATOR_ROLES, .role_count = 2};
static const kw_identity SECURITY_ADMIN = {.roles = SECURITY_ROLES, .role_count = 2};
static const kw_identity NOBODY = {.role_count = 0};

static kw_access as(const kw_identity *identity, kw_message_security_mode mode)
{
    return (kw_access){.identity = identity, .mode = mode, .has_session = true};
}

#define ENCRYPTED KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT
#define SIGNED KW_MESSAGE_SECURITY_MODE_SIGN
#define OPEN KW_MESSAGE_SECURITY_MODE_NONE

/* --- shorthands ------------------------------------------------------------------------------------------------------------- */

static kw_node_ref node(kw_node_id id)
{
    kw_node_ref ref;
    assert_true(kw_space_find(space, &id, &ref));
    return ref;
}

static kw_status read_as(const kw_identity *who, kw_message_security_mode mode, kw_node_id id, uint32_t attribute, kw_data_value *out)
{
    const kw_access access = as(who, mode);
    const kw_node_ref ref = node(id);
    return kw_node_read(space, &access, &ref, attribute, arena, out);
}

static kw_status write_as(const kw_identity *who, kw_node_id id, const char *range, kw_variant value)
{
    const kw_access access = as(who, ENCRYPTED);
    const kw_node_ref ref = node(id);
    const kw_data_value v = {.has_value = true, .value = value};
    return kw_node_write(space, &access, &ref, VALUE, kw_string_from(range), &v, arena);
}

static const kw_node_permission OPERATORS_ONLY[] = {{0, 15644, KW_PERMISSION_BROWSE},
                                                    {0, 15680, KW_PERMISSION_BROWSE | KW_PERMISSION_READ | KW_PERMISSION_WRITE}};
static const kw_node_permission SECRET[] = {{0, 15704, KW_PERMISSION_BROWSE | KW_PERMISSION_READ}};

#define SPEED KW_NODE_ID_TEXT(1, "Speed")
#define CURVE KW_NODE_ID_TEXT(1, "Curve")
#define HIDDEN KW_NODE_ID_TEXT(1, "Hidden")
#define GUARDED KW_NODE_ID_TEXT(1, "Guarded")
#define FOLDER KW_NODE_ID_TEXT(1, "Folder")
#define CHILD KW_NODE_ID_TEXT(1, "Child")
#define METHOD KW_NODE_ID_TEXT(1, "Folder.Method")

static void answer(void *ctx, kw_call *call)
{
    (void)ctx;
    call->finish(call, KW_GOOD);
}

static void add_nodes(void)
{
    static const double speed = 1.5;
    static const int32_t curve[] = {0, 1, 2, 3, 4};
    static const kw_argument_spec in[] = {{"Value", 11, -1, NULL}};
    const kw_node_id objects = KW_NODE_ID(0, 85);
    assert_int_equal(kw_space_add_variable(space, &(kw_node_spec){.id = SPEED,
                                                                  .parent = objects,
                                                                  .browse_name = {1, KW_STRING("Speed")},
                                                                  .permissions = OPERATORS_ONLY,
                                                                  .permission_count = 2,
                                                                  .data_type = KW_NODE_ID(0, 11),
                                                                  .writable = true,
                                                                  .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, &speed)}),
                     KW_GOOD);
    assert_int_equal(kw_space_add_variable(space, &(kw_node_spec){.id = CURVE,
                                                                  .parent = objects,
                                                                  .browse_name = {1, KW_STRING("Curve")},
                                                                  .permissions = OPERATORS_ONLY,
                                                                  .permission_count = 2,
                                                                  .data_type = KW_NODE_ID(0, 6),
                                                                  .value_rank = 1,
                                                                  .writable = true,
                                                                  .value = kw_variant_array(KW_BUILTIN_INT32, curve, 5)}),
                     KW_GOOD);
    assert_int_equal(kw_space_add_variable(space, &(kw_node_spec){.id = HIDDEN,
                                                                  .parent = objects,
                                                                  .browse_name = {1, KW_STRING("Hidden")},
                                                                  .permissions = SECRET,
                                                                  .permission_count = 1,
                                                                  .data_type = KW_NODE_ID(0, 11),
                                                                  .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, &speed)}),
                     KW_GOOD);
    assert_int_equal(kw_space_add_variable(space, &(kw_node_spec){.id = GUARDED,
                                                                  .parent = objects,
                                                                  .browse_name = {1, KW_STRING("Guarded")},
                                                                  .restrictions = KW_RESTRICTION_ENCRYPTION,
                                                                  .data_type = KW_NODE_ID(0, 11),
                                                                  .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, &speed)}),
                     KW_GOOD);
    assert_int_equal(kw_space_add_object(space, &(kw_node_spec){.id = FOLDER,
                                                                .parent = objects,
                                                                .browse_name = {1, KW_STRING("Folder")},
                                                                .permissions = OPERATORS_ONLY,
                                                                .permission_count = 2}),
                     KW_GOOD);
    assert_int_equal(kw_space_add_variable(space, &(kw_node_spec){.id = CHILD,
                                                                  .parent = FOLDER,
                                                                  .browse_name = {1, KW_STRING("Child")},
                                                                  .data_type = KW_NODE_ID(0, 11),
                                                                  .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, &speed)}),
                     KW_GOOD);
    assert_int_equal(
        kw_space_add_method(
            space,
            &(kw_node_spec){
                .id = METHOD, .parent = FOLDER, .browse_name = {1, KW_STRING("Method")}, .inputs = in, .input_count = 1, .call = answer}),
        KW_GOOD);
}

static int set_up(void **state)
{
    (void)state;
    const kw_space_config config = {.application_uri = URI, .with_gds = true, .clock = &KW_CLOCK_SYSTEM};
    arena = kw_arena_new((size_t)64 << 20);
    assert_int_equal(kw_space_new(&config, &space), KW_GOOD);
    add_nodes();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kw_space_free(space);
    kw_arena_free(arena);
    return 0;
}

/* --- the tables --------------------------------------------------------------------------------------------------------------- */

static void every_reference_of_the_tables_has_its_other_end(void **state)
{
    (void)state;
    const kw_nodeset *set = &kw_nodesets[KW_MODEL_CORE];
    for (size_t i = 0; i < set->node_count; i++) {
        const kw_node_ref from = node(KW_NODE_ID(0, set->nodes[i].id));
        kw_reference_view r, back;
        for (size_t cursor = 0; kw_space_next_reference(space, &from, &cursor, &r);) {
            kw_node_ref to;
            bool found = !kw_space_find(space, &r.target, &to); /* a part of the GDS model that is not here */
            for (size_t c = 0; !found && kw_space_next_reference(space, &to, &c, &back);) {
                found =
                    back.is_forward != r.is_forward && kw_node_id_equal(&back.type, &r.type) && kw_node_id_equal(&back.target, &from.id);
            }
            if (!found && r.target.ns == 1) { /* own instances are not listed at their types */
                found = true;
            }
            assert_true(found);
        }
    }
}

static void everything_can_be_reached_from_the_root(void **state)
{
    (void)state;
    const kw_nodeset *set = &kw_nodesets[KW_MODEL_CORE];
    const uint32_t highest = set->nodes[set->node_count - 1].id;
    uint8_t *seen = calloc(highest + 1, 1);
    uint32_t *queue = malloc((highest + 1) * sizeof(*queue));
    size_t head = 0, tail = 0, count = 1;
    queue[tail++] = KW_ID_ROOT_FOLDER;
    seen[KW_ID_ROOT_FOLDER] = 1;
    while (head < tail) {
        const kw_node_ref from = node(KW_NODE_ID(0, queue[head++]));
        kw_reference_view r;
        for (size_t cursor = 0; kw_space_next_reference(space, &from, &cursor, &r);) {
            if (r.target.ns == 0 && r.target.kind == KW_NODE_ID_NUMERIC && !seen[r.target.id.numeric]) {
                seen[r.target.id.numeric] = 1;
                queue[tail++] = r.target.id.numeric;
                count++;
            }
        }
    }
    assert_int_equal(count, set->node_count);
    free(seen);
    free(queue);
}

static void the_directory_of_the_gds_is_not_here(void **state)
{
    (void)state;
    const uint16_t gds = kw_space_namespace_find(space, KW_STRING(KW_GDS_NAMESPACE_URI));
    const kw_node_id directory = KW_NODE_ID(gds, 141), services = KW_NODE_ID(gds, 959), type = KW_NODE_ID(gds, 966);
    kw_node_ref ref;
    assert_int_equal(gds, 2);
    assert_false(kw_space_find(space, &directory, &ref));
    assert_true(kw_space_find(space, &services, &ref));
    assert_true(kw_space_find(space, &type, &ref));
}

static void the_server_object_is_alive(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 2255), VALUE, &v), KW_GOOD);
    assert_true(v.value.is_array && v.value.count == 3);
    assert_true(kw_bytes_equal(((const kw_string *)v.value.data)[1], URI));
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 2259), VALUE, &v), KW_GOOD);
    assert_int_equal(*(const int32_t *)kw_variant_get(&v.value, KW_BUILTIN_INT32), 0);
    kw_space_set_server_state(space, KW_SERVER_STATE_SHUTDOWN);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 2259), VALUE, &v), KW_GOOD);
    assert_int_equal(*(const int32_t *)kw_variant_get(&v.value, KW_BUILTIN_INT32), KW_SERVER_STATE_SHUTDOWN);
}

/* --- permissions ---------------------------------------------------------------------------------------------------------------- */

static void rights_hang_on_roles(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&OPERATOR, OPEN, SPEED, VALUE, &v), KW_GOOD);
    assert_int_equal(read_as(&ANONYMOUS, ENCRYPTED, SPEED, VALUE, &v), KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(read_as(&ANONYMOUS, ENCRYPTED, SPEED, 4, &v), KW_GOOD); /* DisplayName: Browse is enough */
    assert_int_equal(read_as(&SECURITY_ADMIN, OPEN, HIDDEN, VALUE, &v), KW_GOOD);
}

static void who_may_do_nothing_learns_nothing(void **state)
{
    (void)state;
    kw_data_value v;
    const double x = 2;
    const kw_access access = as(&OPERATOR, ENCRYPTED);
    const kw_node_ref hidden = node(HIDDEN);
    assert_int_equal(read_as(&OPERATOR, ENCRYPTED, HIDDEN, VALUE, &v), KW_BAD_NODE_ID_UNKNOWN);
    assert_int_equal(read_as(&OPERATOR, ENCRYPTED, HIDDEN, 3, &v), KW_BAD_NODE_ID_UNKNOWN);
    assert_int_equal(write_as(&OPERATOR, HIDDEN, NULL, kw_variant_scalar(KW_BUILTIN_DOUBLE, &x)), KW_BAD_NODE_ID_UNKNOWN);
    assert_false(kw_node_is_visible(space, &access, &hidden));
    assert_int_equal(read_as(&NOBODY, ENCRYPTED, SPEED, VALUE, &v), KW_BAD_NODE_ID_UNKNOWN);
}

static void children_inherit_permissions(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&OPERATOR, OPEN, CHILD, VALUE, &v), KW_GOOD);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, CHILD, VALUE, &v), KW_BAD_USER_ACCESS_DENIED);
}

static void access_restrictions_ask_for_a_better_channel(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&ANONYMOUS, OPEN, GUARDED, VALUE, &v), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_int_equal(read_as(&ANONYMOUS, SIGNED, GUARDED, VALUE, &v), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_int_equal(read_as(&ANONYMOUS, ENCRYPTED, GUARDED, VALUE, &v), KW_GOOD);
}

/* only the SecurityAdmin, over an encrypted channel. */
static void a_201_session_security_diagnostics_are_for_the_security_admin(void **state)
{
    (void)state;
    kw_data_value v;
    assert_true(kw_status_is_bad(read_as(&ANONYMOUS, ENCRYPTED, KW_NODE_ID(0, 3708), VALUE, &v)));
    assert_true(kw_status_is_bad(read_as(&OPERATOR, ENCRYPTED, KW_NODE_ID(0, 3708), VALUE, &v)));
    assert_int_equal(read_as(&SECURITY_ADMIN, OPEN, KW_NODE_ID(0, 3708), VALUE, &v), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_int_equal(read_as(&SECURITY_ADMIN, ENCRYPTED, KW_NODE_ID(0, 3708), VALUE, &v), KW_GOOD);
}

static void user_attributes_speak_of_the_caller(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&OPERATOR, OPEN, SPEED, 18, &v), KW_GOOD);
    assert_int_equal(*(const uint8_t *)v.value.data, 3);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, SPEED, 18, &v), KW_GOOD);
    assert_int_equal(*(const uint8_t *)v.value.data, 0);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, SPEED, 17, &v), KW_GOOD);
    assert_int_equal(*(const uint8_t *)v.value.data, 3);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, SPEED, 25, &v), KW_GOOD); /* UserRolePermissions: the caller's rows */
    assert_int_equal(v.value.count, 1);
    assert_int_equal(read_as(&OPERATOR, OPEN, SPEED, 24, &v), KW_BAD_USER_ACCESS_DENIED); /* RolePermissions: ReadRolePermissions */
}

/* --- attributes --------------------------------------------------------------------------------------------------------------------- */

static void attributes_exist_by_node_class(void **state)
{
    (void)state;
    kw_data_value v;
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 85), VALUE, &v), KW_BAD_ATTRIBUTE_ID_INVALID);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 85), 0, &v), KW_BAD_ATTRIBUTE_ID_INVALID);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 85), 28, &v), KW_BAD_ATTRIBUTE_ID_INVALID);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 85), 2, &v), KW_GOOD);
    assert_int_equal(*(const int32_t *)v.value.data, KW_NODE_CLASS_OBJECT);
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 47), 10, &v), KW_GOOD); /* InverseName of HasComponent */
    assert_true(kw_string_equals(((const kw_localized_text *)v.value.data)->text, "ComponentOf"));
    assert_int_equal(read_as(&ANONYMOUS, OPEN, KW_NODE_ID(0, 884), 23, &v), KW_GOOD); /* DataTypeDefinition of Range */
}

static void every_attribute_of_every_table_node_can_be_asked_for(void **state)
{
    (void)state;
    for (int model = 0; model < KW_MODEL_COUNT; model++) {
        const kw_nodeset *set = &kw_nodesets[model];
        const uint16_t ns = model == KW_MODEL_GDS ? 2 : 0;
        for (size_t i = 0; i < set->node_count; i++) {
            const kw_node_id id = KW_NODE_ID(ns, set->nodes[i].id);
            kw_node_ref ref;
            const kw_access access = as(&SECURITY_ADMIN, ENCRYPTED);
            kw_data_value v;
            for (uint32_t attribute = 1; attribute <= 27 && kw_space_find(space, &id, &ref); attribute++) {
                const kw_status status = kw_node_read(space, &access, &ref, attribute, arena, &v);
                assert_true(status == KW_GOOD || status == KW_BAD_ATTRIBUTE_ID_INVALID || status == KW_BAD_USER_ACCESS_DENIED ||
                            status == KW_BAD_NODE_ID_UNKNOWN || status == KW_BAD_NOT_READABLE);
            }
            kw_arena_reset(arena);
        }
    }
}

/* --- writing -------------------------------------------------------------------------------------------------------------------------- */

static void writes_are_checked_for_right_type_and_rank(void **state)
{
    (void)state;
    const double x = 2.5, list[] = {1, 2};
    const int32_t i = 3;
    kw_data_value v;
    assert_int_equal(write_as(&OPERATOR, SPEED, NULL, kw_variant_scalar(KW_BUILTIN_DOUBLE, &x)), KW_GOOD);
    assert_int_equal(read_as(&OPERATOR, OPEN, SPEED, VALUE, &v), KW_GOOD);
    assert_true(fabs(*(const double *)v.value.data - 2.5) < 1e-12);
    assert_int_equal(write_as(&ANONYMOUS, SPEED, NULL, kw_variant_scalar(KW_BUILTIN_DOUBLE, &x)), KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(write_as(&OPERATOR, SPEED, NULL, kw_variant_scalar(KW_BUILTIN_INT32, &i)), KW_BAD_TYPE_MISMATCH);
    assert_int_equal(write_as(&OPERATOR, SPEED, NULL, kw_variant_array(KW_BUILTIN_DOUBLE, list, 2)), KW_BAD_TYPE_MISMATCH);
    assert_int_equal(write_as(&OPERATOR, SPEED, NULL, KW_VARIANT_NULL), KW_BAD_TYPE_MISMATCH);
    assert_int_equal(write_as(&SECURITY_ADMIN, KW_NODE_ID(0, 2259), NULL, kw_variant_scalar(KW_BUILTIN_INT32, &i)), KW_BAD_NOT_WRITABLE);
    assert_int_equal(write_as(&ANONYMOUS, KW_NODE_ID(0, 85), NULL, kw_variant_scalar(KW_BUILTIN_INT32, &i)), KW_BAD_ATTRIBUTE_ID_INVALID);
}

static void ranges_select_and_replace_parts(void **state)
{
    (void)state;
    const int32_t part[] = {20, 30};
    kw_data_value v;
    kw_variant out;
    assert_int_equal(write_as(&OPERATOR, CURVE, "2:3", kw_variant_array(KW_BUILTIN_INT32, part, 2)), KW_GOOD);
    assert_int_equal(read_as(&OPERATOR, OPEN, CURVE, VALUE, &v), KW_GOOD);
    assert_int_equal(((const int32_t *)v.value.data)[2], 20);
    assert_int_equal(((const int32_t *)v.value.data)[4], 4);
    assert_int_equal(kw_range_select(KW_STRING("3:9"), &v.value, arena, &out), KW_GOOD); /* clipped at the end */
    assert_int_equal(out.count, 2);
    assert_int_equal(kw_range_select(KW_STRING("5"), &v.value, arena, &out), KW_BAD_INDEX_RANGE_NO_DATA);
    for (const char *const *bad = (const char *const[]){"", "3:1", "2:2", "a", "1:", ":1", "1,", "-1", "4294967296", NULL}; *bad != NULL;
         bad++) {
        assert_int_equal(kw_range_select(kw_string_from(*bad), &v.value, arena, &out), KW_BAD_INDEX_RANGE_INVALID);
    }
    assert_int_equal(write_as(&OPERATOR, CURVE, "4:5", kw_variant_array(KW_BUILTIN_INT32, part, 2)), KW_BAD_INDEX_RANGE_NO_DATA);
    assert_int_equal(write_as(&OPERATOR, CURVE, "0:2", kw_variant_array(KW_BUILTIN_INT32, part, 2)), KW_BAD_INDEX_RANGE_DATA_MISMATCH);
}

static void matrices_and_strings_have_ranges_too(void **state)
{
    (void)state;
    static const int32_t cells[] = {0, 1, 2, 10, 11, 12}, dimensions[] = {2, 3};
    const kw_string text = KW_STRING("keyway");
    kw_variant matrix = kw_variant_array(KW_BUILTIN_INT32, cells, 6), out;
    matrix.dimensions = dimensions;
    matrix.dimension_count = 2;
    assert_int_equal(kw_range_select(KW_STRING("0:1,1"), &matrix, arena, &out), KW_GOOD);
    assert_int_equal(out.count, 2);
    assert_int_equal(((const int32_t *)out.data)[0], 1);
    assert_int_equal(((const int32_t *)out.data)[1], 11);
    assert_int_equal(out.dimension_count, 2);
    assert_int_equal(kw_range_select(KW_STRING("1"), &matrix, arena, &out), KW_BAD_INDEX_RANGE_NO_DATA);
    const kw_variant string = kw_variant_scalar(KW_BUILTIN_STRING, &text);
    assert_int_equal(kw_range_select(KW_STRING("3:9"), &string, arena, &out), KW_GOOD);
    assert_true(kw_string_equals(*(const kw_string *)out.data, "way"));
}

/* --- Methods ------------------------------------------------------------------------------------------------------------------------------ */

static void methods_are_found_on_their_object_only(void **state)
{
    (void)state;
    const kw_node_ref folder = node(FOLDER), objects = node(KW_NODE_ID(0, 85)), server = node(KW_NODE_ID(0, 2253));
    const kw_node_id method = METHOD, unknown = KW_NODE_ID(1, 4711), speed = SPEED, of_type = KW_NODE_ID(0, 11489),
                     of_instance = KW_NODE_ID(0, 11492);
    kw_method_view view;
    const double x = 1;
    const int32_t i = 1;
    assert_int_equal(kw_space_find_method(space, &folder, &method, &view), KW_GOOD);
    assert_int_equal(view.input_count, 1);
    const kw_variant good = kw_variant_scalar(KW_BUILTIN_DOUBLE, &x), wrong = kw_variant_scalar(KW_BUILTIN_INT32, &i);
    assert_int_equal(kw_method_check_input(&view, 0, &good), KW_GOOD);
    assert_int_equal(kw_method_check_input(&view, 0, &wrong), KW_BAD_TYPE_MISMATCH);
    assert_int_equal(kw_space_find_method(space, &objects, &method, &view), KW_BAD_METHOD_INVALID);
    assert_int_equal(kw_space_find_method(space, &folder, &unknown, &view), KW_BAD_METHOD_INVALID);
    assert_int_equal(kw_space_find_method(space, &folder, &speed, &view), KW_BAD_METHOD_INVALID);
    /* GetMonitoredItems by the id of the type's Method means the instance's. */
    assert_int_equal(kw_space_bind_method(space, &of_instance, answer, NULL), KW_GOOD);
    assert_int_equal(kw_space_find_method(space, &server, &of_type, &view), KW_GOOD);
    assert_true(kw_node_id_equal(&view.method.id, &of_instance) && view.call == answer && view.input_count == 1 && view.output_count == 2);
}

static void nodes_come_and_go(void **state)
{
    (void)state;
    const kw_node_id child = CHILD, folder = FOLDER, missing = KW_NODE_ID(1, 4711), objects = KW_NODE_ID(0, 85);
    kw_node_ref ref;
    kw_reference_view r;
    assert_int_equal(kw_space_add_object(space, &(kw_node_spec){.id = FOLDER, .parent = objects, .browse_name = {1, KW_STRING("Folder")}}),
                     KW_BAD_NODE_ID_EXISTS);
    assert_int_equal(
        kw_space_add_object(space, &(kw_node_spec){.id = KW_NODE_ID(1, 5), .parent = missing, .browse_name = {1, KW_STRING("x")}}),
        KW_BAD_PARENT_NODE_ID_INVALID);
    assert_int_equal(kw_space_remove(space, &child), KW_GOOD);
    assert_false(kw_space_find(space, &child, &ref));
    assert_true(kw_space_find(space, &folder, &ref));
    for (size_t cursor = 0; kw_space_next_reference(space, &ref, &cursor, &r);) {
        assert_false(kw_node_id_equal(&r.target, &child));
    }
    assert_int_equal(kw_space_remove(space, &child), KW_BAD_NODE_ID_UNKNOWN);
    assert_int_equal(kw_space_remove(space, &objects), KW_BAD_NODE_ID_UNKNOWN); /* the tables stay */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_reference_of_the_tables_has_its_other_end),
        TEST(everything_can_be_reached_from_the_root),
        TEST(the_directory_of_the_gds_is_not_here),
        TEST(the_server_object_is_alive),
        TEST(rights_hang_on_roles),
        TEST(who_may_do_nothing_learns_nothing),
        TEST(children_inherit_permissions),
        TEST(access_restrictions_ask_for_a_better_channel),
        TEST(a_201_session_security_diagnostics_are_for_the_security_admin),
        TEST(user_attributes_speak_of_the_caller),
        TEST(attributes_exist_by_node_class),
        TEST(every_attribute_of_every_table_node_can_be_asked_for),
        TEST(writes_are_checked_for_right_type_and_rank),
        TEST(ranges_select_and_replace_parts),
        TEST(matrices_and_strings_have_ranges_too),
        TEST(methods_are_found_on_their_object_only),
        TEST(nodes_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The tables of ns 0 and GDS say what the standard says. */
#include "support/test.h"
#include "ua/codec.h"
#include "ua/nodeset.h"

#include <keyway/node_ids.h>

#define GDS_INDEX 4

static kw_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = kw_arena_new(32u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_arena_free(arena);
    return 0;
}

static bool has_reference(const kw_nodeset_reference *references, size_t count, uint16_t type, bool forward, uint8_t model, uint32_t target)
{
    for (size_t i = 0; i < count; i++) {
        const kw_nodeset_reference *r = &references[i];
        if (r->type == type && r->is_forward == forward && r->target_model == model && r->target == target) {
            return true;
        }
    }
    return false;
}

static bool node_has(uint8_t model, uint32_t id, uint16_t type, bool forward, uint8_t target_model, uint32_t target)
{
    const kw_nodeset_node *node = kw_nodeset_find(model, id);
    assert_non_null(node);
    return has_reference(kw_nodeset_references(model, node), node->reference_count, type, forward, target_model, target);
}

static void the_whole_of_both_models_is_there(void **state)
{
    (void)state;
    assert_int_equal(kw_nodesets[KW_MODEL_CORE].node_count, 5476);
    assert_string_equal(kw_nodesets[KW_MODEL_CORE].uri, "http://opcfoundation.org/UA/");
    assert_string_equal(kw_nodesets[KW_MODEL_GDS].uri, "http://opcfoundation.org/UA/GDS/");
    assert_null(kw_nodeset_find(KW_MODEL_CORE, 0));
    assert_null(kw_nodeset_find(KW_MODEL_GDS, KW_ID_SERVER));
    assert_null(kw_nodeset_find(KW_MODEL_COUNT, 85));
}

static void ids_have_the_numbers_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(KW_ID_ROOT_FOLDER, 84);
    assert_int_equal(KW_ID_SERVER_SERVER_STATUS, 2256);
    assert_int_equal(KW_ID_SERVER_SERVER_CAPABILITIES_ROLE_SET, 15606);
    assert_int_equal(KW_ID_WELL_KNOWN_ROLE_SECURITY_ADMIN, 15704);
    assert_int_equal(KW_ID_WELL_KNOWN_ROLE_TRUSTED_APPLICATION, 18625);
    assert_int_equal(KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD, 24310);
    assert_int_equal(KW_ID_AUTHORIZATION_SERVICES, 17732);
    assert_int_equal(KW_ID_USER_NAME_IDENTITY_TOKEN_ENCODING_DEFAULT_BINARY, 324);
    assert_int_equal(KW_GDS_ID_AUTHORIZATION_SERVICE_TYPE_REQUEST_ACCESS_TOKEN, 969);
    assert_int_equal(KW_GDS_ID_AUTHORIZATION_SERVICES, 959);
}

static void nodes_have_their_attributes(void **state)
{
    (void)state;
    const kw_nodeset_node *server = kw_nodeset_find(KW_MODEL_CORE, KW_ID_SERVER);
    assert_int_equal(server->node_class, KW_NODE_CLASS_OBJECT);
    assert_int_equal(server->event_notifier, 1);
    assert_true(kw_string_equals(kw_nodeset_text(server->browse_name), "Server"));
    assert_true(kw_string_equals(kw_nodeset_text(server->display_name), "Server"));
    const kw_nodeset_node *names = kw_nodeset_find(KW_MODEL_CORE, KW_ID_SERVER_NAMESPACE_ARRAY);
    assert_int_equal(names->data_type, 12);
    assert_int_equal(names->value_rank, 1);
    assert_int_equal(names->dimension_count, 1);
    assert_int_equal(names->access_level, 1);
    const kw_nodeset_node *users = kw_nodeset_find(KW_MODEL_CORE, KW_ID_USER_MANAGEMENT_USERS);
    assert_int_equal(users->access_restrictions, 3);
    const kw_nodeset_node *change = kw_nodeset_find(KW_MODEL_CORE, KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD);
    assert_int_equal(change->permission_count, 2);
    assert_int_equal(kw_nodeset_node_permissions(change)[0].role, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS);
    assert_int_equal(kw_nodeset_node_permissions(change)[0].permissions, 4097);
    assert_int_equal(server->access_restrictions, -1);
    const kw_nodeset_node *has_component = kw_nodeset_find(KW_MODEL_CORE, KW_ID_HAS_COMPONENT);
    assert_true(kw_string_equals(kw_nodeset_text(has_component->inverse_name), "ComponentOf"));
    assert_true(kw_nodeset_find(KW_MODEL_CORE, KW_ID_REFERENCES)->is_symmetric);
    assert_true(kw_nodeset_find(KW_MODEL_CORE, KW_ID_BASE_DATA_TYPE)->is_abstract);
    assert_int_equal(kw_nodeset_find(KW_MODEL_GDS, KW_GDS_ID_AUTHORIZATION_SERVICES)->browse_name_model, KW_MODEL_GDS);
}

static void every_reference_is_there_at_both_ends(void **state)
{
    (void)state;
    for (uint8_t model = 0; model < KW_MODEL_COUNT; model++) {
        for (size_t i = 0; i < kw_nodesets[model].node_count; i++) {
            const kw_nodeset_node *node = &kw_nodesets[model].nodes[i];
            const kw_nodeset_reference *references = kw_nodeset_references(model, node);
            for (uint32_t k = 0; k < node->reference_count; k++) {
                const kw_nodeset_reference *r = &references[k];
                const kw_nodeset_node *other = kw_nodeset_find(r->target_model, r->target);
                assert_non_null(other);
                size_t count = other->reference_count;
                const kw_nodeset_reference *theirs = kw_nodeset_references(r->target_model, other);
                if (r->target_model != model) {
                    theirs = kw_nodeset_added_references(model, r->target, &count);
                }
                assert_true(has_reference(theirs, count, r->type, !r->is_forward, model, node->id));
            }
        }
    }
}

static void the_models_hang_together(void **state)
{
    (void)state;
    assert_true(node_has(KW_MODEL_CORE, 84, 35, true, KW_MODEL_CORE, 85));
    assert_true(node_has(KW_MODEL_CORE, 2253, 47, true, KW_MODEL_CORE, 2256));
    assert_true(node_has(KW_MODEL_CORE, 2256, 47, false, KW_MODEL_CORE, 2253));
    assert_true(node_has(KW_MODEL_CORE, 12637, 47, true, KW_MODEL_CORE, 24290));
    assert_true(node_has(KW_MODEL_GDS, 969, 47, false, KW_MODEL_GDS, 966));
    size_t count = 0;
    const kw_nodeset_reference *added = kw_nodeset_added_references(KW_MODEL_GDS, KW_ID_OBJECTS_FOLDER, &count);
    assert_true(has_reference(added, count, KW_ID_ORGANIZES, true, KW_MODEL_GDS, KW_GDS_ID_AUTHORIZATION_SERVICES));
    assert_null(kw_nodeset_added_references(KW_MODEL_GDS, KW_ID_SERVER_SERVER_STATUS, &count));
    assert_int_equal(count, 0);
}

static void every_node_but_the_root_can_be_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < kw_nodesets[KW_MODEL_CORE].node_count; i++) {
        const kw_nodeset_node *node = &kw_nodesets[KW_MODEL_CORE].nodes[i];
        assert_true(node->reference_count > 0 || node->id == 84);
    }
}

static void values_decode_and_are_of_their_data_type(void **state)
{
    (void)state;
    size_t with_value = 0;
    for (uint8_t model = 0; model < KW_MODEL_COUNT; model++) {
        for (size_t i = 0; i < kw_nodesets[model].node_count; i++) {
            const kw_nodeset_node *node = &kw_nodesets[model].nodes[i];
            kw_variant v;
            kw_arena_reset(arena);
            assert_int_equal(kw_nodeset_value(node, GDS_INDEX, arena, &v), KW_GOOD);
            with_value += v.type != KW_BUILTIN_NULL;
            for (size_t k = 0; v.type == KW_BUILTIN_EXTENSION_OBJECT && k < (v.is_array ? v.count : 1); k++) {
                const kw_extension_object *object = &((const kw_extension_object *)v.data)[k];
                assert_non_null(object->value);
                assert_int_equal(object->type->data_type_id, node->data_type);
            }
        }
    }
    assert_int_equal(with_value, 1462);
}

static const kw_argument *argument_of(const kw_variant *v, size_t i)
{
    const kw_argument *argument = kw_extension_object_get(&((const kw_extension_object *)v->data)[i], KW_TYPE_ARGUMENT);
    assert_non_null(argument);
    return argument;
}

static const kw_structure_definition *structure_of(const kw_extension_object *object)
{
    const kw_structure_definition *definition = kw_extension_object_get(object, KW_TYPE_STRUCTURE_DEFINITION);
    assert_non_null(definition);
    return definition;
}

static void arguments_name_types_of_their_model(void **state)
{
    (void)state;
    kw_variant v;
    assert_int_equal(
        kw_nodeset_value(kw_nodeset_find(KW_MODEL_GDS, KW_GDS_ID_AUTHORIZATION_SERVICE_TYPE_REQUEST_ACCESS_TOKEN_INPUT_ARGUMENTS),
                         GDS_INDEX, arena, &v),
        KW_GOOD);
    assert_int_equal(v.count, 2);
    const kw_argument *token = argument_of(&v, 0);
    assert_true(kw_string_equals(token->name, "IdentityToken"));
    assert_true(kw_node_id_equal(&token->data_type, &KW_NODE_ID(0, KW_ID_USER_IDENTITY_TOKEN)));
    assert_int_equal(token->value_rank, -1);
    assert_int_equal(kw_nodeset_value(kw_nodeset_find(KW_MODEL_GDS, KW_GDS_ID_DIRECTORY_TYPE_REGISTER_APPLICATION_INPUT_ARGUMENTS),
                                      GDS_INDEX, arena, &v),
                     KW_GOOD);
    const kw_argument *application = argument_of(&v, 0);
    assert_true(kw_node_id_equal(&application->data_type, &KW_NODE_ID(GDS_INDEX, KW_GDS_ID_APPLICATION_RECORD_DATA_TYPE)));
}

static void structures_and_enumerations_have_definitions(void **state)
{
    (void)state;
    kw_extension_object object;
    assert_int_equal(kw_nodeset_definition(kw_nodeset_find(KW_MODEL_CORE, KW_ID_USER_NAME_IDENTITY_TOKEN), GDS_INDEX, arena, &object),
                     KW_GOOD);
    const kw_structure_definition *structure = structure_of(&object);
    assert_true(kw_node_id_equal(&structure->base_data_type, &KW_NODE_ID(0, KW_ID_USER_IDENTITY_TOKEN)));
    assert_true(kw_node_id_equal(&structure->default_encoding_id, &KW_NODE_ID(0, 324)));
    assert_int_equal(structure->fields_count, 4); /* the base's PolicyId first */
    assert_true(kw_string_equals(structure->fields[0].name, "PolicyId"));
    assert_int_equal(
        kw_nodeset_definition(kw_nodeset_find(KW_MODEL_GDS, KW_GDS_ID_APPLICATION_RECORD_DATA_TYPE), GDS_INDEX, arena, &object), KW_GOOD);
    structure = structure_of(&object);
    assert_true(kw_node_id_equal(&structure->default_encoding_id, &KW_NODE_ID(GDS_INDEX, 134)));
    assert_int_equal(structure->fields[3].value_rank, 1);
    assert_int_equal(kw_nodeset_definition(kw_nodeset_find(KW_MODEL_CORE, KW_ID_USER_TOKEN_TYPE), GDS_INDEX, arena, &object), KW_GOOD);
    assert_ptr_equal(object.type, KW_TYPE_ENUM_DEFINITION);
    assert_int_equal(((const kw_enum_definition *)object.value)->fields_count, 4);
    assert_int_equal(kw_nodeset_definition(kw_nodeset_find(KW_MODEL_CORE, 12), GDS_INDEX, arena, &object), KW_GOOD);
    assert_null(object.value);
}

/* The descriptors of the codec and the nodes describe the same types. */
static void definitions_agree_with_the_type_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < kw_type_count(); i++) {
        const kw_type *type = kw_type_at(i);
        const kw_nodeset_node *node = kw_nodeset_find(KW_MODEL_CORE, type->data_type_id);
        kw_extension_object object;
        if (node == NULL || type->kind == KW_KIND_ENUM) {
            continue; /* the services' structures have no node */
        }
        kw_arena_reset(arena);
        assert_int_equal(node->node_class, KW_NODE_CLASS_DATA_TYPE);
        assert_int_equal(kw_nodeset_definition(node, GDS_INDEX, arena, &object), KW_GOOD);
        const kw_structure_definition *definition = structure_of(&object);
        assert_int_equal(definition->fields_count, type->field_count);
        for (uint16_t k = 0; k < type->field_count; k++) {
            assert_true(kw_string_equals(definition->fields[k].name, type->fields[k].name));
            assert_int_equal(definition->fields[k].value_rank == 1, type->fields[k].is_array);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_whole_of_both_models_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_have_the_numbers_of_the_standard, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_have_their_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(every_reference_is_there_at_both_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(the_models_hang_together, setup, teardown),
        cmocka_unit_test_setup_teardown(every_node_but_the_root_can_be_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(values_decode_and_are_of_their_data_type, setup, teardown),
        cmocka_unit_test_setup_teardown(arguments_name_types_of_their_model, setup, teardown),
        cmocka_unit_test_setup_teardown(structures_and_enumerations_have_definitions, setup, teardown),
        cmocka_unit_test_setup_teardown(definitions_agree_with_the_type_table, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

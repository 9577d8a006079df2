/* NodeSet2 files: what they say is what Clients read, and what is wrong with them is said by file and line. */
#include "space/locale.h"
#include "space/node.h"
#include "space/nodeset_load.h"
#include "support/test.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kw_arena *arena;
static kw_space *space;
static kw_nodeset_report report;
static const kw_granted_role ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}}};
static const kw_identity ANONYMOUS = {.roles = ROLES, .role_count = 1};
static const kw_string GERMAN = {(const uint8_t *)"de", 2};

static int set_up(void **state)
{
    (void)state;
    const kw_space_config config = {.application_uri = KW_STRING("urn:test:nodeset"), .clock = &KW_CLOCK_SYSTEM};
    arena = kw_arena_new((size_t)64 << 20);
    return kw_space_new(&config, &space) == KW_GOOD ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kw_space_free(space);
    kw_arena_free(arena);
    return 0;
}

/* --- files: of tests/data, and made here ------------------------------------------------------------------------------------ */

static kw_status rewind_file(void *ctx)
{
    rewind(ctx);
    return KW_GOOD;
}

static kw_status read_file(void *ctx, uint8_t *buffer, size_t room, size_t *length)
{
    *length = fread(buffer, 1, room, ctx);
    return KW_GOOD;
}

static kw_status load(const char *const *names, size_t count)
{
    kw_nodeset_file files[4] = {{.name = NULL}};
    char path[256];
    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/tests/data/nodesets/%s", KW_SOURCE_DIR, names[i]);
        files[i] = (kw_nodeset_file){names[i], rewind_file, read_file, fopen(path, "rbe")};
        assert_non_null(files[i].ctx);
    }
    const kw_status status = kw_space_load_nodesets(space, files, count, &report);
    for (size_t i = 0; i < count; i++) {
        fclose(files[i].ctx);
    }
    if (status == KW_GOOD) {
        assert_string_equal(report.error, "");
    }
    return status;
}

typedef struct text {
    const char *text;
    size_t length, at;
} text;

static kw_status rewind_text(void *ctx)
{
    ((text *)ctx)->at = 0;
    return KW_GOOD;
}

/* A few bytes at a time: a token may end anywhere. */
static kw_status read_text(void *ctx, uint8_t *buffer, size_t room, size_t *length)
{
    text *t = ctx;
    *length = t->length - t->at < 7 ? t->length - t->at : 7;
    *length = *length < room ? *length : room;
    memcpy(buffer, t->text + t->at, *length);
    t->at += *length;
    return KW_GOOD;
}

static kw_status load_text(const char *document)
{
    text t = {document, strlen(document), 0};
    const kw_nodeset_file file = {"model.xml", rewind_text, read_text, &t};
    return kw_space_load_nodesets(space, &file, 1, &report);
}

#define FILE_OF(nodes)                                                                                                                     \
    "<UANodeSet xmlns=\"http://opcfoundation.org/UA/2011/03/UANodeSet.xsd\">\n"                                                            \
    "<NamespaceUris><Uri>urn:test:text</Uri></NamespaceUris>\n" nodes "\n</UANodeSet>"

static void refused(const char *document, const char *why)
{
    kw_space_free(space);
    kw_arena_free(arena);
    assert_int_equal(set_up(NULL), 0);
    assert_true(kw_status_is_bad(load_text(document)));
    if (strstr(report.error, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", report.error, why);
    }
}

/* --- what came ------------------------------------------------------------------------------------------------------------------ */

static uint16_t ns(const char *uri)
{
    return kw_space_namespace_find(space, kw_string_from(uri));
}

static kw_status try_read(kw_node_id id, uint32_t attribute, kw_variant *out)
{
    const kw_access access = {
        .identity = &ANONYMOUS, .mode = KW_MESSAGE_SECURITY_MODE_SIGN, .has_session = true, .locales = &GERMAN, .locale_count = 1};
    kw_node_ref node;
    kw_data_value value = {.has_value = false};
    assert_true(kw_space_find(space, &id, &node));
    const kw_status status = kw_node_read(space, &access, &node, attribute, arena, &value);
    *out = value.value;
    return status;
}

static kw_variant read_any(kw_node_id id, uint32_t attribute)
{
    kw_variant value;
    assert_int_equal(try_read(id, attribute, &value), KW_GOOD);
    return value;
}

static const void *read(kw_node_id id, uint32_t attribute, kw_builtin type)
{
    const kw_variant value = read_any(id, attribute);
    const void *data = kw_variant_get(&value, type);
    assert_non_null(data);
    return data;
}

static void assert_text(kw_string is, const char *expected)
{
    if (!kw_string_equals(is, expected)) {
        fail_msg("\"%.*s\" is not \"%s\"", KW_STRING_ARGS(is), expected);
    }
}

static bool refers(kw_node_id from, kw_node_id type, bool is_forward, kw_node_id to)
{
    kw_node_ref node;
    kw_reference_view r;
    assert_true(kw_space_find(space, &from, &node));
    for (size_t cursor = 0; kw_space_next_link(space, &node, &cursor, &r);) {
        if (r.is_forward == is_forward && kw_node_id_equal(&r.type, &type) && kw_node_id_equal(&r.target, &to)) {
            return true;
        }
    }
    return false;
}

static void nodes_of_every_class_have_the_attributes_of_the_file(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"base.xml"}, 1), KW_GOOD);
    const uint16_t base = ns("urn:test:base");
    assert_int_equal(report.nodes, 10);
    const kw_node_id speed = KW_NODE_ID_TEXT(base, "Pump.Speed");
    assert_text(((const kw_qualified_name *)read(speed, 3, KW_BUILTIN_QUALIFIED_NAME))->name, "Speed");
    assert_int_equal(((const kw_qualified_name *)read(speed, 3, KW_BUILTIN_QUALIFIED_NAME))->ns, base);
    assert_text(((const kw_localized_text *)read(speed, 4, KW_BUILTIN_LOCALIZED_TEXT))->text, "Pumpendrehzahl");
    assert_text(((const kw_localized_text *)read(speed, 5, KW_BUILTIN_LOCALIZED_TEXT))->text, "Revolutions & more");
    assert_int_equal(*(const uint32_t *)read(speed, 6, KW_BUILTIN_UINT32) & 64, 64);
    assert_int_equal(((const kw_node_id *)read(speed, 14, KW_BUILTIN_NODE_ID))->id.numeric, 11);
    assert_int_equal(*(const int32_t *)read(speed, 15, KW_BUILTIN_INT32), 2);
    assert_int_equal(read_any(speed, 16).count, 2);
    assert_int_equal(*(const uint8_t *)read(speed, 17, KW_BUILTIN_BYTE), 7);
    assert_true(*(const double *)read(speed, 19, KW_BUILTIN_DOUBLE) == 250);
    assert_true(*(const bool *)read(speed, 20, KW_BUILTIN_BOOLEAN));
    assert_int_equal(*(const uint16_t *)read(speed, 26, KW_BUILTIN_UINT16), 1);
    assert_int_equal(*(const uint8_t *)read(KW_NODE_ID(base, 5000), 12, KW_BUILTIN_BYTE), 1);
    assert_true(*(const bool *)read(KW_NODE_ID(base, 1000), 8, KW_BUILTIN_BOOLEAN));
    assert_int_equal(*(const int32_t *)read(KW_NODE_ID(base, 2000), 15, KW_BUILTIN_INT32), 0);
    assert_true(*(const double *)read(KW_NODE_ID(base, 2000), 13, KW_BUILTIN_DOUBLE) == 1.5);
    assert_true(*(const bool *)read(KW_NODE_ID(base, 4000), 9, KW_BUILTIN_BOOLEAN));
    assert_text(((const kw_localized_text *)read(KW_NODE_ID(base, 4000), 10, KW_BUILTIN_LOCALIZED_TEXT))->text, "FedBy");
    assert_true(*(const bool *)read(KW_NODE_ID(base, 8000), 11, KW_BUILTIN_BOOLEAN));
    assert_false(*(const bool *)read(KW_NODE_ID(base, 7000), 21, KW_BUILTIN_BOOLEAN)); /* nothing is behind the Method */
}

static void permissions_of_the_file_count(void **state)
{
    (void)state;
    const kw_granted_role operator[] = {{0, 15680, {(const uint8_t *)"Operator", 8}}};
    const kw_identity somebody = {.roles = operator, .role_count = 1 };
    const kw_access anonymous = {.identity = &ANONYMOUS}, other = {.identity = &somebody};
    kw_node_ref node;
    assert_int_equal(load((const char *[]){"base.xml"}, 1), KW_GOOD);
    assert_true(kw_space_find(space, &KW_NODE_ID_TEXT(ns("urn:test:base"), "Pump.Speed"), &node));
    assert_int_equal(kw_node_permissions(space, &anonymous, &node), 33);
    assert_int_equal(kw_node_permissions(space, &other, &node), 97);
    assert_int_equal(load_text(FILE_OF("<UAObject NodeId=\"ns=1;i=1\" BrowseName=\"1:Shut\" HasNoPermissions=\"true\"/>")), KW_GOOD);
    assert_true(kw_space_find(space, &KW_NODE_ID(ns("urn:test:text"), 1), &node));
    assert_int_equal(kw_node_permissions(space, &anonymous, &node), 0);
}

static void references_go_both_ways_and_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"base.xml"}, 1), KW_GOOD);
    const uint16_t base = ns("urn:test:base");
    const kw_node_id pump = KW_NODE_ID(base, 5000), has_component = KW_NODE_ID(0, KW_ID_HAS_COMPONENT);
    assert_true(refers(KW_NODE_ID(0, 85), KW_NODE_ID(0, KW_ID_ORGANIZES), true, pump));
    assert_true(refers(pump, KW_NODE_ID(0, KW_ID_ORGANIZES), false, KW_NODE_ID(0, 85)));
    assert_true(refers(pump, has_component, true, KW_NODE_ID_TEXT(base, "Pump.Speed")));
    assert_true(refers(KW_NODE_ID(base, 7000), has_component, false, pump));
    assert_true(refers(pump, KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION), true, KW_NODE_ID(base, 1000)));
    assert_true(refers(pump, KW_NODE_ID(base, 4000), true, KW_NODE_ID_TEXT(0, "Tank")));
    /* ns 0 is ours */
    assert_text(((const kw_localized_text *)read(KW_NODE_ID(0, 85), 4, KW_BUILTIN_LOCALIZED_TEXT))->text, "Objekte");
    assert_false(refers(KW_NODE_ID(0, 85), has_component, true, KW_NODE_ID(base, 8000)));
}

static const kw_structure_definition *structure(kw_node_id id)
{
    const kw_structure_definition *d = kw_extension_object_get(read(id, 23, KW_BUILTIN_EXTENSION_OBJECT), KW_TYPE_STRUCTURE_DEFINITION);
    assert_non_null(d);
    return d;
}

static void data_types_are_described_with_the_fields_of_their_bases(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"derived.xml", "base.xml"}, 2), KW_GOOD); /* in any order */
    const uint16_t base = ns("urn:test:base"), derived = ns("urn:test:derived");
    const kw_structure_definition *d = structure(KW_NODE_ID(base, 3000));
    assert_int_equal(d->structure_type, KW_STRUCTURE_TYPE_STRUCTURE_WITH_OPTIONAL_FIELDS);
    assert_int_equal(d->default_encoding_id.id.numeric, 3001);
    assert_int_equal(d->base_data_type.id.numeric, 22);
    assert_int_equal(d->fields_count, 2);
    assert_text(d->fields[0].description.text, "What was read");
    assert_int_equal(d->fields[0].data_type.id.numeric, 11);
    assert_true(d->fields[1].is_optional);
    assert_int_equal(d->fields[1].max_string_length, 40);
    d = structure(KW_NODE_ID(derived, 3000));
    assert_int_equal(d->base_data_type.ns, base);
    assert_int_equal(d->fields_count, 3);
    assert_text(d->fields[0].name, "Value");
    assert_text(d->fields[2].name, "Place");
    assert_int_equal(d->fields[2].value_rank, 1);
    const kw_enum_definition *e =
        kw_extension_object_get(read(KW_NODE_ID(base, 3010), 23, KW_BUILTIN_EXTENSION_OBJECT), KW_TYPE_ENUM_DEFINITION);
    assert_non_null(e);
    assert_int_equal(e->fields_count, 2);
    assert_int_equal(e->fields[1].value, 7);
    assert_text(e->fields[0].display_name.text, "Red");
    assert_text(e->fields[1].display_name.text, "green");
}

static void namespaces_of_files_become_those_of_the_server(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"derived.xml", "base.xml"}, 2), KW_GOOD);
    const uint16_t base = ns("urn:test:base"), derived = ns("urn:test:derived");
    assert_true(base < derived); /* what is needed comes first */
    const kw_node_id pump = KW_NODE_ID(derived, 5000);
    assert_int_equal(((const kw_qualified_name *)read(pump, 3, KW_BUILTIN_QUALIFIED_NAME))->ns, base);
    assert_true(refers(pump, KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION), true, KW_NODE_ID(base, 1000)));
}

static void each_namespace_has_one_metadata(void **state)
{
    (void)state;
    char id[64];
    kw_node_ref node;
    assert_int_equal(load((const char *[]){"base.xml", "derived.xml"}, 2), KW_GOOD);
    snprintf(id, sizeof(id), "Namespace.%u.NamespaceVersion", ns("urn:test:base"));
    const kw_node_id version = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(id)};
    assert_text(*(const kw_string *)read(version, 13, KW_BUILTIN_STRING), "1.2.3");
    char other[64];
    snprintf(other, sizeof(other), "Namespace.%u", ns("urn:test:derived"));
    assert_false(kw_space_find(space, &(kw_node_id){.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(other)}, &node));
    assert_true(refers(KW_NODE_ID(0, 11715), KW_NODE_ID(0, KW_ID_HAS_COMPONENT), true, KW_NODE_ID(ns("urn:test:derived"), 5001)));
}

static kw_variant value_of(uint32_t id)
{
    return read_any(KW_NODE_ID(ns("urn:test:values"), id), 13);
}

static void structures_that_are_known_are_decoded_and_others_kept(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"values.xml"}, 1), KW_GOOD);
    kw_variant v = value_of(2);
    const kw_range *range = kw_extension_object_get(kw_variant_get(&v, KW_BUILTIN_EXTENSION_OBJECT), KW_TYPE_RANGE);
    assert_non_null(range);
    assert_true(range->low == -10.5 && range->high > 1e308);
    v = value_of(3);
    assert_int_equal(v.count, 1);
    const kw_argument *argument = kw_extension_object_get(v.data, KW_TYPE_ARGUMENT);
    assert_non_null(argument);
    assert_text(argument->name, "Rate");
    assert_int_equal(argument->data_type.ns, ns("urn:test:values"));
    assert_int_equal(argument->array_dimensions[0], 5);
    assert_text(argument->description.text, "How fast");
    v = value_of(4);
    const kw_extension_object *unknown = kw_variant_get(&v, KW_BUILTIN_EXTENSION_OBJECT);
    assert_non_null(unknown);
    assert_int_equal(unknown->encoding, KW_EXTENSION_XML);
    assert_int_equal(unknown->type_id.ns, ns("urn:test:values"));
    assert_non_null(memmem(unknown->body.data, unknown->body.len, "<Size unit=\"&quot;m&quot;\">3 &lt; 4</Size></Thing>", 49));
}

static void values_of_every_built_in_type_are_read(void **state)
{
    (void)state;
    static const kw_builtin TYPES[] = {KW_BUILTIN_BOOLEAN, KW_BUILTIN_UINT64,      KW_BUILTIN_INT16,          KW_BUILTIN_FLOAT,
                                       KW_BUILTIN_STRING,  KW_BUILTIN_DATE_TIME,   KW_BUILTIN_GUID,           KW_BUILTIN_BYTE_STRING,
                                       KW_BUILTIN_NODE_ID, KW_BUILTIN_STATUS_CODE, KW_BUILTIN_QUALIFIED_NAME, KW_BUILTIN_LOCALIZED_TEXT};
    assert_int_equal(load((const char *[]){"values.xml"}, 1), KW_GOOD);
    kw_variant v = value_of(1);
    assert_int_equal(v.count, 2);
    assert_int_equal(((const int32_t *)v.data)[0], -1);
    v = value_of(5);
    assert_int_equal(v.dimension_count, 2);
    assert_int_equal(((const uint8_t *)v.data)[3], 255);
    v = value_of(6);
    const kw_variant *all = v.data;
    assert_int_equal(v.count, sizeof(TYPES) / sizeof(TYPES[0]));
    for (size_t i = 0; i < v.count; i++) {
        assert_int_equal(all[i].type, TYPES[i]);
    }
    assert_true(*(const uint64_t *)all[1].data == UINT64_MAX);
    assert_int_equal(*(const int16_t *)all[2].data, INT16_MIN);
    assert_text(*(const kw_string *)all[4].data, " as it is ");
    assert_int_equal(((const kw_guid *)all[6].data)->data1, 0x72962b91);
    assert_int_equal(((const kw_bytes *)all[7].data)->len, 4);
    assert_int_equal(((const kw_node_id *)all[8].data)->ns, ns("urn:test:values"));
    assert_int_equal(*(const kw_status *)all[9].data, 0x80000000);
    assert_int_equal(((const kw_qualified_name *)all[10].data)->ns, ns("urn:test:values"));
}

/* --- what is wrong --------------------------------------------------------------------------------------------------------------- */

static void a_missing_model_is_named(void **state)
{
    (void)state;
    assert_int_equal(load((const char *[]){"derived.xml"}, 1), KW_BAD_NOT_FOUND);
    assert_string_equal(report.error, "derived.xml:10: the model urn:test:base is needed; give its file too");
    assert_int_equal(load((const char *[]){"base.xml", "base.xml"}, 2), KW_BAD_DECODING_ERROR);
    assert_non_null(strstr(report.error, "is in base.xml too"));
}

static void mistakes_are_named_by_file_and_line(void **state)
{
    (void)state;
    refused("<Other/>", "model.xml:1: <Other> is no UANodeSet");
    refused("<UANodeSet>\n<UAObject", "model.xml:2: ");
    refused("", "model.xml:1: ");
    refused(FILE_OF("<UAObject BrowseName=\"1:A\"/>"), "model.xml:3: <UAObject> has no NodeId");
    refused(FILE_OF("<UAObject NodeId=\"ns=1;i=1\"/>"), "model.xml:3: <UAObject> has no BrowseName");
    refused(FILE_OF("<UAObject NodeId=\"ns=2;i=1\" BrowseName=\"A\"/>"), "namespace index 2, but NamespaceUris has 1");
    refused(FILE_OF("<UAObject NodeId=\"Alias\" BrowseName=\"A\"/>"), "'Alias' is neither a NodeId nor one of the Aliases");
    refused(FILE_OF("<UAObject NodeId=\"svr=1;i=1\" BrowseName=\"A\"/>"), "is on another Server");
    refused(FILE_OF("<UAObject NodeId=\"ns=1;i=1\" BrowseName=\"A\"/>\n<UAView NodeId=\"ns=1;i=1\" BrowseName=\"B\"/>"),
            "model.xml:4: there is a node ns=1;i=1 already");
    refused(FILE_OF("<UAVariable NodeId=\"ns=1;i=1\" BrowseName=\"A\" AccessLevel=\"much\"/>"), "'much' is no number");
    refused(FILE_OF("<UAVariable NodeId=\"ns=1;i=1\" BrowseName=\"A\" ValueRank=\"1\" ArrayDimensions=\"1,2\"/>"), "2 ArrayDimensions");
    refused(FILE_OF("<UAVariable NodeId=\"ns=1;i=1\" BrowseName=\"A\">\n<Value><Byte>256</Byte></Value></UAVariable>"),
            "model.xml:4: '256' is no number");
    refused(FILE_OF("<UAVariable NodeId=\"ns=1;i=1\" BrowseName=\"A\"><Value><Thing/></Value></UAVariable>"),
            "<Thing> is no built-in type");
    refused(FILE_OF("<UAObject NodeId=\"ns=1;i=1\" BrowseName=\"A\"><References><Reference>i=1</Reference></References></UAObject>"),
            "a Reference has no ReferenceType");
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    refused("<!DOCTYPE UANodeSet [<!ENTITY a \"aaaa\">]><UANodeSet/>", "a document type is not allowed");
    refused("<!DOCTYPE UANodeSet SYSTEM \"file:///etc/passwd\"><UANodeSet/>", "a document type is not allowed");
    const size_t room = (size_t)4 << 20;
    char *document = malloc(room);
    assert_non_null(document);
    size_t used = (size_t)snprintf(document, room, "<UANodeSet>");
    for (int i = 0; i < 200; i++) {
        used += (size_t)snprintf(document + used, room - used, "<Extensions>");
    }
    refused(document, "nested deeper than 100 levels");
    used = (size_t)snprintf(document, room, "<UANodeSet><!-- ");
    memset(document + used, 'x', room - used);
    document[room - 1] = '\0';
    refused(document, "longer than");
    free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nodes_of_every_class_have_the_attributes_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(permissions_of_the_file_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(references_go_both_ways_and_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_types_are_described_with_the_fields_of_their_bases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(namespaces_of_files_become_those_of_the_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_namespace_has_one_metadata, set_up, tear_down),
        cmocka_unit_test_setup_teardown(structures_that_are_known_are_decoded_and_others_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_of_every_built_in_type_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_model_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes_are_named_by_file_and_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_files_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

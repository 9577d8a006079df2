/* A device as a program sees it: threads, posts, two in one process, what is wrong in a sentence. */
#include "device/device_internal.h"
#include "support/test.h"

#include <keyway/client.h>
#include <keyway/device.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct world {
    char directory[64];
    kw_device *device;
    double level;
    kw_arena *arena;
} world;

static void make_device(world *w, const char *uri)
{
    snprintf(w->directory, sizeof(w->directory), "/tmp/kw-device-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    const kw_device_config config = {
        .directory = w->directory, .application_uri = uri, .allow_none = true, .allow_anonymous = true, .quiet = true};
    if (kw_status_is_bad(kw_device_new(&config, &w->device))) {
        fail_msg("%s", kw_device_error(NULL));
    }
    w->level = 1.5;
    w->arena = kw_arena_new(1 << 20);
    assert_int_equal(kw_device_add_variable(
                         w->device, &(kw_device_variable){.node = {.name = "Level"}, .type = KW_BUILTIN_DOUBLE, .memory = &w->level}, NULL),
                     KW_GOOD);
}

static void end_device(world *w)
{
    char command[100];
    kw_device_free(w->device);
    kw_arena_free(w->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", w->directory);
    assert_int_equal(system(command), 0);
}

static double read_level(world *w)
{
    const kw_client_config config = {.policy = "None", .timeout_ms = 30000};
    const kw_client_identity nobody = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    const char *why = "";
    kw_client *client = NULL;
    kw_data_value value;
    assert_int_equal(kw_client_new(&config, &client, &why), KW_GOOD);
    if (kw_status_is_bad(kw_client_connect(client, kw_device_url(w->device))) || kw_status_is_bad(kw_client_activate(client, &nobody))) {
        fail_msg("%s", kw_client_error(client));
    }
    assert_int_equal(kw_client_read(client, &KW_NODE_ID_TEXT(1, "Level"), 13, w->arena, &value), KW_GOOD);
    const double level = *(const double *)kw_variant_get(&value.value, KW_BUILTIN_DOUBLE);
    kw_client_free(client);
    return level;
}

static void two_devices_live_in_one_process(void **state)
{
    world a, b;
    (void)state;
    make_device(&a, "urn:test:a");
    make_device(&b, "urn:test:b");
    b.level = 2.5;
    assert_int_equal(kw_device_start(a.device), KW_GOOD);
    assert_int_equal(kw_device_start(b.device), KW_GOOD);
    assert_true(read_level(&a) == 1.5);
    assert_true(read_level(&b) == 2.5);
    end_device(&a);
    assert_true(read_level(&b) == 2.5);
    end_device(&b);
}

typedef struct errand {
    world *w;
    atomic_bool is_done;
} errand;

static void run_errand(kw_device *device, void *ctx)
{
    errand *e = ctx;
    assert_ptr_equal(device, e->w->device);
    e->w->level = 7;
    assert_int_equal(kw_device_add_object(device, &(kw_device_node){.name = "Late"}, NULL), KW_GOOD);
    atomic_store(&e->is_done, true);
}

static void what_is_posted_runs_in_the_loop(void **state)
{
    world w;
    (void)state;
    make_device(&w, "urn:test:post");
    errand e = {.w = &w};
    atomic_init(&e.is_done, false);
    assert_true(kw_device_post(w.device, run_errand, &e)); /* before it begins: kept until then */
    assert_int_equal(kw_device_start(w.device), KW_GOOD);
    double level = read_level(&w);
    for (int i = 0; i < 10 && level != 7; i++) { /* it was there first, but both may be of one round of the loop */
        level = read_level(&w);
    }
    assert_true(level == 7);
    kw_device_stop(w.device);
    assert_true(atomic_load(&e.is_done));
    assert_false(kw_device_post(w.device, run_errand, &e)); /* nobody would run it */
    assert_int_equal(kw_device_start(w.device), KW_BAD_INVALID_STATE);
    assert_string_equal(kw_device_error(w.device), "a device runs once; make a new one");
    end_device(&w);
}

static void nodes_have_the_ids_of_their_names(void **state)
{
    world w;
    kw_node_id motor, speed;
    (void)state;
    make_device(&w, "urn:test:ids");
    assert_int_equal(kw_device_add_object(w.device, &(kw_device_node){.name = "Motor"}, &motor), KW_GOOD);
    const kw_device_variable variable = {.node = {.name = "Speed", .parent = motor}, .type = KW_BUILTIN_INT32};
    assert_int_equal(kw_device_add_variable(w.device, &variable, &speed), KW_GOOD);
    assert_true(kw_node_id_equal(&speed, &KW_NODE_ID_TEXT(1, "Motor.Speed")));
    assert_int_equal(kw_device_add_variable(w.device, &variable, NULL), KW_BAD_NODE_ID_EXISTS);
    assert_non_null(strstr(kw_device_error(w.device), "Speed: there is a node of this id already"));
    assert_int_equal(kw_device_remove(w.device, &speed), KW_GOOD);
    assert_int_equal(kw_device_add_variable(w.device, &variable, NULL), KW_GOOD);
    end_device(&w);
}

static void do_nothing(void *ctx, kw_device_call *call)
{
    (void)ctx;
    (void)call;
}

static void a_node_goes_with_what_hangs_below_it(void **state)
{
    world w;
    kw_node_id motor, winding, shaft;
    (void)state;
    make_device(&w, "urn:test:remove");
    const kw_device_argument argument = {.name = "Speed", .type = KW_BUILTIN_DOUBLE};
    const kw_device_method start = {
        .node = {.name = "Start"}, .inputs = &argument, .input_count = 1, .outputs = &argument, .output_count = 1, .call = do_nothing};
    kw_node_id method;
    assert_int_equal(kw_device_add_method(w.device, &start, &method), KW_GOOD);
    assert_int_equal(kw_device_remove(w.device, &method), KW_GOOD);
    assert_int_equal(kw_device_add_method(w.device, &start, NULL), KW_GOOD); /* its arguments are gone, too */
    assert_int_equal(kw_device_add_object(w.device, &(kw_device_node){.name = "Motor"}, &motor), KW_GOOD);
    assert_int_equal(kw_device_add_object(w.device, &(kw_device_node){.name = "Winding", .parent = motor}, &winding), KW_GOOD);
    assert_int_equal(kw_device_add_object(w.device, &(kw_device_node){.name = "Shaft", .parent = motor}, &shaft), KW_GOOD);
    kw_space *space = kw_server_space(w.device->server);
    const kw_node_id has_component = KW_NODE_ID(0, 47), level = KW_NODE_ID_TEXT(1, "Level");
    assert_int_equal(kw_space_add_reference(space, &winding, &has_component, &motor), KW_GOOD); /* a loop */
    assert_int_equal(kw_space_add_reference(space, &level, &has_component, &shaft), KW_GOOD);
    assert_int_equal(kw_device_remove(w.device, &motor), KW_GOOD);
    assert_int_equal(kw_device_remove(w.device, &winding), KW_BAD_NODE_ID_UNKNOWN);
    assert_int_equal(kw_device_remove(w.device, &shaft), KW_GOOD); /* it was a part of Level, too */
    end_device(&w);
}

static void mistakes_are_told_in_a_sentence(void **state)
{
    world w;
    kw_device *device = NULL;
    static const kw_device_right UNKNOWN[] = {{"Boss", KW_MAY_READ}};
    double number = 0;
    (void)state;
    assert_int_equal(kw_device_new(&(kw_device_config){.directory = NULL}, &device), KW_BAD_CONFIGURATION_ERROR);
    assert_non_null(strstr(kw_device_error(NULL), "directory"));
    make_device(&w, "urn:test:mistakes");
    assert_int_equal(kw_device_new(&(kw_device_config){.directory = w.directory, .application_uri = "urn:other", .quiet = true}, &device),
                     KW_BAD_CERTIFICATE_URI_INVALID);
    assert_non_null(strstr(kw_device_error(NULL), "not of urn:other"));
    const kw_device_node stranger = {.name = "X", .rights = UNKNOWN, .right_count = 1};
    assert_int_equal(kw_device_add_object(w.device, &stranger, NULL), KW_BAD_NOT_FOUND);
    assert_string_equal(kw_device_error(w.device), "X: Boss is none of the well-known Roles");
    assert_int_equal(kw_device_add_object(w.device, &(kw_device_node){.name = "Y", .parent = KW_NODE_ID_TEXT(1, "nowhere")}, NULL),
                     KW_BAD_PARENT_NODE_ID_INVALID);
    assert_int_equal(
        kw_device_add_variable(
            w.device, &(kw_device_variable){.node = {.name = "Z"}, .type = KW_BUILTIN_STRING, .memory = &number, .writable = true}, NULL),
        KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(kw_device_raise(w.device, &(kw_device_event){.severity = 5}), KW_BAD_INVALID_ARGUMENT);
    end_device(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_devices_live_in_one_process),   cmocka_unit_test(what_is_posted_runs_in_the_loop),
        cmocka_unit_test(nodes_have_the_ids_of_their_names), cmocka_unit_test(a_node_goes_with_what_hangs_below_it),
        cmocka_unit_test(mistakes_are_told_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

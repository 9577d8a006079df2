#include "app/machine.h"

#include "base/try.h"
#include "space/locale.h"

#include <math.h>
#include <stdlib.h>

#define ROLE_ANONYMOUS 15644
#define ROLE_OBSERVER 15668
#define ROLE_OPERATOR 15680
#define ROLE_ENGINEER 16036
#define ROLE_SUPERVISOR 15692
#define TYPE_DOUBLE 11
#define TYPE_STRING 12
#define TYPE_LOCALIZED_TEXT 21
#define SEE KW_PERMISSION_BROWSE
#define READ (KW_PERMISSION_BROWSE | KW_PERMISSION_READ)
#define WRITE (READ | KW_PERMISSION_WRITE)
#define SPEED_MAX 3000.0

struct kw_machine {
    const kw_clock *clock;
    double speed;
};

static kw_data_value value_now(const kw_machine *machine, const double *value)
{
    const kw_date_time now = kw_clock_utc(machine->clock);
    return (kw_data_value){.has_value = true,
                           .has_source_timestamp = true,
                           .has_server_timestamp = true,
                           .source_timestamp = now,
                           .server_timestamp = now,
                           .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, value)};
}

/* Warmer when it turns faster, with a slow swing of ten minutes. */
static kw_status read_temperature(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_machine *machine = ctx;
    double *value = KW_ARENA_NEW(arena, double);
    (void)access;
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const double seconds = (double)(kw_clock_utc(machine->clock) / KW_TICKS_PER_S % 600);
    *value = 20.0 + machine->speed / 100.0 + sin(seconds * 0.0104719755);
    *out = value_now(machine, value);
    return KW_GOOD;
}

static kw_status read_speed(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_machine *machine = ctx;
    double *value = KW_ARENA_NEW(arena, double);
    (void)access;
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *value = machine->speed;
    *out = value_now(machine, value);
    return KW_GOOD;
}

static kw_status read_status(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    static const kw_localized_text RUNNING = {{(const uint8_t *)"en", 2}, {(const uint8_t *)"The machine is running", 22}};
    static const kw_localized_text STANDING = {{(const uint8_t *)"en", 2}, {(const uint8_t *)"The machine stands still", 24}};
    const kw_machine *machine = ctx;
    (void)access;
    (void)arena;
    *out = value_now(machine, &machine->speed);
    out->value = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, machine->speed > 0 ? &RUNNING : &STANDING);
    return KW_GOOD;
}

static kw_status set_speed(kw_machine *machine, const double *speed)
{
    if (speed == NULL) {
        return KW_BAD_TYPE_MISMATCH;
    }
    if (!(*speed >= 0 && *speed <= SPEED_MAX)) { /* also NaN */
        return KW_BAD_OUT_OF_RANGE;
    }
    machine->speed = *speed;
    return KW_GOOD;
}

static kw_status write_speed(void *ctx, const kw_access *access, const kw_data_value *value)
{
    (void)access;
    return set_speed(ctx, kw_variant_get(&value->value, KW_BUILTIN_DOUBLE));
}

static void call_set_speed(void *ctx, kw_call *call)
{
    kw_machine *machine = ctx;
    double *former = KW_ARENA_NEW(call->arena, double);
    if (former == NULL) {
        call->finish(call, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    *former = machine->speed;
    const kw_status status = set_speed(machine, kw_variant_get(&call->inputs[0], KW_BUILTIN_DOUBLE));
    if (kw_status_is_bad(status)) {
        call->input_results[0] = status;
        call->finish(call, KW_BAD_INVALID_ARGUMENT);
        return;
    }
    call->outputs[0] = kw_variant_scalar(KW_BUILTIN_DOUBLE, former);
    call->finish(call, KW_GOOD);
}

static const kw_node_permission EVERYBODY[] = {{0, ROLE_ANONYMOUS, READ}};
static const kw_node_permission OBJECT[] = {{0, ROLE_ANONYMOUS, READ | KW_PERMISSION_CALL | KW_PERMISSION_RECEIVE_EVENTS}};
static const kw_node_permission SPEED[] = {
    {0, ROLE_ANONYMOUS, SEE}, {0, ROLE_OBSERVER, READ}, {0, ROLE_OPERATOR, WRITE}, {0, ROLE_ENGINEER, READ}, {0, ROLE_SUPERVISOR, READ}};
static const kw_node_permission RECIPE[] = {{0, ROLE_ANONYMOUS, SEE}, {0, ROLE_OPERATOR, READ}, {0, ROLE_ENGINEER, WRITE}};
static const kw_node_permission METHOD[] = {{0, ROLE_ANONYMOUS, SEE}, {0, ROLE_OPERATOR, READ | KW_PERMISSION_CALL}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static kw_status add_variables(kw_machine *machine, kw_space *space, const kw_node_id *parent)
{
    static const kw_string RECIPE_TEXT = {(const uint8_t *)"steel, 4 mm, two passes", 23};
    KW_TRY(kw_space_add_variable(space, &(kw_node_spec){.id = KW_NODE_ID_TEXT(1, "Machine.Temperature"),
                                                        .parent = *parent,
                                                        .browse_name = {1, KW_STRING("Temperature")},
                                                        .permissions = EVERYBODY,
                                                        .permission_count = COUNT(EVERYBODY),
                                                        .data_type = KW_NODE_ID(0, TYPE_DOUBLE),
                                                        .read = read_temperature,
                                                        .ctx = machine}));
    KW_TRY(kw_space_add_variable(space, &(kw_node_spec){.id = KW_NODE_ID_TEXT(1, "Machine.Status"),
                                                        .parent = *parent,
                                                        .browse_name = {1, KW_STRING("Status")},
                                                        .permissions = EVERYBODY,
                                                        .permission_count = COUNT(EVERYBODY),
                                                        .data_type = KW_NODE_ID(0, TYPE_LOCALIZED_TEXT),
                                                        .read = read_status,
                                                        .ctx = machine}));
    KW_TRY(kw_space_add_variable(space, &(kw_node_spec){.id = KW_NODE_ID_TEXT(1, "Machine.Speed"),
                                                        .parent = *parent,
                                                        .browse_name = {1, KW_STRING("Speed")},
                                                        .permissions = SPEED,
                                                        .permission_count = COUNT(SPEED),
                                                        .data_type = KW_NODE_ID(0, TYPE_DOUBLE),
                                                        .writable = true,
                                                        .read = read_speed,
                                                        .write = write_speed,
                                                        .ctx = machine}));
    return kw_space_add_variable(space, &(kw_node_spec){.id = KW_NODE_ID_TEXT(1, "Machine.Recipe"),
                                                        .parent = *parent,
                                                        .browse_name = {1, KW_STRING("Recipe")},
                                                        .permissions = RECIPE,
                                                        .permission_count = COUNT(RECIPE),
                                                        .data_type = KW_NODE_ID(0, TYPE_STRING),
                                                        .writable = true,
                                                        .value = kw_variant_scalar(KW_BUILTIN_STRING, &RECIPE_TEXT)});
}

static kw_status add_words(kw_space *space)
{
    static const char *const WORDS[][3] = {
        {"Machine", "Maschine", "Machine"},
        {"Temperature", "Temperatur", "Température"},
        {"Status", "Zustand", "État"},
        {"Speed", "Drehzahl", "Vitesse"},
        {"Recipe", "Rezept", "Recette"},
        {"SetSpeed", "Drehzahl setzen", "Régler la vitesse"},
        {"The machine is running", "Die Maschine läuft", "La machine tourne"},
        {"The machine stands still", "Die Maschine steht", "La machine est arrêtée"},
        {"Revolutions per minute, 0 to 3000", "Umdrehungen je Minute, 0 bis 3000", "Tours par minute, de 0 à 3000"},
        {"The speed before", "Die Drehzahl vorher", "La vitesse précédente"},
    };
    for (size_t i = 0; i < COUNT(WORDS); i++) {
        KW_TRY(kw_space_translate(space, WORDS[i][0], "de", WORDS[i][1]));
        KW_TRY(kw_space_translate(space, WORDS[i][0], "fr", WORDS[i][2]));
    }
    return KW_GOOD;
}

static kw_status add_nodes(kw_machine *machine, kw_space *space)
{
    static const kw_argument_spec IN[] = {{"Speed", TYPE_DOUBLE, -1, "Revolutions per minute, 0 to 3000"}};
    static const kw_argument_spec OUT[] = {{"Former", TYPE_DOUBLE, -1, "The speed before"}};
    const kw_node_id id = KW_NODE_ID_TEXT(1, "Machine");
    KW_TRY(kw_space_add_object(space, &(kw_node_spec){.id = id,
                                                      .parent = KW_NODE_ID(0, 85),
                                                      .reference_type = KW_NODE_ID(0, 35), /* Organizes */
                                                      .browse_name = {1, KW_STRING("Machine")},
                                                      .permissions = OBJECT,
                                                      .permission_count = COUNT(OBJECT)}));
    KW_TRY(add_variables(machine, space, &id));
    KW_TRY(add_words(space));
    return kw_space_add_method(space, &(kw_node_spec){.id = KW_NODE_ID_TEXT(1, "Machine.SetSpeed"),
                                                      .parent = id,
                                                      .browse_name = {1, KW_STRING("SetSpeed")},
                                                      .permissions = METHOD,
                                                      .permission_count = COUNT(METHOD),
                                                      .inputs = IN,
                                                      .input_count = 1,
                                                      .outputs = OUT,
                                                      .output_count = 1,
                                                      .call = call_set_speed,
                                                      .ctx = machine});
}

kw_status kw_machine_new(kw_space *space, const kw_clock *clock, kw_machine **out)
{
    kw_machine *machine = calloc(1, sizeof(*machine));
    if (machine == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    machine->clock = clock;
    machine->speed = 1200.0;
    const kw_status status = add_nodes(machine, space);
    if (kw_status_is_bad(status)) {
        kw_machine_free(machine);
        return status;
    }
    *out = machine;
    return KW_GOOD;
}

void kw_machine_free(kw_machine *machine)
{
    free(machine);
}

/*
 * A pump with all that a device has: values in its own memory, a value that only Operators set, a Method, events, and a thread of its
 * own that works while Clients read.
 *
 *   pump DIRECTORY [PORT]
 */
#include <keyway/device.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct pump {
    double speed;    /* revolutions per minute; written by Operators */
    double pressure; /* bar; changes by itself */
    kw_string state; /* in the loop alone: it is two words long */
    kw_device *device;
} pump;

static const kw_device_right EVERYBODY[] = {{"Anonymous", KW_MAY_READ}, {"Operator", KW_MAY_CALL}}; /* to call, also on the Object */
static const kw_device_right OPERATORS[] = {{"AuthenticatedUser", KW_MAY_READ}, {"Operator", KW_MAY_WRITE | KW_MAY_CALL}};
#define RIGHTS(list) .rights = (list), .right_count = sizeof(list) / sizeof((list)[0])

static kw_status take_speed(void *ctx, const kw_device_user *user, const kw_variant *value)
{
    const double *speed = kw_variant_get(value, KW_BUILTIN_DOUBLE);
    (void)ctx;
    printf("%.*s sets the speed to %.0f\n", KW_STRING_ARGS(user->name), *speed);
    fflush(stdout);
    return *speed >= 0 && *speed <= 3000 ? KW_GOOD : KW_BAD_OUT_OF_RANGE;
}

static void stop(void *ctx, kw_device_call *call)
{
    static double former;
    pump *p = ctx;
    former = p->speed;
    p->speed = 0;
    p->state = KW_STRING("stopped");
    kw_device_raise(p->device, &(kw_device_event){.message = "The pump was stopped", .severity = 500});
    kw_device_call_output(call, 0, kw_variant_scalar(KW_BUILTIN_DOUBLE, &former));
    kw_device_call_finish(call, KW_GOOD);
}

static kw_status add_nodes(pump *p)
{
    static const kw_device_argument OUT[] = {{"Former", KW_BUILTIN_DOUBLE, false, "The speed before"}};
    kw_device *d = p->device;
    kw_node_id motor;
    kw_status status = kw_device_add_object(d, &(kw_device_node){.name = "Motor", RIGHTS(EVERYBODY)}, &motor);
    if (!kw_status_is_bad(status)) {
        status = kw_device_add_variable(d,
                                        &(kw_device_variable){.node = {.name = "Speed", .parent = motor, RIGHTS(OPERATORS)},
                                                              .type = KW_BUILTIN_DOUBLE,
                                                              .memory = &p->speed,
                                                              .writable = true,
                                                              .write = take_speed,
                                                              .ctx = p},
                                        NULL);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_device_add_variable(d,
                                        &(kw_device_variable){.node = {.name = "Pressure", .description = "bar", .parent = motor},
                                                              .type = KW_BUILTIN_DOUBLE,
                                                              .memory = &p->pressure},
                                        NULL);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_device_add_variable(
            d, &(kw_device_variable){.node = {.name = "State", .parent = motor}, .type = KW_BUILTIN_STRING, .memory = &p->state}, NULL);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_device_add_method(
            d,
            &(kw_device_method){
                .node = {.name = "Stop", .parent = motor, RIGHTS(OPERATORS)}, .outputs = OUT, .output_count = 1, .call = stop, .ctx = p},
            NULL);
    }
    return status;
}

static void warn(kw_device *device, void *ctx)
{
    (void)ctx;
    kw_device_raise(device, &(kw_device_event){.message = "The pressure is high", .severity = 700});
}

int main(int argc, char **argv)
{
    pump p = {.speed = 1200, .state = KW_STRING("running")};
    sigset_t ends;
    if (argc < 2) {
        return fprintf(stderr, "usage: pump DIRECTORY [PORT]\n"), 2;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    const kw_device_config config = {.directory = argv[1],
                                     .application_uri = "urn:example:pump",
                                     .application_name = "Example pump",
                                     .port = argc > 2 ? (uint16_t)atoi(argv[2]) : 0,
                                     .allow_anonymous = true,
                                     .announce = true};
    if (kw_status_is_bad(kw_device_new(&config, &p.device))) {
        return fprintf(stderr, "%s\n", kw_device_error(NULL)), 1;
    }
    if (kw_status_is_bad(add_nodes(&p)) || kw_status_is_bad(kw_device_start(p.device))) {
        fprintf(stderr, "%s\n", kw_device_error(p.device));
        kw_device_free(p.device);
        return 1;
    }
    const struct timespec step = {.tv_nsec = 100000000};
    while (sigtimedwait(&ends, NULL, &step) < 0) { /* the device's own work: what it measures */
        double speed, pressure;
        __atomic_load(&p.speed, &speed, __ATOMIC_RELAXED);
        pressure = speed / 300;
        if (pressure > 8 && p.pressure <= 8) {
            kw_device_post(p.device, warn, NULL);
        }
        __atomic_store(&p.pressure, &pressure, __ATOMIC_RELAXED);
    }
    kw_device_free(p.device);
    return 0;
}

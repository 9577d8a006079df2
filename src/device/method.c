/* Methods of a device. */
#include "base/try.h"
#include "device/device_internal.h"

typedef struct device_method {
    kw_device_thing thing;
    void (*call)(void *ctx, kw_device_call *call);
    void *ctx;
} device_method;

struct kw_device_call {
    kw_call *call;
    kw_device_user user;
};

const kw_device_user *kw_device_call_user(const kw_device_call *call)
{
    return &call->user;
}

kw_arena *kw_device_call_arena(kw_device_call *call)
{
    return call->call->arena;
}

const kw_variant *kw_device_call_input_variant(const kw_device_call *call, size_t index)
{
    return index < call->call->input_count ? &call->call->inputs[index] : NULL;
}

const void *kw_device_call_input(const kw_device_call *call, size_t index)
{
    const kw_variant *value = kw_device_call_input_variant(call, index);
    return value != NULL && !value->is_array ? value->data : NULL;
}

void kw_device_call_output(kw_device_call *call, size_t index, kw_variant value)
{
    if (index < call->call->output_count) {
        call->call->outputs[index] = value;
    }
}

void kw_device_call_refuse_input(kw_device_call *call, size_t index, kw_status status)
{
    if (index < call->call->input_count) {
        call->call->input_results[index] = status;
    }
}

void kw_device_call_finish(kw_device_call *call, kw_status status)
{
    call->call->finish(call->call, status);
}

static void on_call(void *ctx, kw_call *call)
{
    const device_method *method = ctx;
    kw_device_call *c = KW_ARENA_NEW(call->arena, kw_device_call);
    kw_status status = c != NULL ? kw_device_user_of(call->access, call->arena, &c->user) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        call->finish(call, status);
        return;
    }
    c->call = call;
    method->call(method->ctx, c);
}

static kw_status describe_arguments(kw_device *device, const kw_device_argument *from, size_t count, const kw_argument_spec **out)
{
    kw_argument_spec *specs = KW_ARENA_ARRAY(device->arena, kw_argument_spec, count);
    if (specs == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if (kw_type_builtin(from[i].type) == NULL || from[i].name == NULL) {
            return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "an argument needs a name and a built-in type");
        }
        specs[i] = (kw_argument_spec){from[i].name, from[i].type, from[i].is_array ? 1 : -1, from[i].description};
    }
    *out = specs;
    return KW_GOOD;
}

kw_status kw_device_add_method(kw_device *device, const kw_device_method *method, kw_node_id *id)
{
    kw_node_spec spec;
    KW_TRY(kw_device_describe(device, &method->node, &spec));
    if (method->call == NULL) {
        return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "%s: a Method needs a function", method->node.name);
    }
    KW_TRY(describe_arguments(device, method->inputs, method->input_count, &spec.inputs));
    KW_TRY(describe_arguments(device, method->outputs, method->output_count, &spec.outputs));
    device_method *m = kw_device_keep(device, sizeof(*m));
    if (m == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    m->call = method->call;
    m->ctx = method->ctx;
    spec.input_count = method->input_count;
    spec.output_count = method->output_count;
    spec.call = on_call;
    spec.ctx = m;
    return kw_device_added(device, kw_space_add_method(kw_server_space(device->server), &spec), &method->node, &spec, id);
}

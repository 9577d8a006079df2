#include "ua/codec_internal.h"

kw_variant kw_variant_scalar(kw_builtin type, const void *data)
{
    return (kw_variant){.type = (uint8_t)type, .data = data};
}

kw_variant kw_variant_array(kw_builtin type, const void *data, size_t count)
{
    return (kw_variant){.type = (uint8_t)type, .is_array = true, .data = data, .count = count};
}

const void *kw_variant_get(const kw_variant *v, kw_builtin type)
{
    return v->type == type && !v->is_array ? v->data : NULL;
}

kw_extension_object kw_extension_object_of(const kw_type *type, const void *value)
{
    return (kw_extension_object){
        .type_id = KW_NODE_ID(0, type->binary_id), .encoding = KW_EXTENSION_BINARY, .type = type, .value = (void *)(uintptr_t)value};
}

const void *kw_extension_object_get(const kw_extension_object *object, const kw_type *type)
{
    return object->type == type ? object->value : NULL;
}

bool kw_builtin_is_plain(uint8_t builtin)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (builtin >= KW_BUILTIN_SBYTE && builtin <= KW_BUILTIN_UINT64) || builtin == KW_BUILTIN_DATE_TIME ||
           builtin == KW_BUILTIN_STATUS_CODE;
#else
    return builtin == KW_BUILTIN_SBYTE || builtin == KW_BUILTIN_BYTE;
#endif
}

bool kw_dimensions_fit(const int32_t *dimensions, size_t dimension_count, size_t count)
{
    if (dimension_count == 0 || dimension_count > KW_VARIANT_MAX_DIMENSIONS) {
        return false;
    }
    size_t product = 1;
    for (size_t i = 0; i < dimension_count; i++) {
        if (dimensions[i] <= 0 || __builtin_mul_overflow(product, (size_t)dimensions[i], &product)) {
            return false;
        }
    }
    return product == count;
}

#include "identity/json.h"

#include <stdlib.h>

json_t *kw_json_parse_object(kw_bytes text)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (root != NULL && !json_is_object(root)) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

static bool take_value(const json_t *value, size_t max, kw_arena *arena, kw_string *out)
{
    const size_t len = json_string_length(value);
    if (!json_is_string(value) || len == 0 || len > max) {
        return false;
    }
    *out = kw_arena_copy(arena, (kw_bytes){(const uint8_t *)json_string_value(value), len});
    return out->data != NULL;
}

bool kw_json_take_string(const json_t *object, const char *name, size_t max, kw_arena *arena, kw_string *out)
{
    const json_t *value = json_object_get(object, name);
    *out = KW_BYTES_NULL;
    return value == NULL || take_value(value, max, arena, out);
}

bool kw_json_take_strings(const json_t *object, const char *name, size_t max, size_t max_count, kw_arena *arena, kw_string **out,
                          size_t *count)
{
    const json_t *value = json_object_get(object, name);
    const size_t elements = json_is_array(value) ? json_array_size(value) : value != NULL ? 1 : 0;
    *out = NULL;
    *count = 0;
    if (value == NULL) {
        return true;
    }
    kw_string *list = elements <= max_count ? KW_ARENA_ARRAY(arena, kw_string, elements) : NULL;
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < elements; i++) {
        if (!take_value(json_is_array(value) ? json_array_get(value, i) : value, max, arena, &list[i])) {
            return false;
        }
    }
    *out = list;
    *count = elements;
    return true;
}

bool kw_json_set_string(json_t *object, const char *name, kw_string value)
{
    return value.data == NULL || json_object_set_new(object, name, json_stringn((const char *)value.data, value.len)) == 0;
}

kw_string kw_json_dump(const json_t *value, kw_arena *arena)
{
    char *text = json_dumps(value, JSON_COMPACT);
    const kw_string copy = text != NULL ? kw_arena_copy(arena, kw_string_from(text)) : KW_BYTES_NULL;
    free(text);
    return copy;
}

#include "space/locale.h"

#include "base/try.h"
#include "space/space_internal.h"
#include "ua/codec.h"

#include <string.h>

#define LOCALES_MAX 64
#define NESTING_MAX 32

/* --- choosing --------------------------------------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_same(kw_string a, kw_string b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        same = lower(a.data[i]) == lower(b.data[i]);
    }
    return same;
}

static kw_string language_of(kw_string locale)
{
    const uint8_t *dash = locale.len > 0 ? memchr(locale.data, '-', locale.len) : NULL;
    return dash != NULL ? (kw_string){locale.data, (size_t)(dash - locale.data)} : locale;
}

size_t kw_locale_choose(const kw_string *available, size_t count, const kw_string *wishes, size_t wish_count)
{
    for (size_t w = 0; w < wish_count; w++) { /* AS-37 */
        for (size_t a = 0; a < count; a++) {
            if (is_same(available[a], wishes[w])) {
                return a;
            }
        }
    }
    for (size_t w = 0; w < wish_count; w++) { /* AS-38 */
        for (size_t a = 0; a < count; a++) {
            if (is_same(language_of(available[a]), language_of(wishes[w]))) {
                return a;
            }
        }
    }
    return 0; /* AS-39, AS-51 */
}

/* --- the dictionary ----------------------------------------------------------------------------------------------------------- */

struct kw_translations {
    kw_string locales[LOCALES_MAX]; /* the own one first */
    kw_string texts[LOCALES_MAX];
    size_t count;
};

static kw_status add_locale(kw_space *space, kw_string locale)
{
    for (size_t i = 0; i < space->locale_count; i++) {
        if (is_same(space->locales[i], locale)) {
            return KW_GOOD;
        }
    }
    if (space->locale_count == LOCALES_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    kw_string *all = KW_ARENA_ARRAY(space->arena, kw_string, space->locale_count + 1);
    const kw_string copy = kw_arena_copy(space->arena, locale);
    if (all == NULL || copy.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < space->locale_count; i++) {
        all[i] = space->locales[i];
    }
    all[space->locale_count++] = copy;
    space->locales = all;
    return KW_GOOD;
}

static kw_status find_or_add(kw_space *space, kw_string text, struct kw_translations **out)
{
    if (space->dictionary == NULL) {
        space->dictionary = kw_map_new();
    }
    *out = space->dictionary != NULL ? kw_map_get(space->dictionary, text) : NULL;
    if (*out != NULL) {
        return KW_GOOD;
    }
    struct kw_translations *made = KW_ARENA_NEW(space->arena, struct kw_translations);
    if (space->dictionary == NULL || made == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    made->locales[0] = KW_STRING(KW_LOCALE_OWN);
    made->texts[0] = kw_arena_copy(space->arena, text);
    made->count = 1;
    *out = made;
    return made->texts[0].data != NULL ? kw_map_put(space->dictionary, text, made, NULL) : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_space_translate(kw_space *space, const char *text, const char *locale, const char *translation)
{
    struct kw_translations *t = NULL;
    const kw_string id = kw_string_from(locale);
    if (id.len == 0 || language_of(id).len == 0 || text[0] == '\0') { /* AS-33 */
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(add_locale(space, KW_STRING(KW_LOCALE_OWN)));
    KW_TRY(add_locale(space, id));
    KW_TRY(find_or_add(space, kw_string_from(text), &t));
    size_t at = 0;
    while (at < t->count && !is_same(t->locales[at], id)) {
        at++;
    }
    if (at == LOCALES_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    const kw_string copy = kw_arena_copy(space->arena, kw_string_from(translation)), copied_id = kw_arena_copy(space->arena, id);
    if (copy.data == NULL || copied_id.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->locales[at] = copied_id;
    t->texts[at] = copy;
    t->count = at == t->count ? at + 1 : t->count;
    return KW_GOOD;
}

const kw_string *kw_space_locales(const kw_space *space, size_t *count)
{
    *count = space->locale_count;
    return space->locales;
}

/* --- applying it --------------------------------------------------------------------------------------------------------------- */

/* A text in a locale of its own says what it is; only those in the Server's own language are in the dictionary. */
static bool may_be_known(const kw_space *space, kw_localized_text text)
{
    return space->dictionary != NULL && text.text.len > 0 && (text.locale.len == 0 || kw_string_equals(text.locale, KW_LOCALE_OWN));
}

kw_localized_text kw_space_localize(const kw_space *space, const kw_access *access, kw_localized_text text)
{
    const struct kw_translations *t = may_be_known(space, text) ? kw_map_get(space->dictionary, text.text) : NULL;
    if (t == NULL) {
        return text;
    }
    const size_t at = kw_locale_choose(t->locales, t->count, access->locales, access->locale_count);
    return (kw_localized_text){t->locales[at], t->texts[at]};
}

/* Where texts are to be looked for, and what is known of the place. */
typedef struct walk {
    const kw_space *space;
    const kw_access *access;
    uint32_t depth;
} walk;

static bool holds_text(const kw_type *type, uint32_t depth)
{
    if (type->builtin == KW_BUILTIN_LOCALIZED_TEXT || type->builtin == KW_BUILTIN_VARIANT || type->builtin == KW_BUILTIN_DATA_VALUE) {
        return true;
    }
    for (uint16_t i = 0; depth > 0 && i < type->field_count; i++) {
        if (type->fields[i].type != type && holds_text(type->fields[i].type, depth - 1)) {
            return true;
        }
    }
    return false;
}

static void localize_at(walk *w, const kw_type *type, void *value);

static void localize_variant(walk *w, kw_variant *v)
{
    const kw_type *type = kw_type_builtin((kw_builtin)v->type);
    uint8_t *data = (uint8_t *)(uintptr_t)v->data; /* a copy of ours */
    const size_t count = v->is_array ? v->count : 1;
    for (size_t i = 0; type != NULL && data != NULL && i < count; i++) {
        localize_at(w, type, data + i * type->size);
    }
}

static void localize_fields(walk *w, const kw_type *type, uint8_t *value)
{
    for (uint16_t i = 0; i < type->field_count; i++) {
        const kw_type_field *field = &type->fields[i];
        if (!field->is_array && !field->is_optional) {
            localize_at(w, field->type, value + field->offset);
            continue;
        }
        uint8_t *data = *(uint8_t **)(void *)(value + field->offset);
        const size_t count = field->is_array ? *(const size_t *)(const void *)(value + field->count_offset) : 1;
        for (size_t at = 0; data != NULL && at < count; at++) {
            localize_at(w, field->type, data + at * field->type->size);
        }
    }
}

static void localize_builtin(walk *w, kw_builtin type, void *value)
{
    kw_extension_object *object = value;
    switch (type) {
    case KW_BUILTIN_LOCALIZED_TEXT:
        *(kw_localized_text *)value = kw_space_localize(w->space, w->access, *(const kw_localized_text *)value);
        return;
    case KW_BUILTIN_VARIANT:
        localize_variant(w, value);
        return;
    case KW_BUILTIN_DATA_VALUE:
        localize_variant(w, &((kw_data_value *)value)->value);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        if (object->type != NULL && object->value != NULL) {
            localize_at(w, object->type, object->value);
        }
        return;
    default:
        return;
    }
}

static void localize_at(walk *w, const kw_type *type, void *value)
{
    if (w->depth == NESTING_MAX) {
        return;
    }
    w->depth++;
    if (type->kind == KW_KIND_BUILTIN) {
        localize_builtin(w, (kw_builtin)type->builtin, value);
    } else if (type->kind == KW_KIND_STRUCTURE || type->kind == KW_KIND_OPTIONAL) {
        localize_fields(w, type, value);
    }
    w->depth--;
}

/* Is there anything to look for? Numbers, the most of all values, are done here. */
static bool may_hold_text(const kw_variant *v)
{
    const kw_extension_object *objects = v->data;
    if (v->type == KW_BUILTIN_LOCALIZED_TEXT || v->type == KW_BUILTIN_VARIANT || v->type == KW_BUILTIN_DATA_VALUE) {
        return true;
    }
    if (v->type != KW_BUILTIN_EXTENSION_OBJECT || objects == NULL) {
        return false;
    }
    const size_t count = v->is_array ? v->count : 1;
    for (size_t i = 0; i < count; i++) {
        if (objects[i].type != NULL && holds_text(objects[i].type, NESTING_MAX)) {
            return true;
        }
    }
    return false;
}

kw_status kw_space_localize_value(const kw_space *space, const kw_access *access, kw_arena *arena, kw_variant *value)
{
    kw_variant copy;
    if (space->dictionary == NULL || !may_hold_text(value)) {
        return KW_GOOD;
    }
    KW_TRY(kw_ua_copy(arena, kw_type_builtin(KW_BUILTIN_VARIANT), value, &copy));
    walk w = {.space = space, .access = access};
    localize_variant(&w, &copy);
    *value = copy;
    return KW_GOOD;
}

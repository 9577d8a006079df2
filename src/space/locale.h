/*
 * Which translation a Client gets. OPC 10000-4, 5.7.3 (localeIds); OPC 10000-3, 8.5.
 *
 * A space has a dictionary: to a text in the Server's own language the same in others. Every LocalizedText that leaves the Server
 * is looked up in it, wherever it stands: names of nodes, values, structures in values, arguments and results of Methods, messages.
 */
#ifndef KW_SPACE_LOCALE_H
#define KW_SPACE_LOCALE_H

#include "space/space.h"

#define KW_LOCALE_OWN "en" /* of the texts that the Server has without a dictionary */

/*
 * The one of `available` that fits the wishes best: the first wish that is there exactly, else the first one whose language is
 * there, else the first of all (AS-36 … AS-39). Case of letters does not count. `count` is at least 1.
 */
size_t kw_locale_choose(const kw_string *available, size_t count, const kw_string *wishes, size_t wish_count);

/* Copies. The same text may be given in any number of locales; a second translation into one replaces the first. */
kw_status kw_space_translate(kw_space *space, const char *text, const char *locale, const char *translation);
/* LocaleIdArray: the own locale and all that the dictionary has. */
const kw_string *kw_space_locales(const kw_space *space, size_t *count);

kw_localized_text kw_space_localize(const kw_space *space, const kw_access *access, kw_localized_text text);
/* Every LocalizedText in a value; what has to change is copied into the arena. */
kw_status kw_space_localize_value(const kw_space *space, const kw_access *access, kw_arena *arena, kw_variant *value);

#endif

/* The dictionary of a Server, from a JSON file: {"Speed": {"de": "Drehzahl", "fr": "Vitesse"}, …}. */
#ifndef KW_APP_TRANSLATIONS_H
#define KW_APP_TRANSLATIONS_H

#include "space/locale.h"

/* Returns -1, or the exit code after saying which file and which entry is wrong. */
int kw_translations_load(kw_space *space, const char *file);

#endif

/* Commands of the form `keyway NOUN VERB [THING] -d DIR`: what they share. */
#ifndef KW_APP_VERBS_H
#define KW_APP_VERBS_H

#include "app/directory.h"
#include "app/options.h"

#define KW_VERB_OPTIONS_MAX 24

typedef struct kw_verb_call {
    const kw_command *command;
    kw_directory directory; /* open */
    const char *thing;      /* NULL: was not given */
    bool json;
    const void *options; /* of the command, filled */
} kw_verb_call;

typedef struct kw_verb {
    const char *name;
    const char *thing; /* what follows, for who forgets it: "the client's id"; NULL: nothing does */
    bool is_optional;  /* the thing may be missing */
    int (*run)(kw_verb_call *call);
} kw_verb;

/*
 * The whole command: read the options (`own`, beside -d and --json; they fill `values`), open the directory, run the verb, write the
 * record of it. `verbs` ends with a row without a name. Returns the exit code.
 */
int kw_verbs_run(const kw_command *self, int argc, char **argv, const kw_verb *verbs, const kw_option *own, size_t own_count,
                 const void *values);

#endif

/* What all commands of the program share. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or configuration. */
#ifndef KW_APP_APP_H
#define KW_APP_APP_H

#include <keyway/status.h>

#define KW_EXIT_DONE 0
#define KW_EXIT_FAILED 1
#define KW_EXIT_USAGE 2

typedef struct kw_command {
    const char *name;
    const char *synopsis;                                             /* what follows the name, for help */
    const char *summary;                                              /* one line */
    const char *help;                                                 /* the details: options and examples; may be NULL */
    int (*run)(const struct kw_command *self, int argc, char **argv); /* argv[0] is the command's name */
} kw_command;

/* Ended by a row without a name. */
extern const kw_command KW_COMMANDS[];

int kw_cmd_init(const kw_command *self, int argc, char **argv);
int kw_cmd_serve(const kw_command *self, int argc, char **argv);
int kw_cmd_authority(const kw_command *self, int argc, char **argv);
int kw_cmd_demo(const kw_command *self, int argc, char **argv);
int kw_cmd_endpoints(const kw_command *self, int argc, char **argv);
int kw_cmd_token(const kw_command *self, int argc, char **argv);
int kw_cmd_read(const kw_command *self, int argc, char **argv);
int kw_cmd_watch(const kw_command *self, int argc, char **argv);
int kw_cmd_write(const kw_command *self, int argc, char **argv);
int kw_cmd_browse(const kw_command *self, int argc, char **argv);
int kw_cmd_call(const kw_command *self, int argc, char **argv);
int kw_cmd_user(const kw_command *self, int argc, char **argv);
int kw_cmd_role(const kw_command *self, int argc, char **argv);
int kw_cmd_cert(const kw_command *self, int argc, char **argv);
int kw_cmd_issuer(const kw_command *self, int argc, char **argv);
int kw_cmd_policy(const kw_command *self, int argc, char **argv);
int kw_cmd_client(const kw_command *self, int argc, char **argv);
int kw_cmd_grant(const kw_command *self, int argc, char **argv);
int kw_cmd_resource(const kw_command *self, int argc, char **argv);
int kw_cmd_key(const kw_command *self, int argc, char **argv);
int kw_cmd_store(const kw_command *self, int argc, char **argv);
int kw_cmd_log(const kw_command *self, int argc, char **argv);
int kw_cmd_trail(const kw_command *self, int argc, char **argv);
int kw_cmd_directory(const kw_command *self, int argc, char **argv);
int kw_cmd_access(const kw_command *self, int argc, char **argv);
int kw_cmd_config(const kw_command *self, int argc, char **argv);

#endif

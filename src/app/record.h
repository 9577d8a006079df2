/* What the command line changes is in the audit trail, as what Methods change: who gave which command, and what became of it. */
#ifndef KW_APP_RECORD_H
#define KW_APP_RECORD_H

#include "app/directory.h"

/*
 * The end of a command of administration: writes its record, unless `verb` only looks, then closes the directory. Returns the exit code:
 * that of the command, or KW_EXIT_FAILED when the record could not be written. What is given as argument is no secret: passwords
 * come in files.
 */
int kw_directory_end(kw_directory *d, int argc, char **argv, const char *verb, int code);

#endif

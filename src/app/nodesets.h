/* NodeSet2 files of the configuration and the command line, loaded before the Server is there for anybody. */
#ifndef KW_APP_NODESETS_H
#define KW_APP_NODESETS_H

#include "app/directory.h"
#include "app/options.h"
#include "server/server.h"

/* `server.nodesets` of the configuration and then `more` (NULL: none). Returns -1, or the exit code after saying why. */
int kw_nodesets_load(kw_server *server, const kw_directory *directory, const kw_option_list *more, const kw_log *log);

#endif

/*
 * Models from NodeSet2 files (OPC 10000-6, Annex F): nodes, references, values, and what DataTypes look like.
 *
 * The files are read as streams, twice: once for what they are called and what they need, once for their nodes. Nothing is taken
 * for granted of them: no document type, no entities, bounded depth and lengths.
 */
#ifndef KW_SPACE_NODESET_LOAD_H
#define KW_SPACE_NODESET_LOAD_H

#include "space/space.h"

#define KW_NODESET_FILES_MAX 64u

/* Where the text of one file comes from; all of it is the caller's. */
typedef struct kw_nodeset_file {
    const char *name;                                                           /* for messages */
    kw_status (*rewind)(void *ctx);                                             /* to the beginning */
    kw_status (*read)(void *ctx, uint8_t *buffer, size_t room, size_t *length); /* length 0: the end */
    void *ctx;
} kw_nodeset_file;

typedef struct kw_nodeset_report {
    size_t nodes, references; /* that came */
    char error[512];          /* "FILE:LINE: what is wrong; what to do"; it may hold bytes of the file */
} kw_nodeset_report;

/*
 * Load all of them, in the order in which they need each other. When it fails, report->error says why, and the space has a part of
 * them: it is not fit for use. Bad_DecodingError: what a file says is wrong; Bad_NotFound: a model that is needed is missing;
 * Bad_NodeIdExists; Bad_OutOfMemory; what `read` returned.
 */
kw_status kw_space_load_nodesets(kw_space *space, const kw_nodeset_file *files, size_t count, kw_nodeset_report *report);

#endif

/* Between the files of the NodeSet2 loader. */
#ifndef KW_SPACE_NODESET_INTERNAL_H
#define KW_SPACE_NODESET_INTERNAL_H

#include "space/nodeset_load.h"
#include "space/space_internal.h"

/* --- nodeset_xml.c: a file as a row of elements ------------------------------------------------------------------------------ */

typedef struct kw_xml_attribute {
    kw_string name, value;
} kw_xml_attribute;

/* One element with all below it; lives as long as the call that it is given to. */
typedef struct kw_xml kw_xml;
struct kw_xml {
    kw_string tag;  /* as it stands there */
    kw_string name; /* without prefix */
    kw_string text; /* of an element without others in it; not null */
    const kw_xml_attribute *attributes;
    size_t attribute_count;
    const kw_xml *parent;
    kw_xml *first, *last, *next;
    uint32_t line;
};

typedef struct kw_nodeset_load kw_nodeset_load;

typedef enum kw_xml_verdict { KW_XML_TAKE, KW_XML_SKIP, KW_XML_STOP } kw_xml_verdict;

typedef struct kw_xml_reader {
    kw_xml_verdict (*wants)(kw_string name); /* a child of the root, before it is read */
    kw_status (*item)(kw_nodeset_load *load, const kw_xml *item);
} kw_xml_reader;

kw_status kw_xml_read(kw_nodeset_load *load, const kw_xml_reader *reader);
/* Null: there is none. Names are without prefix. */
kw_string kw_xml_get(const kw_xml *xml, const char *attribute);
const kw_xml *kw_xml_child(const kw_xml *xml, const char *name); /* NULL likewise */
bool kw_xml_is(const kw_xml *xml, const char *name);
bool kw_xml_is_nil(const kw_xml *xml);
/* The text without the space around it. */
kw_string kw_xml_word(const kw_xml *xml);
kw_string kw_trim(kw_string text);
/* The element as a document of its own. */
kw_status kw_xml_write(const kw_xml *xml, kw_arena *arena, kw_string *out);

/* --- nodeset_load.c -------------------------------------------------------------------------------------------------------------- */

/* What is known of a file before its nodes are read; in load->kept. */
typedef struct kw_nodeset_model kw_nodeset_model;
struct kw_nodeset_model {
    kw_string uri, version, published;
    uint32_t line;
    bool is_required; /* by the file; else it is the file's */
    kw_nodeset_model *next;
};

typedef struct kw_nodeset_head {
    const kw_nodeset_file *file;
    kw_nodeset_model *models;
    kw_string uris[KW_NAMESPACES_MAX]; /* [0] is ns 0 */
    size_t uri_count;
    uint16_t map[KW_NAMESPACES_MAX]; /* their indexes here */
    bool is_loaded;
} kw_nodeset_head;

struct kw_nodeset_load {
    kw_space *space;
    kw_nodeset_report *report;
    kw_nodeset_head *head;            /* of the file that is read */
    const char *file_name;            /* for messages */
    kw_arena *kept;                   /* until all files are read */
    kw_arena *arena;                  /* of the element that is read */
    kw_map *aliases;                  /* of the file that is read: name -> kw_node_id */
    struct kw_definition_plan *plans; /* DataTypeDefinitions, made whole when all nodes are there; in `kept` */
    kw_map *plans_by_id;
    bool has_metadata[KW_NAMESPACES_MAX]; /* by index: a file brings the NamespaceMetadata itself */
};

/* Says where and why; returns Bad_DecodingError. */
kw_status kw_load_refuse(kw_nodeset_load *load, uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for what is no fault of the text, and for what has no words yet. */
kw_status kw_load_fail(kw_nodeset_load *load, uint32_t line, kw_status status);
#define KW_SHORT_ARGS(s) ((int)((s).len < 80 ? (s).len : 80)), ((s).data != NULL ? (const char *)(s).data : "")

/* --- nodeset_text.c: the small things ------------------------------------------------------------------------------------------- */
/* All of them say why when they fail; null texts yield what *out holds already. */
kw_status kw_load_boolean(kw_nodeset_load *load, uint32_t line, kw_string text, bool *out);
kw_status kw_load_integer(kw_nodeset_load *load, uint32_t line, kw_string text, int64_t min, int64_t max, int64_t *out);
kw_status kw_load_u32(kw_nodeset_load *load, uint32_t line, kw_string text, uint32_t *out);
kw_status kw_load_u64(kw_nodeset_load *load, uint32_t line, kw_string text, uint64_t *out);
kw_status kw_load_double(kw_nodeset_load *load, uint32_t line, kw_string text, double *out);
/* An alias or an id, with the index of this Server. */
kw_status kw_load_id(kw_nodeset_load *load, uint32_t line, kw_string text, kw_node_id *out);
/* Likewise; a namespace by URI is one of ours where we have it. */
kw_status kw_load_expanded_id(kw_nodeset_load *load, uint32_t line, kw_string text, kw_expanded_node_id *out);
kw_status kw_load_namespace(kw_nodeset_load *load, uint32_t line, uint64_t index, uint16_t *out);
/* "1:Name" */
kw_status kw_load_name(kw_nodeset_load *load, uint32_t line, kw_string text, kw_qualified_name *out);
/* "2,3" */
kw_status kw_load_dimensions(kw_nodeset_load *load, uint32_t line, kw_string text, uint32_t **out, size_t *count);
/* All children of this name: the first is the text, the others are translations of it. */
kw_status kw_load_localized(kw_nodeset_load *load, const kw_xml *parent, const char *name, kw_localized_text *out);

/* --- nodeset_value.c -------------------------------------------------------------------------------------------------------------- */
/* What stands in a Value element. */
kw_status kw_load_value_read(kw_nodeset_load *load, const kw_xml *value, kw_variant *out);

/* --- nodeset_node.c --------------------------------------------------------------------------------------------------------------- */
kw_node_class kw_load_class(kw_string name); /* of the element; unspecified: it is no node */
kw_status kw_load_add(kw_nodeset_load *load, const kw_xml *xml);

/* --- nodeset_definition.c --------------------------------------------------------------------------------------------------------- */
kw_status kw_load_definition_plan(kw_nodeset_load *load, const kw_node_id *data_type, const kw_xml *definition);
/* When all nodes are there. */
kw_status kw_load_definitions_finish(kw_nodeset_load *load);

#endif

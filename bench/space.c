/* What a node takes, and what finding and reading one costs among few and among many. Prints JSON. */
#include "space/node.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEW 1000u
#define MANY 1000000u
#define ROUNDS 200000u
#define MOST_BYTES 200 /* of a node … */
#define TEXT_BYTES 48  /* … and of the text of its NodeId, a block of the heap by itself */

static const kw_granted_role ROLES[] = {{0, 15644, {(const uint8_t *)"Anonymous", 9}}};
static const kw_identity ANONYMOUS = {.roles = ROLES, .role_count = 1};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t heap(void)
{
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void must(kw_status status)
{
    if (kw_status_is_bad(status)) {
        fprintf(stderr, "%s\n", kw_status_name(status));
        exit(1);
    }
}

static const kw_node_id FOLDER = {.ns = 1, .id.numeric = MANY + 1};

/* A NodeId of its number, or of the text that devices have for it. */
static kw_node_id id_of(uint32_t i, bool is_text, char room[48])
{
    if (!is_text) {
        return KW_NODE_ID(1, i);
    }
    snprintf(room, 48, "Line.Station.Device.Variable%07u", i);
    return (kw_node_id){.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_string_from(room)};
}

static kw_space *fill(uint32_t count, bool is_text, double *bytes)
{
    kw_space *space = NULL;
    must(kw_space_new(&(kw_space_config){.application_uri = KW_STRING("urn:bench"), .clock = &KW_CLOCK_SYSTEM}, &space));
    must(kw_space_add_object(space, &(kw_node_spec){.id = FOLDER, .parent = KW_NODE_ID(0, 85), .browse_name = {1, KW_STRING("Folder")}}));
    const size_t before = heap();
    for (uint32_t i = 1; i <= count; i++) {
        char name[32], room[48];
        snprintf(name, sizeof(name), "Variable %u", i);
        must(kw_space_add_variable(space, &(kw_node_spec){.id = id_of(i, is_text, room),
                                                          .parent = FOLDER,
                                                          .browse_name = {1, kw_string_from(name)},
                                                          .data_type = KW_NODE_ID(0, 11)}));
    }
    *bytes = (double)(heap() - before) / count;
    return space;
}

static double read_ns(kw_space *space, uint32_t count, bool is_text, kw_arena *arena)
{
    const kw_access access = {.identity = &ANONYMOUS, .has_session = true};
    const double start = now_ns();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        kw_node_ref node;
        kw_data_value value;
        char room[48];
        const kw_node_id id = id_of((i * 7919u) % count + 1, is_text, room);
        kw_arena_reset(arena);
        if (!kw_space_find(space, &id, &node)) {
            exit(1);
        }
        must(kw_node_read(space, &access, &node, 13, arena, &value));
    }
    return (now_ns() - start) / ROUNDS;
}

/* One reference, as a continuation point does it: the folder is found again each time. */
static double browse_ns(kw_space *space)
{
    uint32_t met = 0;
    const double start = now_ns();
    for (size_t cursor = 0;; met++) {
        kw_node_ref node;
        kw_reference_view r;
        if (!kw_space_find(space, &FOLDER, &node) || !kw_space_next_reference(space, &node, &cursor, &r)) {
            return (now_ns() - start) / met;
        }
    }
}

/* False: a node takes more than it may. */
static bool measure(bool is_text, kw_arena *arena)
{
    double few_bytes, many_bytes;
    kw_space *few = fill(FEW, is_text, &few_bytes), *many = fill(MANY, is_text, &many_bytes);
    const double few_read = read_ns(few, FEW, is_text, arena), many_read = read_ns(many, MANY, is_text, arena);
    const double few_browse = browse_ns(few), many_browse = browse_ns(many);
    printf("{\"ids\": \"%s\", \"nodes\": [%u, %u], \"bytes_per_node\": [%.0f, %.0f], \"read_ratio\": %.2f, \"browse_ratio\": %.2f}\n",
           is_text ? "text" : "number", FEW, MANY, few_bytes, many_bytes, many_read / few_read, many_browse / few_browse);
    kw_space_free(few);
    kw_space_free(many);
    return many_bytes <= MOST_BYTES + (is_text ? TEXT_BYTES : 0);
}

int main(void)
{
    kw_arena *arena = kw_arena_new(1 << 20);
    const bool numbers = measure(false, arena), texts = measure(true, arena);
    kw_arena_free(arena);
    return numbers && texts ? 0 : 1;
}

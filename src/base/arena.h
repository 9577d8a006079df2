/* The arena is public; rooms know it by their own path. */
#ifndef KW_BASE_ARENA_H
#define KW_BASE_ARENA_H

#include <keyway/arena.h>

#endif

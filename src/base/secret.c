#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void kw_wipe(void *data, size_t len)
{
    if (data != NULL && len > 0) {
        explicit_bzero(data, len);
    }
}

/* Pages of its own, so that locking and "no dump" concern nothing else. They remember how many they are: an owner may shorten `len`. */
typedef struct pages {
    size_t size;
    _Alignas(16) uint8_t data[];
} pages;

static size_t pages_for(size_t len)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (sizeof(pages) + len + page - 1) / page * page;
}

static pages *pages_of(uint8_t *data)
{
    return (pages *)(void *)(data - offsetof(pages, data));
}

kw_status kw_secret_init(kw_secret *s, size_t len)
{
    if (len > SIZE_MAX / 2) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const size_t size = pages_for(len);
    pages *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    (void)mlock(p, size); /* as far as RLIMIT_MEMLOCK allows */
    (void)madvise(p, size, MADV_DONTDUMP);
    p->size = size;
    *s = (kw_secret){p->data, len};
    return KW_GOOD;
}

kw_status kw_secret_copy(kw_secret *s, kw_bytes bytes)
{
    const kw_status status = kw_secret_init(s, bytes.len);
    if (!kw_status_is_bad(status) && bytes.len > 0) {
        memcpy(s->data, bytes.data, bytes.len);
    }
    return status;
}

void kw_secret_clear(kw_secret *s)
{
    if (s->data != NULL) {
        pages *p = pages_of(s->data);
        const size_t size = p->size;
        kw_wipe(p, size);
        munmap(p, size);
    }
    *s = KW_SECRET_NONE;
}

bool kw_secret_equal(kw_bytes a, kw_bytes b)
{
    if (a.len != b.len) {
        return false;
    }
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.len; i++) {
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    }
    return difference == 0;
}

/* Counts what this process asks of Python's three allocators. Loaded by ctypes; one allocator may ask another, which is counted once. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyMemAllocatorEx before[3];
static _Atomic long asked;
static _Thread_local int within;

#define COUNTED(call)          \
    PyMemAllocatorEx *next = at; \
    asked += within == 0;      \
    within++;                  \
    void *got = (call);        \
    within--;                  \
    return got

static void *count_malloc(void *at, size_t size) { COUNTED(next->malloc(next->ctx, size)); }

static void *count_calloc(void *at, size_t number, size_t size) { COUNTED(next->calloc(next->ctx, number, size)); }

static void *count_realloc(void *at, void *old, size_t size) { COUNTED(next->realloc(next->ctx, old, size)); }

static void count_free(void *at, void *old)
{
    PyMemAllocatorEx *next = at;
    next->free(next->ctx, old);
}

__attribute__((visibility("default"))) void start_counting(void)
{
    PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    for (int at = 0; at < 3; at++) {
        PyMem_GetAllocator(domains[at], &before[at]);
        PyMemAllocatorEx ours = {&before[at], count_malloc, count_calloc, count_realloc, count_free};
        PyMem_SetAllocator(domains[at], &ours);
    }
}

__attribute__((visibility("default"))) void reset_count(void) { asked = 0; }

__attribute__((visibility("default"))) long read_count(void) { return asked; }

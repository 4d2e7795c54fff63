/* alloc_count.h - counts what this process allocates, libraries included. Link support/alloc_count.c into the test. */
#ifndef TESTS_ALLOC_COUNT_H
#define TESTS_ALLOC_COUNT_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc and their aligned relatives since the process began, by all threads. */
uint64_t alloc_count(void);

#endif

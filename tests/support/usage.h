#ifndef LOWPORT_TESTS_USAGE_H
#define LOWPORT_TESTS_USAGE_H

#include <stddef.h>

/* What this process holds. */

/* Bytes of the heap that are in use. */
size_t usage_heap(void);

/* Open descriptors. */
size_t usage_descriptors(void);

#endif

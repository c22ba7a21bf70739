#include "usage.h"

#include <malloc.h>

/* With a sanitizer the heap is its own, and mallinfo2() sees nothing. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

size_t usage_heap(void)
{
	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

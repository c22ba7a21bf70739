#include "usage.h"

#include <malloc/malloc.h>

size_t usage_heap(void)
{
	malloc_statistics_t all;

	malloc_zone_statistics(NULL, &all);
	return all.size_in_use;
}

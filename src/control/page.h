#ifndef LOWPORT_CONTROL_PAGE_H
#define LOWPORT_CONTROL_PAGE_H

#include <stddef.h>

/* The page at /, made of src/control/page by cmake/embed_page.cmake. */
extern const char page_html[];
extern const size_t page_size;

/* Its Content-Security-Policy: its own style, its own script, its own server. */
extern const char page_policy[];

#endif

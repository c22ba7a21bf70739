#ifndef LOWPORT_CLI_INSTALLED_H
#define LOWPORT_CLI_INSTALLED_H

#include <stddef.h>

/* Those that are installed, as words: "installed are: web, tunnel". Returns buf,
 * which is cut to size. */
const char *installed_names(char *buf, size_t size);

#endif

#ifndef LOWPORT_SERVICE_READABLE_H
#define LOWPORT_SERVICE_READABLE_H

#include "base/fault.h"

/*
 * May the user of that name (NULL: one who is nobody's owner and in nobody's group) read the
 * file, or list the folder, at path, and come so far? As the modes have it.
 * Returns 0, or a negative errno with *why, which says what is in the way and
 * how it is mended.
 */
int readable_by(const char *name, const char *path, struct fault *why);

#endif

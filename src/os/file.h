#ifndef LOWPORT_OS_FILE_H
#define LOWPORT_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Small files, as a whole. All return 0 or a negative errno. */

/* Read all of it (at most 1 MiB: -EFBIG), a pipe too if its end comes within
 * seconds (-ETIMEDOUT). *text is the caller's to free and
 * ends with a zero that *length does not count. */
int file_read(const char *path, char **text, size_t *length);

/* Replace it by length bytes, whole or not at all: written beside it, then
 * renamed, so that nobody sees half a file and a running program keeps its
 * own. */
int file_replace(const char *path, const void *bytes, size_t length,
		 mode_t mode);

/* The same, with the bytes of another file. */
int file_copy(const char *from, const char *to, mode_t mode);

/* Are both names of one file, whatever links lead there? */
bool file_is_same(const char *a, const char *b);

/* Make the folder that path is to lie in, and those above it. */
int file_make_parent(const char *path);

#endif

#include "service/manager.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool ends_with(const char *text, const char *tail)
{
	size_t length = strlen(text), end = strlen(tail);

	return length > end && strcmp(text + length - end, tail) == 0;
}

void manager_list_folder(const char *folder, const char *prefix,
			 const char *tail, const char *but,
			 void (*found)(void *data, const char *name),
			 void *data)
{
	size_t before = strlen(prefix);
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	char name[256];

	while (dir && (entry = readdir(dir))) {
		const char *file = entry->d_name;

		if (strncmp(file, prefix, before) != 0 ||
		    !ends_with(file + before, tail))
			continue;
		snprintf(name, sizeof(name), "%.*s",
			 (int)(strlen(file) - before - strlen(tail)),
			 file + before);
		if (!but || !ends_with(name, but))
			found(data, name);
	}
	if (dir)
		closedir(dir);
}

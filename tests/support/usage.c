#include "usage.h"

#include <fcntl.h>
#include <unistd.h>

size_t usage_descriptors(void)
{
	long most = sysconf(_SC_OPEN_MAX);
	size_t open = 0;

	for (int fd = 0; fd < most; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

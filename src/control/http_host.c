#include "control/http_host.h"

#include <string.h>
#include <strings.h>

enum { HOST_MOST = 256 };

/* The name or address without port and brackets. Returns false if that is not
 * what it looks like. */
static bool strip(const char *host, char out[HOST_MOST])
{
	bool bracket = host[0] == '[';
	const char *begin = host + bracket;
	size_t length = strcspn(begin, bracket ? "]" : ":");
	const char *rest = begin + length;

	if (bracket) {
		if (*rest != ']')
			return false;
		rest++;
	}
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (*rest != '\0' || length == 0 || length >= HOST_MOST)
		return false;
	memcpy(out, begin, length);
	out[length] = '\0';
	return true;
}

bool http_host_is_ours(const char *host, const struct addr *bound,
		       char *const *names, size_t name_count)
{
	char name[HOST_MOST];
	struct addr ip;

	if (!strip(host, name))
		return false;
	for (size_t i = 0; i < name_count; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	if (strcasecmp(name, "localhost") == 0)
		return true;
	if (addr_parse_ip(&ip, name) < 0)
		return false;
	return addr_same_ip(&ip, bound) || addr_is_wildcard(bound) ||
	       (addr_is_loopback(&ip) && addr_is_loopback(bound));
}

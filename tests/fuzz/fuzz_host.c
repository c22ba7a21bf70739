#include "fuzz.h"

#include "control/http_host.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The Host of a request, behind a byte that says where the listener is. Whoever
 * is let in is so for a reason that can be named, and neither the port nor the
 * case of the letters is one. */

static char mine[] = "status.example.com", other[] = "box";
static char *const names[] = {mine, other};
static const char *const places[] = {"127.0.0.1", "0.0.0.0",  "::1",
				     "::",        "10.8.0.2", "fd00::2"};

enum { NAMES = 2, PLACES = 6 };

/* What stands before the port, without brackets; out has room for all. */
static void bare(const char *host, char *out)
{
	const char *end;

	if (host[0] == '[') {
		host++;
		end = strchr(host, ']');
	} else {
		end = strchr(host, ':');
	}
	if (!end)
		end = host + strlen(host);
	memcpy(out, host, (size_t)(end - host));
	out[end - host] = '\0';
}

static bool has_reason(const char *name, const struct addr *bound)
{
	struct addr ip;

	for (int i = 0; i < NAMES; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	if (strcasecmp(name, "localhost") == 0)
		return true;
	return addr_parse_ip(&ip, name) == 0 &&
	       (addr_is_wildcard(bound) || addr_same_ip(&ip, bound) ||
		(addr_is_loopback(&ip) && addr_is_loopback(bound)));
}

static void must_be_let_in_otherwise(const char *host, const char *name,
				     const struct addr *bound)
{
	size_t size = strlen(name) + 16;
	char *changed = malloc(size);

	MUST(changed);
	snprintf(changed, size, host[0] == '[' ? "[%s]:8443" : "%s:8443", name);
	for (char *p = changed; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	/* The name of an interface has its case. */
	if (!strchr(name, '%'))
		MUST_OF(http_host_is_ours(changed, bound, names, NAMES),
			changed);
	free(changed);
}

static void check(const char *host, const struct addr *bound)
{
	char *name = malloc(strlen(host) + 1);
	bool ours = http_host_is_ours(host, bound, names, NAMES);

	MUST(name);
	bare(host, name);
	if (ours) {
		MUST_OF(has_reason(name, bound), host);
		MUST_OF(!strpbrk(host, "/@?# \t\r\n"), host);
		must_be_let_in_otherwise(host, name, bound);
	} else if (strcmp(host, name) == 0) {
		MUST_OF(!has_reason(host, bound) || host[0] == '\0', host);
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr bound;
	char *host;

	if (size == 0)
		return 0;
	MUST(addr_parse_ip(&bound, places[data[0] % PLACES]) == 0);
	host = fuzz_text(data + 1, size - 1);
	check(host, &bound);
	free(host);
	return 0;
}

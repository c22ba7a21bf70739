#include "service/names.h"

#include "base/num.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int names_of_interface(const char *name, bool link_local,
		       struct addr out[NETIF_ADDRESSES_MAX], struct fault *why)
{
	int count = netif_addresses(name, link_local, out);

	if (count == -ENODEV)
		return fault_set(why, count,
				 "there is no interface \"%s\" now; name its "
				 "address instead (try 10.8.0.2:80), which may "
				 "come later",
				 name);
	if (count < 0)
		return fault_set(why, count, "%s: %s", name, strerror(-count));
	if (count == 0)
		return fault_set(why, -EADDRNOTAVAIL,
				 "the interface \"%s\" has no address now; "
				 "name the address instead",
				 name);
	return count;
}

static int from_interface(const char *name, struct addr out[], size_t most,
			  struct fault *why)
{
	struct addr found[NETIF_ADDRESSES_MAX];
	int count = names_of_interface(name, false, found, why);

	if (count < 0)
		return count;
	if ((size_t)count > most)
		count = (int)most;
	memcpy(out, found, (size_t)count * sizeof(*out));
	return count;
}

int names_of_host(const char *name, struct addr out[], size_t most,
		  struct fault *why)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list, *i;
	struct addr both[2];
	int error, count = 0;

	if (addr_localhost(name, 0, both)) {
		count = most < 2 ? (int)most : 2;
		memcpy(out, both, (size_t)count * sizeof(*out));
		return count;
	}
	error = getaddrinfo(name, NULL, &hints, &list);
	if (error != 0)
		return fault_set(why, -ENXIO,
				 "\"%s\" is no interface and no host name that "
				 "can be resolved (%s)",
				 name, gai_strerror(error));
	for (i = list; i && (size_t)count < most; i = i->ai_next) {
		addr_from_sockaddr(&out[count], i->ai_addr, i->ai_addrlen);
		count += out[count].family != AF_UNSPEC;
	}
	freeaddrinfo(list);
	return count;
}

static int from_name(const char *name, struct addr out[], size_t most,
		     struct fault *why)
{
	if (strcmp(name, "*") == 0 && most >= 2) {
		out[0] = (struct addr){.family = AF_INET};
		out[1] = (struct addr){.family = AF_INET6};
		return 2;
	}
	if (strncmp(name, "if:", 3) == 0)
		return from_interface(name + 3, out, most, why);
	if (if_nametoindex(name) > 0)
		return from_interface(name, out, most, why);
	return names_of_host(name, out, most, why);
}

int names_resolve(const char *text, struct addr out[], size_t most,
		  struct fault *why)
{
	const char *colon = strrchr(text, ':');
	char name[256];
	uint64_t port;
	int count;

	if (addr_parse(&out[0], text) == 0 && out[0].port > 0)
		return 1;
	if (strncmp(text, "unix:", 5) == 0 || strchr(text, '@') ||
	    strncmp(text, "fd:", 3) == 0 || strncmp(text, "systemd", 7) == 0 ||
	    strncmp(text, "launchd:", 8) == 0 || strncmp(text, "only:", 5) == 0)
		return fault_set(why, -EINVAL,
				 "\"%s\": install has the service manager make "
				 "the socket; say on which address (try "
				 "127.0.0.1:80)",
				 text);
	if (!colon || colon == text ||
	    num_parse(colon + 1, 10, 1, 65535, &port) < 0 ||
	    (size_t)(colon - text) >= sizeof(name) || text[0] == '[')
		return fault_set(why, -EINVAL,
				 "\"%s\" is not ADDR:PORT, INTERFACE:PORT or "
				 "HOST:PORT (try 127.0.0.1:80)",
				 text);
	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	count = from_name(name, out, most, why);
	for (int i = 0; i < count; i++)
		out[i].port = (uint16_t)port;
	return count;
}

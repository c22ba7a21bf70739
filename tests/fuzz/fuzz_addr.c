#include "fuzz.h"

#include "base/addr.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* What is printed is what is read. */

static void must_print_as_read(const struct addr *a)
{
	char text[ADDR_TEXT], again[ADDR_TEXT];
	struct sockaddr_storage ss;
	struct addr b, c;
	socklen_t length;

	addr_print(a, text);
	MUST_OF(addr_parse(&b, text) == 0, text);
	MUST_OF(addr_equal(a, &b), text);
	MUST_OF(strcmp(addr_print(&b, again), text) == 0, text);
	length = addr_to_sockaddr(a, &ss);
	MUST(length > 0);
	addr_from_sockaddr(&c, (struct sockaddr *)&ss, length);
	MUST_OF(addr_equal(a, &c), text);
	MUST_OF(addr_same_ip(a, &c), text);
	MUST(!(addr_is_loopback(a) && addr_is_wildcard(a)));
}

/* IPv4 inside IPv6 is IPv4, wherever it comes from. */
static void must_be_folded(const struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	MUST(a->family == AF_INET || a->family == AF_INET6);
	MUST(a->family == AF_INET || memcmp(a->ip, mapped, 12) != 0);
	MUST(a->family == AF_INET6 || a->scope == 0);
}

static void read_text(const char *text)
{
	static const struct addr before = {.family = AF_UNIX, .port = 7};
	struct addr a = before;

	if (addr_parse(&a, text) == 0) {
		must_be_folded(&a);
		must_print_as_read(&a);
	} else {
		MUST(a.family == before.family && a.port == before.port);
	}
	if (addr_parse_ip(&a, text) == 0) {
		MUST(a.port == 0);
		must_be_folded(&a);
		must_print_as_read(&a);
	}
}

/* The kernel's form; the path in it has an end. */
static void read_bytes(const uint8_t *data, size_t size)
{
	struct sockaddr_storage ss;
	char text[ADDR_TEXT];
	struct addr a;

	memset(&ss, 0, sizeof(ss));
	if (size > 112)
		size = 112;
	memcpy(&ss, data, size);
	addr_from_sockaddr(&a, (struct sockaddr *)&ss, (socklen_t)size);
	addr_print(&a, text);
	if (a.family == AF_INET || a.family == AF_INET6) {
		must_be_folded(&a);
		must_print_as_read(&a);
	} else {
		MUST(a.family == AF_UNSPEC || a.family == AF_UNIX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	read_text(text);
	free(text);
	if (size > 0)
		read_bytes(data, size);
	return 0;
}

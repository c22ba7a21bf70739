#include "fuzz.h"

#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* What a listener or a backend is called, is what it is: printed, and read
 * again, it is the same. */

static bool is_same_text(const char *a, const char *b)
{
	return !a == !b && (!a || strcmp(a, b) == 0);
}

static void print_listener(const struct listener_spec *s, char *buf,
			   size_t size)
{
	const struct listen_request *r = &s->request;
	char addr[ADDR_TEXT];

	addr_print(&r->addr, addr);
	switch (s->source->argument) {
	case LISTEN_ADDRESS:
		if (r->both_families)
			snprintf(buf, size, "*:%u", r->addr.port);
		else
			snprintf(buf, size, "%s", addr);
		break;
	case LISTEN_PATH:
		snprintf(buf, size, "%s", addr);
		break;
	case LISTEN_ONE_ADDRESS:
		snprintf(buf, size, "only:%s", addr);
		break;
	case LISTEN_INTERFACE:
		snprintf(buf, size, "if:%s%s:%u", r->interface,
			 r->link_local ? "+ll" : "", r->addr.port);
		break;
	default:
		snprintf(buf, size, "%s", s->text);
	}
}

static void must_be_whole(const struct listener_spec *s, const char *text)
{
	const struct listen_request *r = &s->request;

	MUST(s->source && strcmp(s->text, text) == 0);
	MUST(r->text == s->text);
	MUST(!r->name || r->name[0] != '\0');
	MUST(!r->interface ||
	     (r->interface[0] != '\0' && !strpbrk(r->interface, "/ ")));
	MUST(r->addr.family != AF_UNIX ||
	     (r->addr.path[0] == '/' &&
	      strlen(r->addr.path) <
		      sizeof(((struct sockaddr_un *)0)->sun_path)));
	MUST(r->fd >= 0);
}

static void read_listener(const char *text)
{
	struct fault why = {""};
	struct listener_spec s, again;
	char printed[512];

	if (spec_parse_listener(&s, text, &why) < 0) {
		fuzz_must_explain(why.text);
		return;
	}
	must_be_whole(&s, text);
	print_listener(&s, printed, sizeof(printed));
	if (strlen(printed) + 1 < sizeof(printed)) {
		MUST_OF(spec_parse_listener(&again, printed, &why) == 0,
			why.text);
		MUST_OF(again.source == s.source, printed);
		MUST_OF(addr_equal(&again.request.addr, &s.request.addr),
			printed);
		MUST_OF(again.request.fd == s.request.fd, printed);
		MUST_OF(again.request.both_families == s.request.both_families,
			printed);
		MUST_OF(again.request.link_local == s.request.link_local,
			printed);
		MUST_OF(is_same_text(again.name, s.name), printed);
		MUST_OF(is_same_text(again.interface, s.interface), printed);
		MUST(config_same_listener(&again, &s) ||
		     s.request.addr.port == 0 ||
		     s.source->argument != LISTEN_ADDRESS);
		spec_free_listener(&again);
	}
	spec_free_listener(&s);
}

static void print_backend(const struct relay_backend *b, char *buf, size_t size)
{
	char addr[ADDR_TEXT];

	if (b->host)
		snprintf(buf, size, "%s:%u", b->host, b->addr.port);
	else
		snprintf(buf, size, "%s", addr_print(&b->addr, addr));
}

static void read_backend(const char *text)
{
	char *strings = NULL, *more, printed[512];
	struct relay_backend b, again;
	struct fault why = {""};

	if (spec_parse_backend(&b, &strings, text, &why) < 0) {
		fuzz_must_explain(why.text);
		MUST(!strings);
		return;
	}
	MUST(b.addr.family == AF_UNIX || b.addr.port > 0);
	MUST(!addr_is_wildcard(&b.addr));
	print_backend(&b, printed, sizeof(printed));
	MUST_OF(spec_parse_backend(&again, &more, printed, &why) == 0,
		why.text);
	MUST_OF(is_same_text(b.host, again.host), printed);
	MUST_OF(b.host ? b.addr.port == again.addr.port
		       : addr_equal(&b.addr, &again.addr),
		printed);
	free(strings);
	free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	read_listener(text);
	read_backend(text);
	free(text);
	return 0;
}

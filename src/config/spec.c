#include "config/spec.h"

#include "base/num.h"
#include "os/netif.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char listener_forms[] =
	"try 127.0.0.1:80, [::1]:80, *:80, if:wg0:80, unix:/path, systemd, "
	"systemd:NAME, launchd:NAME, only:127.0.0.1:80 or fd:N";

static const char backend_forms[] =
	"try 127.0.0.1:8080, [::1]:8080, 8080, localhost:8080, name:port or "
	"unix:/path";

static int check_path(const char *text, const char *path, struct fault *why)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);

	if (path[0] != '/')
		return fault_set(why, -EINVAL,
				 "\"%s\": the path of a Unix socket starts "
				 "with / (try unix:/tmp/web.sock)",
				 text);
	if (strlen(path) >= room)
		return fault_set(why, -EINVAL,
				 "\"%s\": the path has %zu bytes; a Unix "
				 "socket's may have at most %zu",
				 text, strlen(path), room - 1);
	return 0;
}

/* ::1:80 is an address without a port, but hardly meant to be one. */
static bool hides_a_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	char head[INET6_ADDRSTRLEN];
	struct addr ip;
	uint64_t port;

	if (length >= sizeof(head))
		return false;
	memcpy(head, text, length);
	head[length] = '\0';
	return addr_parse_ip(&ip, head) == 0 && strchr(head, ':') &&
	       num_parse(colon + 1, 10, 1, 65535, &port) == 0;
}

/* A host name as RFC 1123 has it, with the underscores that people use. */
static bool is_host(const char *text, size_t length)
{
	bool letter = false;

	if (length == 0 || length > 253 || text[0] == '-' || text[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!isalnum(c) && c != '-' && c != '.' && c != '_')
			return false;
		letter = letter || isalpha(c);
	}
	/* 127.0.0.256 is a mistake, not a name. */
	return letter;
}

/* Is it NAME:PORT? port points at the port then. */
static bool is_name_and_port(const char *text, const char **port)
{
	const char *colon = strrchr(text, ':');
	uint64_t number;

	if (!colon || !is_host(text, (size_t)(colon - text)) ||
	    num_parse(colon + 1, 10, 1, 65535, &number) < 0)
		return false;
	*port = colon + 1;
	return true;
}

/* Say what is wrong with ADDR:PORT, as exactly as can be said. */
static int explain_address(const char *text, const char *what,
			   const char *forms, struct fault *why)
{
	const char *colon = strrchr(text, ':');
	const char *first = strchr(text, ':');
	size_t length = strlen(text);
	struct addr ip;
	uint64_t port;

	if (addr_parse_ip(&ip, text) == 0 && !hides_a_port(text))
		return fault_set(why, -EINVAL,
				 ip.family == AF_INET
					 ? "\"%s\" has no port (try %s:80)"
					 : "\"%s\" has no port (try [%s]:80)",
				 text, text);
	if (text[0] == '[' && text[length - 1] == ']')
		return fault_set(why, -EINVAL, "\"%s\" has no port (try %s:80)",
				 text, text);
	if (strstr(text, "://"))
		return fault_set(why, -EINVAL,
				 "\"%s\" is a URL; bytes are relayed, whatever "
				 "they mean: an address and a port will do "
				 "(%s)",
				 text, forms);
	if (colon && first != colon && text[0] != '[')
		return fault_set(why, -EINVAL,
				 "\"%s\": put an IPv6 address in brackets "
				 "(try [%.*s]:%s)",
				 text, (int)(colon - text), text, colon + 1);
	if (colon && num_parse(colon + 1, 10, 1, 65535, &port) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\": \"%s\" is not a port (1 to 65535)",
				 text, colon + 1);
	return fault_set(why, -EINVAL, "\"%s\" is not %s (%s)", text, what,
			 forms);
}

/* Is it wg0:80, with an interface that is there? */
static bool names_interface(const char *text)
{
	const char *colon = strrchr(text, ':');
	char name[IF_NAMESIZE];
	uint64_t port;

	if (!colon || colon - text >= IF_NAMESIZE ||
	    num_parse(colon + 1, 10, 1, 65535, &port) < 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	return if_nametoindex(name) > 0;
}

static int parse_bind(struct listener_spec *s, const char *text,
		      struct fault *why)
{
	struct addr *a = &s->request.addr;
	const char *behind;
	uint64_t port;

	if (addr_parse(a, text) == 0)
		return 0;
	if (strncmp(text, "*:", 2) == 0 &&
	    num_parse(text + 2, 10, 0, 65535, &port) == 0) {
		*a = (struct addr){.family = AF_INET, .port = (uint16_t)port};
		s->request.both_families = true;
		return 0;
	}
	if (num_parse(text, 10, 1, 65535, &port) == 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" does not say on which address (try "
				 "127.0.0.1:%s, or *:%s for all)",
				 text, text, text);
	if (names_interface(text))
		return fault_set(why, -EINVAL,
				 "\"%s\" is an interface (try if:%s)", text,
				 text);
	if (strncmp(text, "localhost:", 10) == 0 &&
	    is_name_and_port(text, &behind))
		return fault_set(why, -EINVAL,
				 "\"%s\" is a name; a listener has an address "
				 "(try 127.0.0.1:%s, and [::1]:%s beside it)",
				 text, behind, behind);
	if (is_name_and_port(text, &behind))
		return fault_set(why, -EINVAL,
				 "\"%s\" is a name, and no interface of this "
				 "machine now; a listener has an address (try "
				 "127.0.0.1:%s, *:%s for all, or if:%s for an "
				 "interface that comes later)",
				 text, behind, behind, text);
	return explain_address(text, "a listener", listener_forms, why);
}

static int explain_interface(const char *text, const char *name,
			     const char *port, struct fault *why)
{
	size_t length = strlen(name);
	char bare[INET6_ADDRSTRLEN + 2];
	struct addr ip;

	snprintf(bare, sizeof(bare), "%.*s",
		 name[0] == '[' && length > 1 ? (int)length - 2 : (int)length,
		 name[0] == '[' ? name + 1 : name);
	if (addr_parse_ip(&ip, bare) == 0)
		return fault_set(why, -EINVAL,
				 ip.family == AF_INET
					 ? "\"%s\": %s is an address, not an "
					   "interface (try %s:%s)"
					 : "\"%s\": %s is an address, not an "
					   "interface (try [%s]:%s)",
				 text, name, bare, port);
	if (length >= IF_NAMESIZE)
		return fault_set(why, -EINVAL,
				 "\"%s\": the name of an interface has at most "
				 "%d bytes, and \"%s\" has %zu",
				 text, IF_NAMESIZE - 1, name, length);
	if (strchr(name, '+'))
		return fault_set(
			why, -EINVAL,
			"\"%s\": behind an interface only +ll is known, "
			"for its link-local addresses too (try "
			"if:wg0+ll:80)",
			text);
	return fault_set(why, -EINVAL,
			 "\"%s\": \"%s\" is not the name of an interface (try "
			 "if:wg0:80)",
			 text, name);
}

/* NAME[+ll]:PORT behind `if:`, or with the port left out where it may be. */
static int parse_interface(struct listener_spec *s, const char *text,
			   bool port_optional, struct fault *why)
{
	static const char suffix[] = "+ll";
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text);
	const size_t tail = strlen(suffix);
	uint64_t port = 0;

	if (!colon && !port_optional)
		return fault_set(why, -EINVAL,
				 "\"%s\" has no port (try if:%s:80)", s->text,
				 text[0] != '\0' ? text : "wg0");
	if (colon && num_parse(colon + 1, 10, port_optional, 65535, &port) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\": \"%s\" is not a port (1 to 65535)",
				 s->text, colon + 1);
	if (length > tail && strncmp(text + length - tail, suffix, tail) == 0) {
		s->request.link_local = true;
		length -= tail;
	}
	s->interface = strndup(text, length);
	if (!s->interface)
		return -ENOMEM;
	if (!netif_is_name(s->interface) || strpbrk(s->interface, "+*[]@") ||
	    addr_parse_ip(&(struct addr){0}, s->interface) == 0)
		return explain_interface(s->text, s->interface,
					 colon ? colon + 1 : "80", why);
	s->request.interface = s->interface;
	s->request.addr.port = (uint16_t)port;
	return 0;
}

/* What must stand behind `@`. */
static int parse_expected(struct listener_spec *s, const char *text,
			  struct fault *why)
{
	if (strncmp(text, "if:", 3) == 0)
		return parse_interface(s, text + 3, true, why);
	if (strncmp(text, "unix:", 5) == 0) {
		if (check_path(text, text + 5, why) < 0)
			return -EINVAL;
		s->path = strdup(text + 5);
		s->request.addr = (struct addr){.family = AF_UNIX};
		s->request.addr.path = s->path;
		return s->path ? 0 : -ENOMEM;
	}
	if (addr_parse(&s->request.addr, text) == 0 && s->request.addr.port > 0)
		return 0;
	return fault_set(why, -EINVAL,
			 "\"%s\": \"%s\" behind the @ is not ADDR:PORT (try "
			 "@127.0.0.1:80, or @if:wg0)",
			 s->text, text);
}

static int parse_argument(struct listener_spec *s, const char *argument,
			  struct fault *why)
{
	const char *prefix = s->source->prefix;
	uint64_t number;

	switch (s->source->argument) {
	case LISTEN_PATH:
		if (!argument)
			break;
		if (check_path(s->text, argument, why) < 0)
			return -EINVAL;
		s->path = strdup(argument);
		s->request.addr = (struct addr){.family = AF_UNIX};
		s->request.addr.path = s->path;
		return s->path ? 0 : -ENOMEM;
	case LISTEN_ONE_ADDRESS:
		if (!argument || addr_parse(&s->request.addr, argument) < 0 ||
		    addr_is_wildcard(&s->request.addr))
			break;
		return 0;
	case LISTEN_INTERFACE:
		return parse_interface(s, argument ? argument : "", false, why);
	case LISTEN_NUMBER:
		if (!argument ||
		    num_parse(argument, 10, 0, 1 << 20, &number) < 0)
			break;
		s->request.fd = (int)number;
		return 0;
	case LISTEN_OPTIONAL_NAME:
		if (!argument)
			return 0;
		/* fall through */
	case LISTEN_NAME:
		if (!argument || argument[0] == '\0')
			break;
		s->name = strdup(argument);
		s->request.name = s->name;
		return s->name ? 0 : -ENOMEM;
	case LISTEN_ADDRESS:
		break;
	}
	return fault_set(why, -EINVAL, "\"%s\": %s: wants %s behind it",
			 s->text, prefix,
			 s->source->argument == LISTEN_PATH ? "/path"
			 : s->source->argument == LISTEN_ONE_ADDRESS
				 ? "one address and a port (try "
				   "only:127.0.0.1:80)"
			 : s->source->argument == LISTEN_NUMBER
				 ? "the number of a descriptor"
				 : "a name");
}

static const struct listen_source *find_source(const char *text,
					       const char **behind)
{
	const struct listen_source *source;

	for (source = listen_sources; source->prefix[0] != '\0'; source++) {
		size_t n = strlen(source->prefix);

		if (strncmp(text, source->prefix, n) == 0 &&
		    (text[n] == ':' || text[n] == '\0' || text[n] == '@')) {
			*behind = text + n;
			return source;
		}
	}
	*behind = text;
	return source;
}

static int parse_listener(struct listener_spec *s, struct fault *why)
{
	const char *behind;
	char *rest, *at;
	int err;

	s->source = find_source(s->text, &behind);
	if (s->source->argument == LISTEN_ADDRESS)
		return parse_bind(s, s->text, why);
	rest = strdup(behind);
	if (!rest)
		return -ENOMEM;
	at = s->source->handed_over ? strchr(rest, '@') : NULL;
	if (at)
		*at++ = '\0';
	err = parse_argument(s, rest[0] == ':' ? rest + 1 : NULL, why);
	if (err == 0 && at)
		err = parse_expected(s, at, why);
	free(rest);
	return err;
}

int spec_parse_listener(struct listener_spec *out, const char *text,
			struct fault *why)
{
	struct listener_spec s = {0};
	int err = -ENOMEM;

	fault_set(why, 0, "out of memory");
	s.text = strdup(text);
	if (s.text) {
		s.request.text = s.text;
		err = parse_listener(&s, why);
	}
	if (err < 0)
		spec_free_listener(&s);
	else
		*out = s;
	return err;
}

void spec_free_listener(struct listener_spec *spec)
{
	free(spec->text);
	free(spec->name);
	free(spec->path);
	free(spec->interface);
}

int spec_parse_backend(struct relay_backend *out, char **strings,
		       const char *text, struct fault *why)
{
	const char *colon = strrchr(text, ':');
	struct relay_backend b = {0};
	uint64_t port;

	*strings = NULL;
	fault_set(why, 0, "out of memory");
	if (strncmp(text, "unix:", 5) == 0) {
		if (check_path(text, text + 5, why) < 0)
			return -EINVAL;
		*strings = strdup(text + 5);
		b.addr = (struct addr){.family = AF_UNIX};
		b.addr.path = *strings;
	} else if (num_parse(text, 10, 1, 65535, &port) == 0) {
		*strings = strdup("localhost");
		b.host = *strings;
		b.addr.port = (uint16_t)port;
	} else if (addr_parse(&b.addr, text) == 0 && b.addr.port > 0) {
		if (addr_is_wildcard(&b.addr))
			return fault_set(why, -EINVAL,
					 "\"%s\" is where one listens, not "
					 "where one connects to (try %u)",
					 text, b.addr.port);
		*out = b;
		return 0;
	} else if (colon && is_host(text, (size_t)(colon - text)) &&
		   num_parse(colon + 1, 10, 1, 65535, &port) == 0) {
		*strings = strndup(text, (size_t)(colon - text));
		b.host = *strings;
		b.addr.port = (uint16_t)port;
	} else if (!colon && is_host(text, strlen(text))) {
		return fault_set(why, -EINVAL,
				 "\"%s\" has no port (try %s:8080)", text,
				 text);
	} else {
		return explain_address(text, "a backend", backend_forms, why);
	}
	if (!*strings)
		return -ENOMEM;
	*out = b;
	return 0;
}

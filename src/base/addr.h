#ifndef LOWPORT_BASE_ADDR_H
#define LOWPORT_BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * One address: where a listener is, who a client is, where a backend is. An
 * IPv4 address that arrives inside an IPv6 one (::ffff:1.2.3.4) is folded to
 * IPv4 here and nowhere else.
 */
struct addr {
	uint16_t family; /* AF_UNSPEC (no address), AF_INET(6), AF_UNIX */
	uint16_t port;   /* host order */
	uint32_t scope;  /* IPv6: interface index of a link-local address */
	union {
		uint8_t ip[16];   /* network order; IPv4 in the first four */
		const char *path; /* AF_UNIX: borrowed; NULL if unnamed */
	};
};

/* Enough for any address as text, its end included. */
#define ADDR_TEXT 128

/* Read 127.0.0.1:80, [::1]:80 or [fe80::1%eth0]:80, port 0 included. Names are
 * not addresses. Returns 0 or -EINVAL. */
int addr_parse(struct addr *a, const char *text);

/* Read an IP address alone, without brackets; the port becomes 0. Returns 0 or
 * -EINVAL. */
int addr_parse_ip(struct addr *a, const char *text);

/* Take it from the kernel's form. A Unix path stays where it is in sa. A
 * family that is not ours, or too short a length, becomes AF_UNSPEC. */
void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa,
			socklen_t len);

/* Give it in the kernel's form. Returns the length; 0 if a has no address, or
 * a path that is longer than sun_path. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss);

/* Print it as addr_parse() reads it, a Unix one as unix:/path. Returns buf. */
const char *addr_print(const struct addr *a, char buf[ADDR_TEXT]);

/*
 * RFC 6761: localhost is the loopback addresses, whatever a resolver says; some
 * know only one of them, and a dev server may listen on the other. Returns
 * false if host is another name, else true with [::1] and 127.0.0.1 in out.
 */
bool addr_localhost(const char *host, uint16_t port, struct addr out[2]);

/* The same family, address, port and scope? */
bool addr_equal(const struct addr *a, const struct addr *b);

/* The same, whatever the ports? */
bool addr_same_ip(const struct addr *a, const struct addr *b);

/* 0.0.0.0 or ::, whatever the port? */
bool addr_is_wildcard(const struct addr *a);

/* 127.0.0.0/8 or ::1, whatever the port? */
bool addr_is_loopback(const struct addr *a);

#endif

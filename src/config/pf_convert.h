#ifndef LOWPORT_CONFIG_PF_CONVERT_H
#define LOWPORT_CONFIG_PF_CONVERT_H

#include "config/pf.h"
#include "config/pf_rule.h"

/* Where a rule stands. */
struct pf_origin {
	const char *file;
	unsigned line;
	const char *text;
};

/* Make relays of a rule, or say why not. */
void pf_convert(struct pf *p, struct pf_rule *r, const struct pf_origin *from);

/* Say why a rule came to less than it is, or to nothing. */
void pf_leave_out(struct pf *p, const struct pf_origin *from,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Say that something was left out, or is no pf.conf at all (a mistake). */
void pf_say(struct pf *p, bool mistake, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Nothing of a file may steer a terminal, or begin a line of ours. */
void pf_make_plain(char *text);

enum {
	PF_STRINGS_MOST = 100,
	PF_RELAY_NAME = 41, /* bytes of [relay NAME], its end included */
};

/* Add a copy to a list of strings; nothing, once it has so many. */
void pf_add_string(struct pf *p, char ***list, size_t *count,
		   const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void pf_add_client(struct pf *p, struct pf_client **list, size_t *count,
		   const char *net, bool deny);

void pf_relay_free(struct pf_relay *r);

void pf_clients_free(struct pf_client *list, size_t count);

/* Where a rule takes connections. */
struct pf_places {
	struct pf_place at[PF_RULE_PORTS_MOST];
	size_t count;
};

/* Find them, or refuse the rule. families: bits, as pf_family() has them. */
void pf_places_find(struct pf_places *out, struct pf_rule *r,
		    unsigned families);

enum { PF_V4 = 1, PF_V6 = 2 };

unsigned pf_family(int family);

/* The address that an item is, or the network; 10/8 and 10.1.2.3/8 are
 * 10.0.0.0/8. Returns false for what is none. */
bool pf_item_net(const struct pf_item *i, struct addr *base, unsigned *bits);

/* Is it any of lo0, (lo0), localhost, ...: what stands for 127.0.0.1 and ::1? */
bool pf_item_is_loopback(const struct pf_item *i);

/* Does it look like the name of an interface (en0, utun4)? */
bool pf_item_is_interface(const struct pf_item *i);

/* Would every connection for the one come to the other? */
bool pf_place_covers(const struct pf_place *wide,
		     const struct pf_place *narrow);

/* One rule on its way. */
struct pf_conversion {
	struct pf *p;
	struct pf_rule *r;
	const struct pf_origin *from;
	struct pf_client *clients;
	size_t client_count;
	struct pf_places places;
	char host[PF_NAME_MOST]; /* of the backend, [ ] and all */
	bool host_is_loopback;
	struct addr host_addr; /* AF_UNSPEC if it is a name */
	unsigned families;
};

/* The relays of a rule that nothing speaks against: for clients on this machine
 * alone, or for others. */
void pf_relays_make(struct pf_conversion *c, bool local);

/* Take out of r, which is the last of p, what rules before it have taken; or
 * out of those what r takes. */
void pf_overlap(struct pf *p, struct pf_relay *r, const struct pf_origin *from);

#endif

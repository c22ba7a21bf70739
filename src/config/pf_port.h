#ifndef LOWPORT_CONFIG_PF_PORT_H
#define LOWPORT_CONFIG_PF_PORT_H

#include "config/pf_rule.h"

/* The ports of a rule, as numbers, names of services, ranges and comparisons.
 * Both read what stands behind `port`, and return 0, or -EINVAL with *why. */

int pf_ports_read(struct pf_rule *r, struct pf_lex *l, struct pf_ports *ports,
		  struct fault *why);

/* Of the redirection. */
int pf_target_port_read(struct pf_rule *r, struct pf_lex *l, struct fault *why);

/* Where connections to a port go, which is one of the i-th range of the rule. It
 * may be beyond 65535. */
unsigned pf_target_of(const struct pf_rule *r, size_t i, unsigned port);

#endif

#ifndef LOWPORT_CONFIG_PF_PORT_H
#define LOWPORT_CONFIG_PF_PORT_H

#include "config/pf_rule.h"

/* The ports of a rule, as numbers, names of services, ranges and comparisons.
 * Both read what stands behind `port`, and return 0, or -EINVAL with *why. */

int pf_ports_read(struct pf_rule *r, struct pf_lex *l, struct pf_ports *ports,
		  struct fault *why);

/* Of the redirection. */
int pf_target_port_read(struct pf_rule *r, struct pf_lex *l, struct fault *why);

#endif

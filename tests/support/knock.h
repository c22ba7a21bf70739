#ifndef LOWPORT_TESTS_KNOCK_H
#define LOWPORT_TESTS_KNOCK_H

#include "rig.h"

/* Clients of a rig with an echo, who may be refused. */

/* Connect and be echoed. Returns the client's end, or -1 if it is reset. */
int knock_at(const struct addr *where);
int knock(const struct rig *r);

/* The same, and go. */
bool knock_is_let_in(const struct rig *r);

/* A rig with that door in front of an echo. */
struct rig *knock_rig(const struct row *row, const struct relay_door *door);

/* Whether clients have an address that they can be told apart by. */
bool knock_has_address(const struct row *row);

#endif

#ifndef LOWPORT_CONTROL_NAMES_H
#define LOWPORT_CONTROL_NAMES_H

#include "lowport.h"

/* What a machine reads where the engine has a number. */

/* header, dialing, relaying, client-ended, backend-ended. */
const char *name_phase(enum relay_phase phase);

/* open, held, paused, dead. */
const char *name_listener(enum relay_listener_state state);

/* untried, up, down. */
const char *name_health(enum relay_health health);

#endif

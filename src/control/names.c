#include "control/names.h"

const char *name_phase(enum relay_phase phase)
{
	static const char *const names[PHASES] = {
		[PHASE_HEADER] = "header",
		[PHASE_DIALING] = "dialing",
		[PHASE_RELAYING] = "relaying",
		[PHASE_CLIENT_ENDED] = "client-ended",
		[PHASE_BACKEND_ENDED] = "backend-ended",
	};

	return names[phase];
}

const char *name_listener(enum relay_listener_state state)
{
	static const char *const names[LISTENER_STATES] = {
		[LISTENER_OPEN] = "open",
		[LISTENER_HELD] = "held",
		[LISTENER_PAUSED] = "paused",
		[LISTENER_DEAD] = "dead",
	};

	return names[state];
}

const char *name_health(enum relay_health health)
{
	static const char *const names[BACKEND_HEALTHS] = {
		[BACKEND_UNTRIED] = "untried",
		[BACKEND_UP] = "up",
		[BACKEND_DOWN] = "down",
	};

	return names[health];
}

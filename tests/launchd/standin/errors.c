#include "errors.h"

const char *launchd_strerror(int error)
{
	switch (error) {
	case LAUNCHD_EPERM:
		return "Operation not permitted";
	case LAUNCHD_ESRCH:
		return "No such process";
	case LAUNCHD_EIO:
		return "Input/output error";
	case LAUNCHD_EINPROGRESS:
		return "Operation now in progress";
	case LAUNCHD_EALREADY:
		return "Operation already in progress";
	case LAUNCHD_NO_DOMAIN:
		return "Could not find specified domain";
	case LAUNCHD_NO_SERVICE:
		return "Could not find specified service";
	case LAUNCHD_DISABLED:
		return "Service is disabled";
	case LAUNCHD_BAD_DOMAIN:
		return "Domain does not support specified action";
	case LAUNCHD_BAD_SESSION:
		return "Service cannot load in requested session";
	default:
		return "Unknown error";
	}
}

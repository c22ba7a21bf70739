#ifndef STANDIN_ERRORS_H
#define STANDIN_ERRORS_H

/* launchd's errors, by the numbers of macOS: launchctl exits with them. */
enum launchd_error {
	LAUNCHD_EPERM = 1,
	LAUNCHD_ESRCH = 3,
	LAUNCHD_EIO = 5,
	LAUNCHD_EINPROGRESS = 36,
	LAUNCHD_EALREADY = 37,
	LAUNCHD_USAGE = 64,
	LAUNCHD_EX_CONFIG = 78,
	LAUNCHD_NO_DOMAIN = 112,
	LAUNCHD_NO_SERVICE = 113,
	LAUNCHD_DISABLED = 119,
	LAUNCHD_BAD_DOMAIN = 125,
	LAUNCHD_BAD_SESSION = 134,
};

const char *launchd_strerror(int error);

#endif

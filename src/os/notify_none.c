#include "os/notify.h"

bool notify_is_wanted(void)
{
	return false;
}

int notify_ready(const char *status)
{
	(void)status;
	return 0;
}

int notify_reloading(void)
{
	return 0;
}

int notify_stopping(void)
{
	return 0;
}

int notify_status(const char *status)
{
	(void)status;
	return 0;
}

int notify_alive(void)
{
	return 0;
}

uint64_t notify_alive_ms(void)
{
	return 0;
}

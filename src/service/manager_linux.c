#include "service/manager.h"

const struct manager *const manager_here = &manager_systemd;

#ifndef LOWPORT_TESTS_CM_H
#define LOWPORT_TESTS_CM_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

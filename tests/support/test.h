/* cmocka with the headers that it wants before it, in this order. */
#ifndef KW_TESTS_TEST_H
#define KW_TESTS_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif

/* hex.h - bytes written as text in test tables: "80e0 0001 aabb". Also brings cmocka in. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/bytes.h"

struct bytes from_hex(const char *hex, uint8_t *buf, size_t cap); /* blanks ignored; fails the test on other text */
struct bytes from_bits(const char *bits, uint8_t *buf,
                       size_t cap); /* "1 000 11", filled up with zeros to a byte; as above */
struct bytes read_file(const char *path);                         /* malloc'd; free((void *)b.p); fails the test */

#endif

/* units.h - times are monotonic microseconds in uint64_t, rates are bits per second. */
#ifndef PROTO_UNITS_H
#define PROTO_UNITS_H

#include <stdint.h>

#define US_PER_MS 1000ull
#define US_PER_S 1000000ull
#define NEVER_US UINT64_MAX /* a deadline that does not come */
#define MS(n) ((uint64_t)(n)*US_PER_MS)
#define SEC(n) ((uint64_t)(n)*US_PER_S)

#endif

/* rng.h - random numbers that only the seed decides: splitmix64. Each part of a scenario has its own, so that one part
 * asking more often does not change the others. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}
static inline uint64_t rng_between(struct rng *r, uint64_t lo, uint64_t hi) /* both ends included */
{
    return lo + rng_next(r) % (hi - lo + 1);
}
static inline bool rng_chance(struct rng *r, uint32_t ppm)
{
    return rng_next(r) % 1000000 < ppm;
}
static inline struct rng rng_split(struct rng *r)
{
    return (struct rng){rng_next(r)};
}

#endif

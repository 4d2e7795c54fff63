/* gcc_ambient.h - the loss that comes at any rate, as on a bad radio link, and that sending less would not cure. Part of
 * gcc.h; gcc_loss takes it off what it sees.
 *
 * The rate is never quite even. Were the link full, 1 % more sent would be nearly 1 % more lost; in bad air it changes
 * nothing. The likelihoods of both are compared over the last seconds, from one observation to the next, so that a link
 * that changes is not mistaken for a rate that does. libwebrtc has no such part: it bounds what it takes for inherent by
 * the rate (5 % + 100 kbit/s), so that a tenth of random loss leaves 2 Mbit/s of any link. */
#ifndef MEDIA_GCC_AMBIENT_H
#define MEDIA_GCC_AMBIENT_H

#include <stdbool.h>

struct gcc_ambient {
    double loss;                          /* 0 to 1: what is taken for ambient */
    double likelihood;                    /* logarithm of how much likelier it is that the rate is not the reason */
    double last_loss, last_kbps, last_kb; /* the observation before; last_kb 0: none */
    /* Sums over observations, older ones counting less: sizes, losses, rates; and products of changes. */
    double kb, lost_kb, rates;
    double rate_rate, rate_loss;
};

void gcc_ambient_init(struct gcc_ambient *a);
/* One observation of 250 ms or more. queued: queues grew meanwhile, so that its loss says nothing of the air. */
void gcc_ambient_on_observation(struct gcc_ambient *a, double size_kb, double lost_kb, double rate_bps, bool queued);

#endif

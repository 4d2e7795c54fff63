/* Two explanations of what was lost, compared; see gcc_ambient.h. */
#include "media/gcc_ambient.h"

#include <string.h>

#define FORGET    0.97 /* per observation: about 8 s */
#define LOSS_MIN  0.02 /* less is no trouble to anybody */
#define LOSS_MAX  0.16 /* more is not put up with: others may share the link */
#define SURE      2.0  /* seven times as likely */
#define STEP_UP   0.3
#define STEP_DOWN 0.3

void gcc_ambient_init(struct gcc_ambient *a)
{
    memset(a, 0, sizeof *a);
}

static void add(struct gcc_ambient *a, double w, double l, double r)
{
    a->w = FORGET * a->w + w;
    a->wr = FORGET * a->wr + w * r;
    a->wl = FORGET * a->wl + w * l;
    a->wrr = FORGET * a->wrr + w * r * r;
    a->wrl = FORGET * a->wrl + w * r * l;
}

/* With losses dl and rates dr around their means, ambient loss predicts dl = 0, a full link dl = k dr, where
 * k = (1 - loss) / rate as loss = 1 - capacity / rate. A kilobyte, about a packet, has the variance loss (1 - loss). */
static double likelihood(const struct gcc_ambient *a)
{
    double rate = a->wr / a->w, loss = a->wl / a->w, k = (1 - loss) / rate;
    double rr = a->wrr - a->wr * rate, rl = a->wrl - a->wl * rate;
    return (k * k * rr - 2 * k * rl) / (2 * loss * (1 - loss));
}

void gcc_ambient_on_observation(struct gcc_ambient *a, double size_kb, double lost_kb, double rate_bps, bool queued)
{
    if (queued || size_kb <= 0 || rate_bps <= 0)
        return;
    add(a, size_kb, lost_kb / size_kb, rate_bps / 1000);
    double loss = a->wl / a->w;
    if (loss < LOSS_MIN || loss > LOSS_MAX) {
        a->likelihood = 0;
        a->loss -= STEP_DOWN * a->loss;
        return;
    }
    a->likelihood = likelihood(a);
    if (a->likelihood > SURE)
        a->loss += STEP_UP * (loss - a->loss);
    else if (a->likelihood < 0)
        a->loss -= STEP_DOWN * a->loss;
}

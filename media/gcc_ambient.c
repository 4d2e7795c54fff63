/* Two explanations of what was lost, compared; see gcc_ambient.h. */
#include "media/gcc_ambient.h"

#include <string.h>

#define FORGET   0.97 /* per observation: about 8 s */
#define LOSS_MIN 0.02 /* less is no trouble to anybody */
#define LOSS_MAX 0.16 /* more is not put up with: others may share the link */
#define SURE     2.0  /* seven times as likely */
#define STEP     0.3

void gcc_ambient_init(struct gcc_ambient *a)
{
    memset(a, 0, sizeof *a);
}

/* With changes dl of the loss and dr of the rate, ambient loss predicts dl = 0, a full link dl = k dr, where
 * k = (1 - loss) / rate as loss = 1 - capacity / rate. A kilobyte, about a packet, has the variance loss (1 - loss), and
 * a change that of both its ends. */
static double likelihood(const struct gcc_ambient *a)
{
    double loss = a->lost_kb / a->kb, k = (1 - loss) * a->kb / a->rates;
    return (k * k * a->rate_rate - 2 * k * a->rate_loss) / (4 * loss * (1 - loss));
}

static void add(struct gcc_ambient *a, double size_kb, double loss, double kbps)
{
    a->kb = FORGET * a->kb + size_kb;
    a->lost_kb = FORGET * a->lost_kb + size_kb * loss;
    a->rates = FORGET * a->rates + size_kb * kbps;
    double w = size_kb < a->last_kb ? size_kb : a->last_kb, dr = kbps - a->last_kbps, dl = loss - a->last_loss;
    a->rate_rate = FORGET * a->rate_rate + w * dr * dr;
    a->rate_loss = FORGET * a->rate_loss + w * dr * dl;
    a->last_loss = loss;
    a->last_kbps = kbps;
    a->last_kb = size_kb;
}

void gcc_ambient_on_observation(struct gcc_ambient *a, double size_kb, double lost_kb, double rate_bps, bool queued)
{
    if (queued || size_kb <= 0 || rate_bps <= 0) {
        a->last_kb = 0;
        return;
    }
    add(a, size_kb, lost_kb / size_kb, rate_bps / 1000);
    double loss = a->lost_kb / a->kb;
    bool bounded = loss >= LOSS_MIN && loss <= LOSS_MAX;
    a->likelihood = bounded ? likelihood(a) : 0;
    if (a->likelihood > SURE)
        a->loss += STEP * (loss - a->loss);
    else if (a->likelihood < 0 || !bounded)
        a->loss -= STEP * a->loss;
}

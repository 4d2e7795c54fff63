/* Gathers wishes for key frames and spaces the requests; see keyframe.h. */
#include "media/keyframe.h"

#include <assert.h>
#include <string.h>

#include "proto/bytes.h"

#define SPACING_MAX_US SEC(1)
#define RETRY_MIN_US   MS(500) /* a picture that is on its way gets the time to arrive */
#define SOON_AFTER_US  MS(10)
enum { QUICK_REQUESTS = 3 }; /* unanswered ones at full rate, before they slow down */

const struct keyframe_config keyframe_defaults = {
    .min_interval_us = MS(200),
    .window_us = SEC(10),
    .patience_us = SEC(2),
    .max_requests = 3,
};

void keyframe_init(struct keyframe *k, const struct keyframe_config *config)
{
    assert(config->max_requests > 0 && config->max_requests <= KEYFRAME_REQUESTS_CAP);
    memset(k, 0, sizeof *k);
    k->config = config;
    k->interval_us = config->min_interval_us;
    k->answer_us = MAX(config->min_interval_us, (uint64_t)KEYFRAME_PICTURE_US);
    k->due_us = k->retry_us = NEVER_US;
}

void keyframe_on_rtt(struct keyframe *k, uint64_t rtt_us)
{
    uint64_t interval_us = rtt_us + SOON_AFTER_US;
    k->interval_us = interval_us < k->config->min_interval_us ? interval_us : k->config->min_interval_us;
    k->answer_us = rtt_us + KEYFRAME_PICTURE_US;
}

static struct keyframe_asker *asker_of(struct keyframe *k, uint32_t receiver)
{
    struct keyframe_asker *oldest = &k->askers[0];
    for (size_t i = 0; i < KEYFRAME_ASKERS; i++) {
        if (k->askers[i].receiver == receiver)
            return &k->askers[i];
        if (k->askers[i].want_us < oldest->want_us)
            oldest = &k->askers[i];
    }
    *oldest = (struct keyframe_asker){.receiver = receiver};
    return oldest;
}

/* When a next request may go out for the source, however much it is wanted. */
static uint64_t source_free_us(const struct keyframe *k)
{
    uint64_t others_us = k->answered_us ? k->answered_us + KEYFRAME_PICTURE_US : 0;
    if (k->sent_us == 0)
        return others_us;
    uint64_t spacing_us = k->unanswered ? k->answer_us : k->interval_us;
    for (uint32_t i = QUICK_REQUESTS; i < k->unanswered && spacing_us < SPACING_MAX_US; i++)
        spacing_us *= 2;
    return MAX(k->sent_us + MIN(spacing_us, SPACING_MAX_US), others_us);
}

static uint64_t receiver_free_us(const struct keyframe *k, const struct keyframe_asker *asker, uint64_t now_us)
{
    uint64_t oldest_us = asker->had_us[asker->at]; /* of the last max_requests */
    if (oldest_us == 0 || now_us >= oldest_us + k->config->window_us)
        return 0;
    uint64_t window_us = oldest_us + k->config->window_us, patience_us = k->sent_us + k->config->patience_us;
    return window_us < patience_us ? window_us : patience_us;
}

void keyframe_on_want(struct keyframe *k, uint32_t receiver, uint64_t now_us)
{
    uint64_t at_us = now_us, source_us = source_free_us(k);
    if (receiver != 0) {
        struct keyframe_asker *asker = asker_of(k, receiver);
        asker->want_us = now_us;
        if (asker->waiting)
            return;
        asker->waiting = true;
        uint64_t receiver_us = receiver_free_us(k, asker, now_us);
        at_us = at_us > receiver_us ? at_us : receiver_us;
    }
    at_us = at_us > source_us ? at_us : source_us;
    if (at_us < k->due_us)
        k->due_us = at_us;
}

void keyframe_on_frame(struct keyframe *k, uint64_t now_us)
{
    k->due_us = k->retry_us = NEVER_US;
    if (k->unanswered)
        k->answered_us = now_us;
    k->unanswered = 0;
    for (size_t i = 0; i < KEYFRAME_ASKERS; i++) {
        struct keyframe_asker *asker = &k->askers[i];
        if (asker->asked) {
            asker->had_us[asker->at] = now_us;
            asker->at = (uint8_t)((asker->at + 1) % k->config->max_requests);
        }
        asker->asked = asker->waiting = false;
    }
}

uint64_t keyframe_deadline_us(const struct keyframe *k)
{
    return k->due_us < k->retry_us ? k->due_us : k->retry_us;
}

bool keyframe_poll(struct keyframe *k, uint64_t now_us, uint8_t *fir_seq)
{
    bool wish = now_us >= k->due_us, retry = now_us >= k->retry_us;
    if (!wish && !retry)
        return false;
    if (wish)
        k->fir_seq++;
    for (size_t i = 0; i < KEYFRAME_ASKERS; i++) { /* a repetition serves those who were put off, too */
        k->askers[i].asked |= k->askers[i].waiting;
        k->askers[i].waiting = false;
    }
    k->due_us = NEVER_US;
    k->sent_us = now_us;
    k->sent_count++;
    k->unanswered++;
    uint64_t next_us = source_free_us(k);
    k->retry_us = next_us < now_us + RETRY_MIN_US ? now_us + RETRY_MIN_US : next_us;
    if (k->unanswered > KEYFRAME_RETRIES)
        k->retry_us = NEVER_US; /* whoever still needs it will say so */
    *fir_seq = k->fir_seq;
    return true;
}

/* health.h - is this bridge fit for use? What the focus is told on <healthcheck> and in presence (operations 11).
 *
 * A failure moves every conference away, so it is never said of a passing hiccup. Answers come from memory: what can
 * change (do the media threads answer?) is measured all the time by pulse.h, what cannot (addresses) is known at start.
 * Hence no result is ever old: videobridge.health.interval and .timeout have nothing to limit here. That logins to servers
 * are lost is no failure: media goes on, and a restart would end it.
 *
 * Pure logic. Thread: control. */
#ifndef BRIDGE_HEALTH_H
#define BRIDGE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct health_facts {
    bool require_address, has_address; /* one that clients on the Internet could reach */
    bool require_stun, stun_asked, stun_failed;
    uint64_t silent_us, silent_limit_us; /* of the media thread that has not answered for longest */
};

struct health { /* zero with start_us and sticky filled in */
    uint64_t start_us;
    bool sticky; /* videobridge.health.sticky-failures: what fails later than five minutes after start stays failed */
    bool stuck;
};

/* NULL: healthy. Else why not, in words that monitoring looks for: a constant. */
const char *health_judge(const struct health_facts *facts);
const char *health_check(struct health *health, uint64_t now_us, const struct health_facts *facts);

#endif

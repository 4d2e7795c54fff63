/* requests.h - IQs in, IQs out: who may ask what, which answer each request gets, each exactly once and in order.
 *
 * What is answered here: ping, disco#info, disco#items, version, healthcheck, the shutdown IQs (refused), everything
 * unknown (feature-not-implemented). Only conference-modify is handed up. colibri2.md 4, 5.5 and 6.
 * Access: conference-modify, healthcheck, version and the shutdown IQs are for occupants of our rooms only; anybody
 * else gets `forbidden`. Ping and disco are answered to everybody, as any XMPP entity does.
 * Not for: parsing Colibri2 (proto/colibri2), knowing conferences (bridge/control).
 * Thread: one. Time: monotonic microseconds. */
#ifndef XMPP_REQUESTS_H
#define XMPP_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "xmpp/handler.h"

enum { REQUESTS_ANSWER_US = 14 * 1000 * 1000 }; /* the focus waits for 15 s (Smack's reply timeout in Jicofo) */

struct requests_config {
    const char *const *rooms; /* bare JIDs whose occupants are trusted; copied */
    size_t room_count;
    const char *version;                            /* copied */
    void (*send)(void *ctx, xmpp_stanza_t *stanza); /* does not take it over */
    void *ctx;
};

struct requests;
struct requests *requests_new(const struct requests_config *cfg, const struct connection_handler *handler);
void requests_free(struct requests *requests);   /* as requests_forget, then frees */
void requests_forget(struct requests *requests); /* the stream is gone: nobody can be answered any more */

void requests_on_iq(struct requests *requests, xmpp_stanza_t *iq,
                    uint64_t now_us);                           /* type get and set; others ignored */
uint64_t requests_deadline_us(const struct requests *requests); /* UINT64_MAX: nothing waits */
void requests_on_time(struct requests *requests, uint64_t now_us);
uint64_t requests_from_focus(const struct requests *requests); /* granted requests of room occupants so far */

#endif

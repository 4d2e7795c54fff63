/* control_world.h - a directory of conferences with made-up workers that write down what they are told, a virtual clock
 * and reproducible randomness. The focus's side is XML text, answers are read as libstrophe trees. */
#ifndef TESTS_CONTROL_WORLD_H
#define TESTS_CONTROL_WORLD_H

#include "bridge/control.h"
#include "support/xml.h"

struct world {
    struct control *control;
    struct control_env env; /* change it before world_start */
    struct control_ops ops;
    uint64_t now_us, random_state;
    uint32_t loads[4];
    char told[16384];            /* one line per op since the last world_told, like "sources conf=1 ep=2 count=2\n" */
    struct conference_spec conf; /* the last of each that was handed over */
    struct endpoint_spec ep;
    struct transport_spec transport;
    struct media_spec media;
    struct source_set *sources;
    struct ice_credentials restart;
    struct control_target at; /* of the last op */
};

void world_init(struct world *w);  /* one host candidate, SCTP, one WebSocket domain, restarts on, one worker */
void world_start(struct world *w); /* control_new */
void world_done(struct world *w);

/* <conference-modify attrs>inner</conference-modify> in, the answer out; xmpp_stanza_release it. */
xmpp_stanza_t *world_ask(struct world *w, const char *attrs, const char *inner);
const char *world_told(struct world *w); /* what was written down since the last call; valid until the next op */

/* The answer as one canonical text (support/xml); free() it. */
char *world_ask_text(struct world *w, const char *attrs, const char *inner);

#endif

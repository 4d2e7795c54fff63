/* speaker_dsi.h - one speaker's part in dominant speaker identification: three histories and their scores
 * (bridge-channel.md 10.3). For speaker.c and its test only. */
#ifndef MEDIA_SPEAKER_DSI_H
#define MEDIA_SPEAKER_DSI_H

#include "proto/bytes.h"

enum { DSI_LEVELS = 50, DSI_TICK_US = 40000, DSI_LEVEL_MAX = 127 };

struct dsi {
    bool heard;                /* a level came */
    uint8_t level[DSI_LEVELS]; /* newest first */
    uint8_t least, next_least; /* 0: undetermined */
    uint16_t next_count;
    uint64_t level_us;  /* of the newest level */
    uint64_t filled_us; /* silence has been filled in up to here */
    uint64_t loud_us;   /* when it last spoke by the long history */
};

struct dsi_score {
    double immediate, medium, lasting;
};

/* Levels are 0 (silence) to 127. False: older than the newest, ignored. */
bool dsi_on_level(struct dsi *d, uint8_t level, uint64_t now_us);
/* Silence for each tick, counted from start_us, at which the newest level was older than a tick. */
void dsi_fill(struct dsi *d, uint64_t start_us, uint64_t now_us);
/* The newest level, or 0 if it does not stand out from this speaker's own background. */
uint8_t dsi_cooked(const struct dsi *d);
struct dsi_score dsi_score(const struct dsi *d);

double dsi_immediate_score(unsigned v); /* v: 0 to 12 */
double dsi_medium_score(unsigned v);    /* v: 0 to 5 */
double dsi_long_score(unsigned v);      /* v: 0 to 10 */

#define DSI_SCORE_MIN 1e-10

#endif

/* alloc_wants.h - what alloc.c reads of a receiver's wishes. For it only; the rest is in alloc.h. */
#ifndef MEDIA_ALLOC_WANTS_H
#define MEDIA_ALLOC_WANTS_H

#include "media/alloc.h"
#include "proto/map.h"

int alloc_wants_height(const struct alloc_wants *w, const char *source); /* -1 unlimited, 0 not wanted */
/* Place among the on-stage and then the selected sources, from 0; SIZE_MAX: in neither. */
size_t alloc_wants_rank(const struct alloc_wants *w, const char *source, bool *on_stage);

#endif

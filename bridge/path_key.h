/* path_key.h - a path as a hash key: the fields that count, without padding. */
#ifndef BRIDGE_PATH_KEY_H
#define BRIDGE_PATH_KEY_H

#include <string.h>

#include "media/ice.h"

struct path_key {
    struct addr remote;
    uint16_t local;
};

/* The bytes are those of key. */
static inline struct bytes path_key_of(const struct ice_path *path, struct path_key *key)
{
    memset(key, 0, sizeof *key);
    key->remote = path->remote;
    key->local = path->local;
    return bytes_of(key, sizeof *key);
}

#endif

/* json_walk.h - strict pre-check of JSON text before cJSON sees it, and where the members of the outermost object lie.
 *
 * For: RFC 8259 to the letter, bounds on depth and count, no name twice in one object (case-sensitive, after
 * unescaping), no NUL inside a name. cJSON checks none of this: it is lenient about grammar, keeps duplicates, and ends
 * names at a NUL. Not for: values; cJSON builds those.
 * Owner: spans point into the caller's text. Thread: any. Allocates a table of names while it runs. */
#ifndef PROTO_JSON_WALK_H
#define PROTO_JSON_WALK_H

#include "proto/bytes.h"

struct json_limits {
    unsigned depth_max;
    size_t values_max;
};

/* Called for each member of the outermost object, in order. name: unescaped, valid during the call.
 * member: from the name's opening quote to the value's last byte. */
typedef void json_member(void *ctx, struct bytes name, struct bytes member);

enum json_verdict { JSON_OK, JSON_NOT_AN_OBJECT, JSON_TOO_DEEP, JSON_TOO_MANY, JSON_DUPLICATE };

/* JSON_OK: text is exactly one JSON object. on_member may be NULL. After a failure the members reported so far mean
 * nothing. */
enum json_verdict json_walk(struct bytes text, const struct json_limits *limits, json_member *on_member, void *ctx);

#endif

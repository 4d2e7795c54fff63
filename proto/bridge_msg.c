/* bridge_msg.c - client -> bridge. The other direction is in bridge_msg_write.c. */
#include "proto/bridge_msg.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <strings.h>

#include "proto/json_walk.h"

typedef enum bridge_msg_refusal reader(struct bridge_msg *msg, const cJSON *object);

struct owned {
    cJSON *tree;
    char *body; /* text of all members but colibriClass and from, each with a comma in front */
    size_t body_len;
};

const char *bridge_msg_refusal_name(enum bridge_msg_refusal why)
{
    switch (why) {
    case BRIDGE_MSG_OK: return "OK";
#define X(name, text)                                                                                                  \
    case BRIDGE_MSG_##name: return #name;
        BRIDGE_MSG_REFUSAL_MAP(X)
#undef X
    case BRIDGE_MSG_REFUSAL_COUNT: break;
    }
    return "?";
}

static void *must_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        abort();
    return p;
}

/* ---- members by type. Absent or null: *there is false. ---- */

static const cJSON *find(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(item) ? NULL : item;
}

static enum bridge_msg_refusal read_number(const cJSON *object, const char *name, bool *there, double *out)
{
    const cJSON *item = find(object, name);
    *there = item != NULL;
    if (!item)
        return BRIDGE_MSG_OK;
    if (!cJSON_IsNumber(item))
        return BRIDGE_MSG_WRONG_TYPE;
    *out = item->valuedouble; /* valueint saturates silently */
    return BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal read_int(const cJSON *object, const char *name, bool *there, int32_t *out)
{
    double v = 0;
    enum bridge_msg_refusal why = read_number(object, name, there, &v);
    if (why != BRIDGE_MSG_OK || !*there)
        return why;
    if (!(v >= INT32_MIN && v <= INT32_MAX)) /* also an infinity made of 1e999 */
        return BRIDGE_MSG_RANGE;
    *out = (int32_t)v;
    return BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal check_name(const char *name)
{
    return strlen(name) > BRIDGE_MSG_NAME_MAX ? BRIDGE_MSG_RANGE : BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal read_name(const cJSON *object, const char *name, const char **out)
{
    const cJSON *item = find(object, name);
    if (!item)
        return BRIDGE_MSG_MISSING;
    if (!cJSON_IsString(item))
        return BRIDGE_MSG_WRONG_TYPE;
    *out = item->valuestring;
    return check_name(*out);
}

static enum bridge_msg_refusal read_names(const cJSON *object, const char *name, bool *there,
                                          struct bridge_msg_names *out)
{
    const cJSON *list = find(object, name), *item;
    *there = list != NULL;
    if (!list)
        return BRIDGE_MSG_OK;
    if (!cJSON_IsArray(list))
        return BRIDGE_MSG_WRONG_TYPE;
    out->v = must_alloc((size_t)cJSON_GetArraySize(list), sizeof *out->v);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return BRIDGE_MSG_WRONG_TYPE;
        enum bridge_msg_refusal why = check_name(item->valuestring);
        if (why != BRIDGE_MSG_OK)
            return why;
        out->v[out->n++] = item->valuestring;
    }
    return BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal read_constraint(const cJSON *object, struct bridge_msg_constraint *out)
{
    *out = (struct bridge_msg_constraint){.max_height = 0, .max_framerate = -1};
    if (!cJSON_IsObject(object))
        return BRIDGE_MSG_WRONG_TYPE;
    bool there;
    enum bridge_msg_refusal why = read_int(object, "maxHeight", &there, &out->max_height);
    if (why == BRIDGE_MSG_OK)
        why = read_number(object, "maxFrameRate", &there, &out->max_framerate);
    if (why == BRIDGE_MSG_OK && (out->max_height < -1 || !(out->max_framerate >= -1)))
        why = BRIDGE_MSG_RANGE;
    return why;
}

/* ---- one reader per class ---- */

static enum bridge_msg_refusal read_nothing(struct bridge_msg *msg, const cJSON *object)
{
    return BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal read_endpoint_message(struct bridge_msg *msg, const cJSON *object)
{
    const char *to = NULL;
    enum bridge_msg_refusal why = read_name(object, "to", &to);
    if (why == BRIDGE_MSG_OK)
        msg->u.opaque.to = to[strspn(to, " \t\r\n\f\v")] ? to : NULL;
    return why;
}

static enum bridge_msg_refusal read_receiver_video(struct bridge_msg *msg, const cJSON *object)
{
    struct bridge_msg_receiver_video *v = &msg->u.video;
    enum bridge_msg_refusal why;
    double bandwidth_bps = -1;
    if ((why = read_int(object, "lastN", &v->has_last_n, &v->last_n)) != BRIDGE_MSG_OK ||
        (why = read_names(object, "selectedSources", &v->has_selected, &v->selected)) != BRIDGE_MSG_OK ||
        (why = read_names(object, "onStageSources", &v->has_on_stage, &v->on_stage)) != BRIDGE_MSG_OK ||
        (why = read_number(object, "assumedBandwidthBps", &v->has_assumed_bandwidth, &bandwidth_bps)) != BRIDGE_MSG_OK)
        return why;
    v->last_n = MAX(v->last_n, -1);
    if (bandwidth_bps > 1e15) /* no link is that fast, and 64 bits must hold sums of it */
        return BRIDGE_MSG_RANGE;
    v->assumed_bandwidth_bps = bandwidth_bps < 0 ? -1 : (int64_t)bandwidth_bps;

    const cJSON *item = find(object, "defaultConstraints");
    v->has_default = item != NULL;
    if (item && (why = read_constraint(item, &v->default_limit)) != BRIDGE_MSG_OK)
        return why;

    const cJSON *map = find(object, "constraints");
    v->has_constraints = map != NULL;
    if (!map)
        return BRIDGE_MSG_OK;
    if (!cJSON_IsObject(map))
        return BRIDGE_MSG_WRONG_TYPE;
    v->constraints = must_alloc((size_t)cJSON_GetArraySize(map), sizeof *v->constraints);
    cJSON_ArrayForEach(item, map)
    {
        struct bridge_msg_source_constraint *c = &v->constraints[v->constraints_count++];
        c->source = item->string;
        if ((why = check_name(c->source)) != BRIDGE_MSG_OK || (why = read_constraint(item, &c->limit)) != BRIDGE_MSG_OK)
            return why;
    }
    return BRIDGE_MSG_OK;
}

static enum bridge_msg_refusal read_last_n(struct bridge_msg *msg, const cJSON *object)
{
    bool there;
    enum bridge_msg_refusal why = read_int(object, "lastN", &there, &msg->u.last_n);
    msg->u.last_n = MAX(msg->u.last_n, -1);
    return why != BRIDGE_MSG_OK ? why : there ? BRIDGE_MSG_OK : BRIDGE_MSG_MISSING;
}

/* If `mode` is present the newer members are ignored, as the stock bridge does. */
static enum bridge_msg_refusal read_audio_mode(struct bridge_msg_receiver_audio *a, const cJSON *object,
                                               const cJSON *mode)
{
    if (!cJSON_IsString(mode))
        return BRIDGE_MSG_WRONG_TYPE;
    bool there, is_include = strcmp(mode->valuestring, "Include") == 0;
    bool is_exclude = strcmp(mode->valuestring, "Exclude") == 0;
    a->all = is_exclude || strcmp(mode->valuestring, "All") == 0;
    if (is_include || is_exclude)
        return read_names(object, "list", &there, is_include ? &a->include : &a->exclude);
    return a->all || strcmp(mode->valuestring, "None") == 0 ? BRIDGE_MSG_OK : BRIDGE_MSG_RANGE;
}

static enum bridge_msg_refusal read_receiver_audio(struct bridge_msg *msg, const cJSON *object)
{
    struct bridge_msg_receiver_audio *a = &msg->u.audio;
    const cJSON *mode = find(object, "mode"), *all = find(object, "all");
    if (mode)
        return read_audio_mode(a, object, mode);
    if (all && !cJSON_IsBool(all))
        return BRIDGE_MSG_WRONG_TYPE;
    a->all = cJSON_IsTrue(all);
    bool there;
    enum bridge_msg_refusal why = read_names(object, "include", &there, &a->include);
    return why != BRIDGE_MSG_OK ? why : read_names(object, "exclude", &there, &a->exclude);
}

static enum bridge_msg_refusal read_legacy_video_type(struct bridge_msg *msg, const cJSON *object)
{
    static const struct {
        const char *name;
        enum bridge_video_type type;
    } types[] = {
        {"camera", BRIDGE_VIDEO_CAMERA},
        {"desktop", BRIDGE_VIDEO_DESKTOP},
        {"desktop_high_fps", BRIDGE_VIDEO_DESKTOP_HIGH_FPS},
        {"disabled", BRIDGE_VIDEO_DISABLED},
        {"none", BRIDGE_VIDEO_NONE},
    };
    const cJSON *type = find(object, "videoType");
    if (!type)
        return BRIDGE_MSG_MISSING;
    if (!cJSON_IsString(type))
        return BRIDGE_MSG_WRONG_TYPE;
    for (size_t i = 0; i < COUNT(types); i++)
        if (strcasecmp(types[i].name, type->valuestring) == 0) {
            msg->u.video_type.type = types[i].type;
            return BRIDGE_MSG_OK;
        }
    return BRIDGE_MSG_RANGE;
}

static enum bridge_msg_refusal read_source_video_type(struct bridge_msg *msg, const cJSON *object)
{
    enum bridge_msg_refusal why = read_name(object, "sourceName", &msg->u.video_type.source);
    return why != BRIDGE_MSG_OK ? why : read_legacy_video_type(msg, object);
}

static const struct class
{
    const char *name;
    enum bridge_msg_kind kind;
    reader *read; /* NULL: clients never send it */
} classes[] = {
    {"ClientHello", BRIDGE_CLIENT_HELLO, read_nothing},
    {"EndpointMessage", BRIDGE_ENDPOINT_MESSAGE, read_endpoint_message},
    {"EndpointStats", BRIDGE_ENDPOINT_STATS, read_nothing},
    {"ReceiverVideoConstraints", BRIDGE_RECEIVER_VIDEO, read_receiver_video},
    {"LastNChangedEvent", BRIDGE_LAST_N, read_last_n},
    {"ReceiverAudioSubscription", BRIDGE_RECEIVER_AUDIO, read_receiver_audio},
    {"SourceVideoTypeMessage", BRIDGE_VIDEO_TYPE, read_source_video_type},
    {"VideoTypeMessage", BRIDGE_VIDEO_TYPE, read_legacy_video_type},
    {"ServerHello"},
    {"DominantSpeakerEndpointChangeEvent"},
    {"EndpointConnectivityStatusChangeEvent"},
    {"ForwardedSources"},
    {"VideoSourcesMap"},
    {"AudioSourcesMap"},
    {"SenderSourceConstraints"},
    {"ConnectionStats"},
    {"SyntheticSourceSendingChangeEvent"},
    {"AddReceiver"},
    {"RemoveReceiver"},
};

static enum bridge_msg_refusal read_class(struct bridge_msg *msg, const cJSON *object)
{
    const cJSON *name = find(object, "colibriClass");
    if (!cJSON_IsString(name))
        return BRIDGE_MSG_NO_CLASS;
    for (size_t i = 0; i < COUNT(classes); i++)
        if (strcmp(classes[i].name, name->valuestring) == 0) {
            msg->kind = classes[i].kind;
            return classes[i].read ? classes[i].read(msg, object) : BRIDGE_MSG_UNEXPECTED;
        }
    return BRIDGE_MSG_UNKNOWN_CLASS;
}

static void collect_body(void *ctx, struct bytes name, struct bytes member)
{
    struct owned *owned = ctx;
    if (bytes_eq(name, bytes_str("colibriClass")) || bytes_eq(name, bytes_str("from")))
        return;
    owned->body[owned->body_len++] = ',';
    memcpy(owned->body + owned->body_len, member.p, member.n);
    owned->body_len += member.n;
    owned->body[owned->body_len] = 0;
}

static enum bridge_msg_refusal check_text(struct bytes text, struct owned *owned)
{
    static const struct json_limits limits = {BRIDGE_MSG_DEPTH_MAX, BRIDGE_MSG_VALUES_MAX};
    if (text.n > BRIDGE_MSG_TEXT_MAX)
        return BRIDGE_MSG_TOO_LARGE;
    owned->body = must_alloc(text.n + 1, 1); /* a comma replaces the brace or comma in front of each member */
    switch (json_walk(text, &limits, collect_body, owned)) {
    case JSON_OK: break;
    case JSON_NOT_AN_OBJECT: return BRIDGE_MSG_NOT_JSON;
    case JSON_TOO_DEEP: return BRIDGE_MSG_TOO_DEEP;
    case JSON_TOO_MANY: return BRIDGE_MSG_TOO_MANY;
    case JSON_DUPLICATE: return BRIDGE_MSG_DUPLICATE;
    }
    owned->tree = cJSON_ParseWithLength((const char *)text.p, text.n);
    return owned->tree ? BRIDGE_MSG_OK : BRIDGE_MSG_NOT_JSON; /* cJSON refuses numbers of more than 63 characters */
}

enum bridge_msg_refusal bridge_msg_parse(struct bytes text, struct bridge_msg **out)
{
    struct bridge_msg *msg = must_alloc(1, sizeof *msg);
    struct owned *owned = must_alloc(1, sizeof *owned);
    msg->owned = owned;
    msg->kind = BRIDGE_CLIENT_HELLO; /* owns nothing, until read_class() knows better */
    enum bridge_msg_refusal why = check_text(text, owned);
    if (why == BRIDGE_MSG_OK)
        why = read_class(msg, owned->tree);
    if (why != BRIDGE_MSG_OK) {
        bridge_msg_free(msg);
        *out = NULL;
        return why;
    }
    if (msg->kind == BRIDGE_ENDPOINT_MESSAGE || msg->kind == BRIDGE_ENDPOINT_STATS)
        msg->u.opaque.body = owned->body;
    *out = msg;
    return BRIDGE_MSG_OK;
}

void bridge_msg_free(struct bridge_msg *msg)
{
    if (!msg)
        return;
    if (msg->kind == BRIDGE_RECEIVER_VIDEO) {
        free(msg->u.video.selected.v);
        free(msg->u.video.on_stage.v);
        free(msg->u.video.constraints);
    } else if (msg->kind == BRIDGE_RECEIVER_AUDIO) {
        free(msg->u.audio.include.v);
        free(msg->u.audio.exclude.v);
    }
    struct owned *owned = msg->owned;
    cJSON_Delete(owned->tree);
    free(owned->body);
    free(owned);
    free(msg);
}

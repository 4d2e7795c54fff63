/* bridge_msg_write.c - bridge -> client. The stock client checks types strictly: `active` is a string, `ssrc`, `rtx` and
 * `maxHeight` are numbers, and there is no way to say "no rtx". */
#include "proto/bridge_msg.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>

static cJSON *must(cJSON *item)
{
    if (!item)
        abort();
    return item;
}

static cJSON *message(const char *class)
{
    cJSON *object = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(object, "colibriClass", class));
    return object;
}

static char *finish(cJSON *object)
{
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (!text)
        abort();
    return text;
}

static void add_names(cJSON *object, const char *member, const char *const *names, size_t count)
{
    cJSON *list = must(cJSON_AddArrayToObject(object, member));
    for (size_t i = 0; i < count; i++)
        if (!cJSON_AddItemToArray(list, must(cJSON_CreateString(names[i]))))
            abort();
}

static const char *type_name(enum bridge_video_type type)
{
    switch (type) {
    case BRIDGE_VIDEO_CAMERA: return "CAMERA";
    case BRIDGE_VIDEO_DESKTOP: return "DESKTOP";
    case BRIDGE_VIDEO_DESKTOP_HIGH_FPS: return "DESKTOP_HIGH_FPS";
    case BRIDGE_VIDEO_DISABLED: return "DISABLED";
    case BRIDGE_VIDEO_NONE: return "NONE";
    }
    return "NONE";
}

char *bridge_msg_forward(const struct bridge_msg *msg, const char *from_endpoint)
{
    assert(msg->kind == BRIDGE_ENDPOINT_MESSAGE || msg->kind == BRIDGE_ENDPOINT_STATS);
    cJSON *head = message(msg->kind == BRIDGE_ENDPOINT_MESSAGE ? "EndpointMessage" : "EndpointStats");
    must(cJSON_AddStringToObject(head, "from", from_endpoint));
    char *text = finish(head);
    size_t head_len = strlen(text) - 1, body_len = strlen(msg->u.opaque.body); /* without the closing brace */
    text = realloc(text, head_len + body_len + 2);
    if (!text)
        abort();
    memcpy(text + head_len, msg->u.opaque.body, body_len);
    memcpy(text + head_len + body_len, "}", 2);
    return text;
}

char *bridge_msg_write_server_hello(const char *version)
{
    cJSON *object = message("ServerHello");
    if (version)
        must(cJSON_AddStringToObject(object, "version", version));
    return finish(object);
}

char *bridge_msg_write_dominant_speaker(const char *id, const char *const *previous, size_t previous_count,
                                        bool silence)
{
    cJSON *object = message("DominantSpeakerEndpointChangeEvent");
    must(cJSON_AddStringToObject(object, "dominantSpeakerEndpoint", id));
    add_names(object, "previousSpeakers", previous, previous_count);
    must(cJSON_AddBoolToObject(object, "silence", silence));
    return finish(object);
}

char *bridge_msg_write_connection_stats(uint64_t estimated_downlink_bps)
{
    /* Doubles are exact and printed without exponent up to 15 digits. */
    uint64_t bps = MIN(estimated_downlink_bps, UINT64_C(999999999999999));
    cJSON *object = message("ConnectionStats");
    must(cJSON_AddNumberToObject(object, "estimatedDownlinkBandwidth", (double)bps));
    return finish(object);
}

char *bridge_msg_write_connectivity(const char *endpoint, bool active)
{
    cJSON *object = message("EndpointConnectivityStatusChangeEvent");
    must(cJSON_AddStringToObject(object, "endpoint", endpoint));
    must(cJSON_AddStringToObject(object, "active", active ? "true" : "false"));
    return finish(object);
}

char *bridge_msg_write_forwarded_sources(const char *const *sources, size_t count)
{
    cJSON *object = message("ForwardedSources");
    add_names(object, "forwardedSources", sources, count);
    return finish(object);
}

char *bridge_msg_write_sender_constraint(const char *source, int32_t max_height)
{
    cJSON *object = message("SenderSourceConstraints");
    must(cJSON_AddStringToObject(object, "sourceName", source));
    must(cJSON_AddNumberToObject(object, "maxHeight", max_height));
    return finish(object);
}

static char *write_map(const char *class, bool video, const struct bridge_msg_mapped_source *slots, size_t count)
{
    cJSON *object = message(class);
    cJSON *list = must(cJSON_AddArrayToObject(object, "mappedSources"));
    for (size_t i = 0; i < count; i++) {
        cJSON *slot = must(cJSON_CreateObject());
        must(cJSON_AddStringToObject(slot, "source", slots[i].source));
        must(cJSON_AddStringToObject(slot, "owner", slots[i].owner));
        must(cJSON_AddNumberToObject(slot, "ssrc", slots[i].ssrc));
        if (video) {
            must(cJSON_AddNumberToObject(slot, "rtx", slots[i].rtx));
            must(cJSON_AddStringToObject(slot, "videoType", type_name(slots[i].type)));
        }
        if (slots[i].mid)
            must(cJSON_AddStringToObject(slot, "mid", slots[i].mid));
        if (!cJSON_AddItemToArray(list, slot))
            abort();
    }
    return finish(object);
}

char *bridge_msg_write_audio_map(const struct bridge_msg_mapped_source *slots, size_t count)
{
    return write_map("AudioSourcesMap", false, slots, count);
}

char *bridge_msg_write_video_map(const struct bridge_msg_mapped_source *slots, size_t count)
{
    return write_map("VideoSourcesMap", true, slots, count);
}

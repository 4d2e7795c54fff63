/* What holds of the bridge channel's messages: stock clients' messages are understood, hostile ones are refused by name,
 * and what we write is what the stock bridge wrote in recorded calls. */
#include "support/hex.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/bridge_msg.h"

static struct bridge_msg *parse_ok(const char *text)
{
    struct bridge_msg *msg;
    enum bridge_msg_refusal why = bridge_msg_parse(bytes_str(text), &msg);
    if (why != BRIDGE_MSG_OK)
        fail_msg("%s: %s", bridge_msg_refusal_name(why), text);
    return msg;
}

#define CLASS(name) "{\"colibriClass\":\"" name "\""
static const struct {
    const char *text;
    enum bridge_msg_refusal why;
} refusals[] = {
    /* bridge-channel 16.7 */
    {"", BRIDGE_MSG_NOT_JSON},
    {"hello", BRIDGE_MSG_NOT_JSON},
    {"[{\"colibriClass\":\"ClientHello\"}]", BRIDGE_MSG_NOT_JSON},
    {CLASS("ClientHello") "} ", BRIDGE_MSG_OK},
    {CLASS("ClientHello") ",\"unknown\":{\"member\":[1]}}", BRIDGE_MSG_OK},
    {CLASS("ClientHello"), BRIDGE_MSG_NOT_JSON},
    {"{}", BRIDGE_MSG_NO_CLASS},
    {"{\"colibriClass\":7}", BRIDGE_MSG_NO_CLASS},
    {"{\"colibriClass\":null}", BRIDGE_MSG_NO_CLASS},
    {"{\"ColibriClass\":\"ClientHello\"}", BRIDGE_MSG_NO_CLASS}, /* names are case-sensitive */
    {CLASS("clienthello") "}", BRIDGE_MSG_UNKNOWN_CLASS},
    {CLASS("SelectedEndpointsChangedEvent") "}", BRIDGE_MSG_UNKNOWN_CLASS},
    {CLASS("ForwardedSources") ",\"forwardedSources\":[]}", BRIDGE_MSG_UNEXPECTED},
    {CLASS("AddReceiver") "}", BRIDGE_MSG_UNEXPECTED},
    {CLASS("EndpointMessage") ",\"msgPayload\":{}}", BRIDGE_MSG_MISSING},
    {CLASS("EndpointMessage") ",\"to\":null,\"msgPayload\":{}}", BRIDGE_MSG_MISSING},
    {CLASS("EndpointMessage") ",\"to\":5,\"msgPayload\":{}}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("EndpointMessage") ",\"to\":\"\",\"from\":\"a\",\"from\":\"b\"}", BRIDGE_MSG_DUPLICATE},
    {CLASS("EndpointMessage") ",\"to\":\"\",\"from\":\"a\",\"\\u0066rom\":\"b\"}", BRIDGE_MSG_DUPLICATE},
    {CLASS("EndpointMessage") ",\"to\":\"\",\"msgPayload\":{\"a\":1,\"a\":2}}", BRIDGE_MSG_DUPLICATE},
    {CLASS("EndpointMessage") ",\"to\":\"\",\"from\\u0000\":\"a\"}", BRIDGE_MSG_NOT_JSON},
    {CLASS("ReceiverVideoConstraints") "}", BRIDGE_MSG_OK},
    {CLASS("ReceiverVideoConstraints") ",\"lastN\":\"5\"}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"lastN\":1e999}", BRIDGE_MSG_RANGE},
    {CLASS("ReceiverVideoConstraints") ",\"lastN\":2147483648}", BRIDGE_MSG_RANGE},
    {CLASS("ReceiverVideoConstraints") ",\"lastN\":2147483647}", BRIDGE_MSG_OK},
    {CLASS("ReceiverVideoConstraints") ",\"assumedBandwidthBps\":1e16}", BRIDGE_MSG_RANGE},
    {CLASS("ReceiverVideoConstraints") ",\"selectedSources\":\"a\"}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"selectedSources\":[\"a\",1]}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"onStageSources\":{}}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"defaultConstraints\":180}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"defaultConstraints\":{\"maxHeight\":-2}}", BRIDGE_MSG_RANGE},
    {CLASS("ReceiverVideoConstraints") ",\"defaultConstraints\":{\"maxHeight\":-1,\"maxFrameRate\":-1.5}}",
     BRIDGE_MSG_RANGE},
    {CLASS("ReceiverVideoConstraints") ",\"constraints\":[]}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"constraints\":{\"a\":180}}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"constraints\":{\"a\":{\"maxHeight\":\"180\"}}}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverVideoConstraints") ",\"constraints\":{\"a\":{},\"b\":{},\"a\":{}}}", BRIDGE_MSG_DUPLICATE},
    {CLASS("LastNChangedEvent") "}", BRIDGE_MSG_MISSING},
    {CLASS("LastNChangedEvent") ",\"lastN\":true}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverAudioSubscription") "}", BRIDGE_MSG_OK},
    {CLASS("ReceiverAudioSubscription") ",\"all\":1}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverAudioSubscription") ",\"include\":[null]}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("ReceiverAudioSubscription") ",\"mode\":\"Some\"}", BRIDGE_MSG_RANGE},
    {CLASS("ReceiverAudioSubscription") ",\"mode\":1}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("SourceVideoTypeMessage") ",\"videoType\":\"camera\"}", BRIDGE_MSG_MISSING},
    {CLASS("SourceVideoTypeMessage") ",\"sourceName\":\"a-v0\"}", BRIDGE_MSG_MISSING},
    {CLASS("SourceVideoTypeMessage") ",\"sourceName\":\"a-v0\",\"videoType\":\"tv\"}", BRIDGE_MSG_RANGE},
    {CLASS("SourceVideoTypeMessage") ",\"sourceName\":[],\"videoType\":\"camera\"}", BRIDGE_MSG_WRONG_TYPE},
    {CLASS("VideoTypeMessage") ",\"videoType\":{}}", BRIDGE_MSG_WRONG_TYPE},
};

static void refusals_have_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        struct bridge_msg *msg = (struct bridge_msg *)1;
        enum bridge_msg_refusal why = bridge_msg_parse(bytes_str(refusals[i].text), &msg);
        if (why != refusals[i].why)
            fail_msg("%s, not %s: %s", bridge_msg_refusal_name(why), bridge_msg_refusal_name(refusals[i].why),
                     refusals[i].text);
        assert_int_equal(msg != NULL, why == BRIDGE_MSG_OK);
        bridge_msg_free(msg);
    }
    assert_string_equal(bridge_msg_refusal_name(BRIDGE_MSG_TOO_DEEP), "TOO_DEEP");
    assert_string_equal(bridge_msg_refusal_name(BRIDGE_MSG_OK), "OK");
}

/* head, then unit repeated, then tail */
static enum bridge_msg_refusal parse_repeated(const char *head, const char *unit, size_t count, const char *tail)
{
    size_t unit_len = strlen(unit), at = strlen(head);
    char *text = malloc(at + unit_len * count + strlen(tail) + 1);
    strcpy(text, head);
    for (size_t i = 0; i < count; i++, at += unit_len)
        memcpy(text + at, unit, unit_len);
    strcpy(text + at, tail);
    struct bridge_msg *msg;
    enum bridge_msg_refusal why = bridge_msg_parse(bytes_str(text), &msg);
    bridge_msg_free(msg);
    free(text);
    return why;
}

static void size_depth_and_count_have_bounds(void **state)
{
    (void)state;
    const char *head = CLASS("EndpointMessage") ",\"to\":\"\",\"msgPayload\":{\"x\":";
    assert_int_equal(parse_repeated(CLASS("EndpointMessage") ",\"to\":\"\",\"p\":", "[", 100000, ""),
                     BRIDGE_MSG_TOO_DEEP);
    char text[256];
    snprintf(text, sizeof text, "%s\"", head);
    assert_int_equal(parse_repeated(text, "a", 200 * 1024, "\"}}"), BRIDGE_MSG_OK); /* bridge-channel 16.5 */
    assert_int_equal(parse_repeated(text, "a", BRIDGE_MSG_TEXT_MAX, "\"}}"), BRIDGE_MSG_TOO_LARGE);
    snprintf(text, sizeof text, "%s[0", head);
    assert_int_equal(parse_repeated(text, ",0", 16000, "]}}"), BRIDGE_MSG_OK);
    assert_int_equal(parse_repeated(text, ",0", 17000, "]}}"), BRIDGE_MSG_TOO_MANY);
    const char *name = CLASS("SourceVideoTypeMessage") ",\"videoType\":\"camera\",\"sourceName\":\"";
    assert_int_equal(parse_repeated(name, "a", BRIDGE_MSG_NAME_MAX, "\"}"), BRIDGE_MSG_OK);
    assert_int_equal(parse_repeated(name, "a", BRIDGE_MSG_NAME_MAX + 1, "\"}"), BRIDGE_MSG_RANGE);
}

static void receiver_constraints_are_read_whole(void **state)
{
    (void)state;
    struct bridge_msg *msg =
        parse_ok("{\"colibriClass\":\"ReceiverVideoConstraints\",\"lastN\":7,\"assumedBandwidthBps\":5000000000,"
                 "\"onStageSources\":[\"a1b2c3d4-v0\"],\"selectedSources\":[],"
                 "\"defaultConstraints\":{\"maxHeight\":0},"
                 "\"constraints\":{\"a1b2c3d4-v0\":{\"maxHeight\":720,\"maxFrameRate\":15.5},\"0f0f0f0f-v0\":{}}}");
    const struct bridge_msg_receiver_video *v = &msg->u.video;
    assert_int_equal(msg->kind, BRIDGE_RECEIVER_VIDEO);
    assert_true(v->has_last_n && v->has_selected && v->has_on_stage && v->has_default && v->has_constraints);
    assert_int_equal(v->last_n, 7);
    assert_true(v->has_assumed_bandwidth && v->assumed_bandwidth_bps == 5000000000);
    assert_int_equal(v->on_stage.n, 1);
    assert_string_equal(v->on_stage.v[0], "a1b2c3d4-v0");
    assert_int_equal(v->selected.n, 0);
    assert_int_equal(v->default_limit.max_height, 0);
    assert_true(v->default_limit.max_framerate == -1);
    assert_int_equal(v->constraints_count, 2);
    assert_string_equal(v->constraints[0].source, "a1b2c3d4-v0");
    assert_int_equal(v->constraints[0].limit.max_height, 720);
    assert_true(v->constraints[0].limit.max_framerate == 15.5);
    assert_int_equal(v->constraints[1].limit.max_height, 0); /* absent disables */
    bridge_msg_free(msg);
}

static void absent_and_null_constraints_leave_the_stored_ones(void **state)
{
    (void)state;
    struct bridge_msg *msg =
        parse_ok(CLASS("ReceiverVideoConstraints") ",\"lastN\":-3,\"defaultConstraints\":null,"
                                                   "\"constraints\":null,\"onStageSources\":null}");
    const struct bridge_msg_receiver_video *v = &msg->u.video;
    assert_true(v->has_last_n);
    assert_int_equal(v->last_n, -1);
    assert_false(v->has_selected || v->has_on_stage || v->has_default || v->has_constraints ||
                 v->has_assumed_bandwidth);
    bridge_msg_free(msg);
}

static void audio_subscriptions_in_both_forms(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        bool all;
        size_t include, exclude;
    } cases[] = {
        {"", false, 0, 0},
        {",\"all\":true,\"include\":[],\"exclude\":[\"x-a0\"]", true, 0, 1},
        {",\"include\":[\"x-a0\",\"y-a0\"]", false, 2, 0},
        {",\"mode\":\"All\"", true, 0, 0},
        {",\"mode\":\"None\",\"all\":true", false, 0, 0}, /* mode hides the newer members */
        {",\"mode\":\"Include\",\"list\":[\"x-a0\"],\"all\":true", false, 1, 0},
        {",\"mode\":\"Exclude\",\"list\":[\"x-a0\"],\"include\":[\"y-a0\"]", true, 0, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, CLASS("ReceiverAudioSubscription") "%s}", cases[i].members);
        struct bridge_msg *msg = parse_ok(text);
        assert_int_equal(msg->kind, BRIDGE_RECEIVER_AUDIO);
        assert_int_equal(msg->u.audio.all, cases[i].all);
        assert_int_equal(msg->u.audio.include.n, cases[i].include);
        assert_int_equal(msg->u.audio.exclude.n, cases[i].exclude);
        bridge_msg_free(msg);
    }
}

static void video_types_in_any_case_and_both_forms(void **state)
{
    (void)state;
    struct bridge_msg *msg = parse_ok(CLASS("SourceVideoTypeMessage") ",\"videoType\":\"Desktop_High_FPS\","
                                                                      "\"sourceName\":\"5c1a0b7e-v1\","
                                                                      "\"endpointId\":\"somebody\"}");
    assert_int_equal(msg->kind, BRIDGE_VIDEO_TYPE);
    assert_int_equal(msg->u.video_type.type, BRIDGE_VIDEO_DESKTOP_HIGH_FPS);
    assert_string_equal(msg->u.video_type.source, "5c1a0b7e-v1");
    bridge_msg_free(msg);
    msg = parse_ok(CLASS("VideoTypeMessage") ",\"videoType\":\"NONE\"}");
    assert_int_equal(msg->kind, BRIDGE_VIDEO_TYPE);
    assert_int_equal(msg->u.video_type.type, BRIDGE_VIDEO_NONE);
    assert_null(msg->u.video_type.source);
    bridge_msg_free(msg);
    msg = parse_ok(CLASS("LastNChangedEvent") ",\"lastN\":5}");
    assert_int_equal(msg->kind, BRIDGE_LAST_N);
    assert_int_equal(msg->u.last_n, 5);
    bridge_msg_free(msg);
}

static void assert_forwarded(const char *text, const char *to, const char *expect)
{
    struct bridge_msg *msg = parse_ok(text);
    if (to)
        assert_string_equal(msg->u.opaque.to, to);
    else
        assert_null(msg->u.opaque.to);
    char *forwarded = bridge_msg_forward(msg, "5c1a0b7e");
    assert_string_equal(forwarded, expect);
    free(forwarded);
    bridge_msg_free(msg);
}

static void forwarding_sets_from_and_keeps_every_other_byte(void **state) /* bridge-channel 16.8 */
{
    (void)state;
    assert_forwarded(
        "{\"colibriClass\":\"EndpointMessage\",\"to\":\"\",\"msgPayload\":{\"id\":7}}", NULL,
        "{\"colibriClass\":\"EndpointMessage\",\"from\":\"5c1a0b7e\",\"to\":\"\",\"msgPayload\":{\"id\":7}}");
    assert_forwarded("{\"from\":\"forged\",\"msgPayload\":{\"n\":12345678901234567890123.40,\"x\":null,\"y\":[ { } ]},"
                     "\"to\":\"b\",\"colibriClass\":\"EndpointMessage\",\"From\":\"kept\"}",
                     "b",
                     "{\"colibriClass\":\"EndpointMessage\",\"from\":\"5c1a0b7e\",\"msgPayload\":{\"n\":"
                     "12345678901234567890123.40,\"x\":null,\"y\":[ { } ]},\"to\":\"b\",\"From\":\"kept\"}");
    assert_forwarded("{\"colibriClass\":\"EndpointMessage\",\"\\u0066rom\":\"forged\",\"to\":\" \\t\"}", NULL,
                     "{\"colibriClass\":\"EndpointMessage\",\"from\":\"5c1a0b7e\",\"to\":\" \\t\"}");
    assert_forwarded("{\"colibriClass\":\"EndpointStats\"}", NULL,
                     "{\"colibriClass\":\"EndpointStats\",\"from\":\"5c1a0b7e\"}");
    assert_forwarded(
        "{\"colibriClass\":\"EndpointStats\",\"jvbRTT\":23,\"bitrate\":{\"upload\":1}}", NULL,
        "{\"colibriClass\":\"EndpointStats\",\"from\":\"5c1a0b7e\",\"jvbRTT\":23,\"bitrate\":{\"upload\":1}}");
}

static void assert_text_freed(char *text, const char *expect)
{
    assert_string_equal(text, expect);
    free(text);
}

static void written_messages_have_the_documented_form(void **state)
{
    (void)state;
    const char *names[] = {"a1b2c3d4-v0", "0f0f0f0f-v0"};
    assert_text_freed(bridge_msg_write_server_hello(NULL), "{\"colibriClass\":\"ServerHello\"}");
    assert_text_freed(bridge_msg_write_server_hello("1.0"), "{\"colibriClass\":\"ServerHello\",\"version\":\"1.0\"}");
    assert_text_freed(bridge_msg_write_connectivity("a1b2c3d4", false),
                      "{\"colibriClass\":\"EndpointConnectivityStatusChangeEvent\",\"endpoint\":\"a1b2c3d4\","
                      "\"active\":\"false\"}"); /* a string, bridge-channel trap 5 */
    assert_text_freed(bridge_msg_write_forwarded_sources(names, 2),
                      "{\"colibriClass\":\"ForwardedSources\",\"forwardedSources\":[\"a1b2c3d4-v0\",\"0f0f0f0f-v0\"]}");
    assert_text_freed(bridge_msg_write_sender_constraint("x-v0", -1),
                      "{\"colibriClass\":\"SenderSourceConstraints\",\"sourceName\":\"x-v0\",\"maxHeight\":-1}");
    assert_text_freed(bridge_msg_write_dominant_speaker("a", names, 1, true),
                      "{\"colibriClass\":\"DominantSpeakerEndpointChangeEvent\",\"dominantSpeakerEndpoint\":\"a\","
                      "\"previousSpeakers\":[\"a1b2c3d4-v0\"],\"silence\":true}");
    assert_text_freed(bridge_msg_write_connection_stats(UINT64_MAX),
                      "{\"colibriClass\":\"ConnectionStats\",\"estimatedDownlinkBandwidth\":999999999999999}");
    const struct bridge_msg_mapped_source slot = {.source = "s",
                                                  .owner = "o",
                                                  .ssrc = 4294967295u,
                                                  .rtx = 3735928559u,
                                                  .type = BRIDGE_VIDEO_DESKTOP_HIGH_FPS,
                                                  .mid = "v0"}; /* unsigned 32 bits, trap 8 */
    assert_text_freed(bridge_msg_write_video_map(&slot, 1),
                      "{\"colibriClass\":\"VideoSourcesMap\",\"mappedSources\":[{\"source\":\"s\",\"owner\":\"o\","
                      "\"ssrc\":4294967295,\"rtx\":3735928559,\"videoType\":\"DESKTOP_HIGH_FPS\",\"mid\":\"v0\"}]}");
    assert_text_freed(bridge_msg_write_audio_map(&slot, 1),
                      "{\"colibriClass\":\"AudioSourcesMap\",\"mappedSources\":[{\"source\":\"s\",\"owner\":\"o\","
                      "\"ssrc\":4294967295,\"mid\":\"v0\"}]}");
}

/* ---- recorded calls; read here with cJSON alone ---- */

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    if (!text)
        fail_msg("no %s", name);
    return text;
}

static double number_of(const cJSON *object, const char *name)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static size_t names_of(const cJSON *object, const char *name, const char **out, size_t cap)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(object, name))
    {
        assert_true(n < cap);
        out[n++] = item->valuestring;
    }
    return n;
}

static char *write_map_again(const cJSON *recorded, bool video)
{
    struct bridge_msg_mapped_source slots[64] = {0};
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(recorded, "mappedSources"))
    {
        assert_true(n < COUNT(slots));
        slots[n] = (struct bridge_msg_mapped_source){.source = text_of(item, "source"),
                                                     .owner = text_of(item, "owner"),
                                                     .ssrc = (uint32_t)number_of(item, "ssrc")};
        slots[n].mid = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "mid"));
        if (video) {
            slots[n].rtx = (uint32_t)number_of(item, "rtx");
            slots[n].type =
                strcmp(text_of(item, "videoType"), "DESKTOP") == 0 ? BRIDGE_VIDEO_DESKTOP : BRIDGE_VIDEO_CAMERA;
        }
        n++;
    }
    return video ? bridge_msg_write_video_map(slots, n) : bridge_msg_write_audio_map(slots, n);
}

static char *forward_again(const cJSON *recorded)
{
    cJSON *as_sent = cJSON_Duplicate(recorded, true);
    cJSON_DeleteItemFromObjectCaseSensitive(as_sent, "from");
    char *text = cJSON_PrintUnformatted(as_sent);
    struct bridge_msg *msg = parse_ok(text);
    char *again = bridge_msg_forward(msg, text_of(recorded, "from"));
    bridge_msg_free(msg);
    free(text);
    cJSON_Delete(as_sent);
    return again;
}

static char *write_again(const cJSON *m, const char *class)
{
    const char *names[64];
    if (strcmp(class, "ServerHello") == 0)
        return bridge_msg_write_server_hello(NULL);
    if (strcmp(class, "AudioSourcesMap") == 0 || strcmp(class, "VideoSourcesMap") == 0)
        return write_map_again(m, class[0] == 'V');
    if (strcmp(class, "EndpointMessage") == 0 || strcmp(class, "EndpointStats") == 0)
        return forward_again(m);
    if (strcmp(class, "ConnectionStats") == 0)
        return bridge_msg_write_connection_stats((uint64_t)number_of(m, "estimatedDownlinkBandwidth"));
    if (strcmp(class, "SenderSourceConstraints") == 0)
        return bridge_msg_write_sender_constraint(text_of(m, "sourceName"), (int32_t)number_of(m, "maxHeight"));
    if (strcmp(class, "ForwardedSources") == 0)
        return bridge_msg_write_forwarded_sources(names, names_of(m, "forwardedSources", names, COUNT(names)));
    if (strcmp(class, "DominantSpeakerEndpointChangeEvent") == 0) {
        size_t n = names_of(m, "previousSpeakers", names, COUNT(names));
        return bridge_msg_write_dominant_speaker(text_of(m, "dominantSpeakerEndpoint"), names, n,
                                                 cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "silence")));
    }
    fail_msg("recorded class %s is not written", class);
    return NULL;
}

static void check_recorded_line(cJSON *line, size_t counts[2])
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(line, "msg");
    if (!m)
        return; /* a note */
    bool in = strcmp(text_of(line, "dir"), "in") == 0;
    counts[in]++;
    if (!in) {
        char *text = cJSON_PrintUnformatted(m);
        bridge_msg_free(parse_ok(text));
        free(text);
        return;
    }
    char *ours = write_again(m, text_of(m, "colibriClass"));
    cJSON *ours_read = cJSON_Parse(ours);
    assert_non_null(ours_read);
    if (!cJSON_Compare(ours_read, m, true))
        fail_msg("differs from the recorded message: %s", ours);
    cJSON_Delete(ours_read);
    free(ours);
}

static void recorded_calls_are_understood_and_written_alike(void **state)
{
    (void)state;
    static const char *const files[] = {
        "controls-vp8-1-chromium",  "controls-vp8-2-chromium",  "firefox-vp8-2-firefox",
        "rewriting-av1-2-chromium", "rewriting-vp8-2-chromium", "share-vp8-1-chromium",
    };
    size_t counts[2] = {0, 0};
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/channel/%s.jsonl", VECTORS, files[i]);
        struct bytes all = read_file(path);
        for (const uint8_t *p = all.p, *end = all.p + all.n, *eol;
             p < end && (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1) {
            cJSON *line = cJSON_ParseWithLength((const char *)p, (size_t)(eol - p));
            assert_non_null(line);
            check_recorded_line(line, counts);
            cJSON_Delete(line);
        }
        free((void *)all.p);
    }
    assert_true(counts[0] > 40 && counts[1] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_have_names),
        cmocka_unit_test(size_depth_and_count_have_bounds),
        cmocka_unit_test(receiver_constraints_are_read_whole),
        cmocka_unit_test(absent_and_null_constraints_leave_the_stored_ones),
        cmocka_unit_test(audio_subscriptions_in_both_forms),
        cmocka_unit_test(video_types_in_any_case_and_both_forms),
        cmocka_unit_test(forwarding_sets_from_and_keeps_every_other_byte),
        cmocka_unit_test(written_messages_have_the_documented_form),
        cmocka_unit_test(recorded_calls_are_understood_and_written_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

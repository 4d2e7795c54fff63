/* overview.c - see overview.h. */
#include "bridge/overview.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bridge/endpoint.h"
#include "media/explain.h"

static void put_string(FILE *out, const char *text) /* RFC 8259 section 7 */
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

static void put_id(FILE *out, const char *key, const char *id)
{
    fprintf(out, ", \"%s\": ", key);
    put_string(out, id);
}

static const struct track *find_track(const struct source *source, const struct endpoint *receiver)
{
    list_for_each (it, &source->bound) {
        const struct track *track = container_of(it, struct track, bound_node);
        if (track->receiver == receiver)
            return track;
    }
    return NULL;
}

static struct explain explain(const struct endpoint *ep, const struct alloc_source *in)
{
    struct alloc_choice choice = {.target = LAYER_NONE, .ideal = LAYER_NONE}; /* until the first allocation */
    alloc_last(ep->receiver.runner, in->key, &choice);
    const struct track *track = find_track(in->key, ep);
    return explain_source(&(struct explain_in){
        .choice = &choice,
        .video_on = in->type != BRIDGE_VIDEO_NONE && in->type != BRIDGE_VIDEO_DISABLED,
        .layers = in->layers,
        .layer_count = in->layer_count,
        .layer = track ? project_layer(&track->project) : LAYER_NONE,
        .waits = track && project_wants_keyframe(&track->project),
    });
}

static unsigned number_of(const struct source *source) /* within its owner */
{
    unsigned number = 0;
    list_for_each (it, &source->owner->sources) {
        const struct source *other = container_of(it, struct source, node);
        if (other == source)
            break;
        number += other->kind == source->kind;
    }
    return number;
}

static const char *type_word(enum bridge_video_type type)
{
    switch (type) {
    case BRIDGE_VIDEO_CAMERA: return "camera";
    case BRIDGE_VIDEO_DESKTOP:
    case BRIDGE_VIDEO_DESKTOP_HIGH_FPS: return "desktop";
    default: return "off";
    }
}

static void write_source(const struct endpoint *ep, const struct alloc_source *in, bool ids, FILE *out)
{
    const struct source *source = in->key;
    struct explain e = explain(ep, in);
    fprintf(out, "{\"owner\": %" PRIu32 ", \"source\": %u", source->owner->serial, number_of(source));
    if (ids)
        put_id(out, "name", source->name);
    fprintf(out,
            ", \"type\": \"%s\", \"wanted_height\": %d, \"height\": %d, \"framerate\": %g, \"target_height\": %d, "
            "\"target_framerate\": %g, \"target_bps\": %" PRId64 ", \"sent_height\": %d, \"reason\": \"%s\"}",
            type_word(in->type), e.wanted_height, e.height, (double)e.framerate, e.target_height,
            (double)e.target_framerate, e.target_bps, e.sent_height, explain_word(e.reason));
}

static void write_endpoint(struct endpoint *ep, bool ids, FILE *out)
{
    bool up = endpoint_is_up(ep);
    fprintf(out, "{\"endpoint\": %" PRIu32, ep->serial);
    if (ids)
        put_id(out, "id", ep->id);
    fprintf(out, ", \"up\": %s, \"estimate_bps\": %" PRIu64 ", \"sources\": [", up ? "true" : "false",
            ep->downlink_bps);
    size_t count = 0;
    const struct alloc_source *sources = up ? conference_video_sources(ep->conf, ep, &count, ep->worker->now_us) : NULL;
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ", " : "", out);
        write_source(ep, &sources[i], ids, out);
    }
    fputs("]}", out);
}

static void write_conference(struct conference *conf, bool ids, FILE *out)
{
    const char *comma = "";
    fprintf(out, "{\"conference\": %" PRIu32 ", \"endpoints\": [", conf->serial);
    list_for_each (it, &conf->endpoints) {
        struct endpoint *ep = container_of(it, struct endpoint, node);
        if (ep->home) /* that worker tells */
            continue;
        fputs(comma, out);
        write_endpoint(ep, ids, out);
        comma = ", ";
    }
    fputs("]}", out);
}

void overview_write(struct worker *w, bool ids, FILE *out)
{
    const char *comma = "";
    struct conference *conf;
    fprintf(out, "{\"worker\": %u, \"conferences\": [", w->index);
    for (size_t at = 0; (conf = map_next(&w->conferences, &at)); comma = ", ") {
        fputs(comma, out);
        write_conference(conf, ids, out);
    }
    fputs("]}", out);
}

void overview_answer(struct worker *w, const struct overview_request *request)
{
    struct overview_answer *answer = calloc(1, sizeof *answer);
    size_t len;
    FILE *out = answer ? open_memstream(&answer->text, &len) : NULL;
    if (!out)
        abort();
    answer->number = request->number;
    overview_write(w, request->ids, out);
    fclose(out);
    inbox_post(request->to, &answer->msg);
}

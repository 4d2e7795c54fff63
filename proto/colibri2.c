/* colibri2.c - the focus's request: reading it, and writing it back; see colibri2.h. Answers are in colibri2_answer.c. */
#include "proto/colibri2.h"

#include <stdlib.h>
#include <strings.h>

#include "proto/stanza.h"

struct reading {
    struct colibri2_request *request;
    struct arena *arena;
    enum err err;     /* the first failure sticks */
    const char *what; /* where it was; a static text */
};

static void refuse(struct reading *r, enum err err, const char *what)
{
    if (r->err != E_OK)
        return;
    r->err = err;
    r->what = what;
}

/* A required identifier. Never NULL, so that callers need not ask again. */
static const char *read_id(struct reading *r, xmpp_stanza_t *el, const char *attr, const char *what)
{
    const char *id = stanza_keep(el, attr, COLIBRI2_ID_MAX, r->arena), *raw = stanza_attr(el, attr);
    if (!id)
        refuse(r, raw && *raw ? E_LIMIT : E_FORMAT, what);
    return id ? id : "";
}

static enum colibri2_kind read_kind(struct reading *r, xmpp_stanza_t *el, const char *what)
{
    const char *type = stanza_attr(el, "type");
    if (!type)
        refuse(r, E_FORMAT, what);
    if (type && strcasecmp(type, "audio") == 0)
        return COLIBRI2_AUDIO;
    return type && strcasecmp(type, "video") == 0 ? COLIBRI2_VIDEO : COLIBRI2_OTHER_KIND;
}

static void read_media(struct reading *r, xmpp_stanza_t *el, struct colibri2_media *out)
{
    out->kind = read_kind(r, el, "media without a type");
    out->extmap_allow_mixed = stanza_first(el, "extmap-allow-mixed", JINGLE_NS_HDREXT);

    size_t room = MIN(stanza_count(el, "payload-type", JINGLE_NS_RTP), (size_t)COLIBRI2_PAYLOADS_MAX);
    struct jingle_payload_type *types = ARENA_NEW(r->arena, struct jingle_payload_type, room);
    for (xmpp_stanza_t *c = stanza_first(el, "payload-type", JINGLE_NS_RTP); c;
         c = stanza_next(c, "payload-type", JINGLE_NS_RTP)) {
        if (out->payload_type_count < room && jingle_payload_type_parse(c, r->arena, &types[out->payload_type_count]))
            out->payload_type_count++;
        else
            r->request->ignored++;
    }
    out->payload_types = types;

    room = MIN(stanza_count(el, "rtp-hdrext", JINGLE_NS_HDREXT), (size_t)COLIBRI2_HDREXTS_MAX);
    struct jingle_hdrext *exts = ARENA_NEW(r->arena, struct jingle_hdrext, room);
    for (xmpp_stanza_t *c = stanza_first(el, "rtp-hdrext", JINGLE_NS_HDREXT); c;
         c = stanza_next(c, "rtp-hdrext", JINGLE_NS_HDREXT)) {
        if (out->hdrext_count < room && jingle_hdrext_parse(c, r->arena, &exts[out->hdrext_count]))
            out->hdrext_count++;
        else
            r->request->ignored++;
    }
    out->hdrexts = exts;
}

static size_t read_medias(struct reading *r, xmpp_stanza_t *parent, const struct colibri2_media **out)
{
    size_t count = stanza_count(parent, "media", COLIBRI2_NS), n = 0;
    if (count > COLIBRI2_MEDIA_MAX) {
        refuse(r, E_LIMIT, "too many media elements");
        return 0;
    }
    struct colibri2_media *list = ARENA_NEW(r->arena, struct colibri2_media, count);
    for (xmpp_stanza_t *c = stanza_first(parent, "media", COLIBRI2_NS); c; c = stanza_next(c, "media", COLIBRI2_NS))
        read_media(r, c, &list[n++]);
    *out = list;
    return n;
}

static void read_sctp(struct reading *r, xmpp_stanza_t *el, struct colibri2_transport *out)
{
    const char *role = stanza_attr(el, "role");
    out->sctp = true;
    if (role)
        out->sctp_role = strcasecmp(role, "server") == 0   ? COLIBRI2_SCTP_SERVER
                         : strcasecmp(role, "client") == 0 ? COLIBRI2_SCTP_CLIENT
                                                           : COLIBRI2_SCTP_BAD_ROLE;
    if (stanza_attr(el, "port") && (!stanza_attr_i32(el, "port", &out->sctp_port) || out->sctp_port < 0))
        refuse(r, E_FORMAT, "sctp port is not a number");
}

static const struct colibri2_transport *read_transport(struct reading *r, xmpp_stanza_t *parent)
{
    xmpp_stanza_t *el = stanza_first(parent, "transport", COLIBRI2_NS);
    if (!el)
        return NULL;
    struct colibri2_transport *out = ARENA_NEW(r->arena, struct colibri2_transport, 1);
    out->ice_controlling = stanza_attr_bool(el, "ice-controlling", false);
    out->use_unique_port = stanza_attr_bool(el, "use-unique-port", false);
    out->ice_restart = stanza_attr_bool(el, "ice-restart", false);
    out->sctp_port = -1;
    xmpp_stanza_t *sctp = stanza_first(el, "sctp", COLIBRI2_NS);
    if (sctp)
        read_sctp(r, sctp, out);
    xmpp_stanza_t *ice_el = stanza_first(el, "transport", JINGLE_NS_ICE_UDP);
    if (ice_el) {
        struct jingle_transport *ice = ARENA_NEW(r->arena, struct jingle_transport, 1);
        jingle_transport_parse(ice_el, r->arena, ice);
        r->request->ignored += ice->ignored;
        out->ice = ice;
    }
    return out;
}

/* False: left out, because a client chose its name. `ssrcs_left` is what the endpoint may still announce. */
static bool read_media_source(struct reading *r, xmpp_stanza_t *el, size_t *ssrcs_left,
                              struct colibri2_media_source *out)
{
    *out = (struct colibri2_media_source){.kind = read_kind(r, el, "media-source without a type"),
                                          .id = stanza_keep(el, "id", COLIBRI2_ID_MAX, r->arena),
                                          .synthetic = stanza_attr_bool(el, "synthetic", false)};
    if (!out->id) {
        const char *raw = stanza_attr(el, "id");
        if (!raw || !*raw)
            refuse(r, E_FORMAT, "media-source without an id");
        return false;
    }
    size_t room = MIN(stanza_count(el, "source", JINGLE_NS_SSMA), *ssrcs_left);
    struct jingle_source *sources = ARENA_NEW(r->arena, struct jingle_source, room);
    for (xmpp_stanza_t *c = stanza_first(el, "source", JINGLE_NS_SSMA); c;
         c = stanza_next(c, "source", JINGLE_NS_SSMA)) {
        if (out->source_count < room && jingle_source_parse(c, r->arena, &sources[out->source_count]))
            out->source_count++;
        else
            r->request->ignored++;
    }
    out->sources = sources;
    *ssrcs_left -= out->source_count;

    room = MIN(stanza_count(el, "ssrc-group", JINGLE_NS_SSMA), (size_t)COLIBRI2_SSRCS_MAX);
    struct jingle_source_group *groups = ARENA_NEW(r->arena, struct jingle_source_group, room);
    for (xmpp_stanza_t *c = stanza_first(el, "ssrc-group", JINGLE_NS_SSMA); c;
         c = stanza_next(c, "ssrc-group", JINGLE_NS_SSMA)) {
        if (out->group_count < room && jingle_source_group_parse(c, r->arena, &groups[out->group_count]))
            out->group_count++;
        else
            r->request->ignored++;
    }
    out->groups = groups;
    return true;
}

static void read_sources(struct reading *r, xmpp_stanza_t *el, struct colibri2_endpoint *out)
{
    size_t room = MIN(stanza_count(el, "media-source", COLIBRI2_NS), (size_t)COLIBRI2_SOURCES_MAX);
    size_t ssrcs_left = COLIBRI2_SSRCS_MAX;
    struct colibri2_media_source *list = ARENA_NEW(r->arena, struct colibri2_media_source, room);
    for (xmpp_stanza_t *c = stanza_first(el, "media-source", COLIBRI2_NS); c;
         c = stanza_next(c, "media-source", COLIBRI2_NS)) {
        if (out->source_count < room && read_media_source(r, c, &ssrcs_left, &list[out->source_count]))
            out->source_count++;
        else
            r->request->ignored++;
    }
    out->has_sources = true;
    out->sources = list;
}

static const struct {
    enum colibri2_capability bit;
    const char *name;
} capabilities[] = {
    {COLIBRI2_SOURCE_NAMES, "source-names"},
    {COLIBRI2_SSRC_REWRITING, "ssrc-rewriting"},
    {COLIBRI2_PRIVATE_ADDRESSES, "private-address-connectivity"},
    {COLIBRI2_MID_DEMUX, "rtp-mid-demux"},
};

static unsigned read_capabilities(xmpp_stanza_t *parent)
{
    unsigned found = 0;
    for (xmpp_stanza_t *c = stanza_first(parent, "capability", COLIBRI2_NS); c;
         c = stanza_next(c, "capability", COLIBRI2_NS)) {
        const char *name = stanza_attr(c, "name");
        for (size_t i = 0; name && i < COUNT(capabilities); i++)
            if (strcmp(name, capabilities[i].name) == 0)
                found |= capabilities[i].bit;
    }
    return found;
}

static void read_endpoint(struct reading *r, xmpp_stanza_t *el, struct colibri2_endpoint *out)
{
    const char *role = stanza_attr(el, "muc-role");
    out->id = read_id(r, el, "id", "endpoint without a usable id");
    out->create = stanza_attr_bool(el, "create", false);
    out->expire = stanza_attr_bool(el, "expire", false);
    out->diarize = stanza_attr_bool(el, "diarize", false);
    out->visitor = role && strcasecmp(role, "visitor") == 0;
    out->stats_id = stanza_keep(el, "stats-id", JINGLE_TEXT_MAX, r->arena);
    out->media_count = read_medias(r, el, &out->media);
    out->transport = read_transport(r, el);
    out->capabilities = read_capabilities(el);

    xmpp_stanza_t *sources = stanza_first(el, "sources", COLIBRI2_NS);
    if (sources)
        read_sources(r, sources, out);
    xmpp_stanza_t *mute = stanza_first(el, "force-mute", COLIBRI2_NS);
    if (mute) { /* an empty one unmutes */
        out->has_force_mute = true;
        out->force_mute_audio = stanza_attr_bool(mute, "audio", false);
        out->force_mute_video = stanza_attr_bool(mute, "video", false);
    }
    xmpp_stanza_t *last_n = stanza_first(el, "initial-last-n", COLIBRI2_NS);
    if (last_n) {
        out->has_initial_last_n = true;
        if (!stanza_attr_i32(last_n, "value", &out->initial_last_n))
            refuse(r, E_FORMAT, "initial-last-n without an integer");
    }
}

static size_t read_endpoints(struct reading *r, xmpp_stanza_t *parent, const struct colibri2_endpoint **out)
{
    size_t n = 0;
    struct colibri2_endpoint *list =
        ARENA_NEW(r->arena, struct colibri2_endpoint, stanza_count(parent, "endpoint", COLIBRI2_NS));
    for (xmpp_stanza_t *c = stanza_first(parent, "endpoint", COLIBRI2_NS); c;
         c = stanza_next(c, "endpoint", COLIBRI2_NS))
        read_endpoint(r, c, &list[n++]);
    *out = list;
    return n;
}

static void read_relay(struct reading *r, xmpp_stanza_t *el, struct colibri2_relay *out)
{
    out->id = read_id(r, el, "id", "relay without a usable id");
    out->create = stanza_attr_bool(el, "create", false);
    out->expire = stanza_attr_bool(el, "expire", false);
    out->mesh_id = stanza_keep(el, "mesh-id", COLIBRI2_ID_MAX, r->arena);
    out->media_count = read_medias(r, el, &out->media);
    out->transport = read_transport(r, el);
    xmpp_stanza_t *endpoints = stanza_first(el, "endpoints", COLIBRI2_NS);
    if (endpoints)
        out->endpoint_count = read_endpoints(r, endpoints, &out->endpoints);
}

static void read_request(struct reading *r, xmpp_stanza_t *el)
{
    struct colibri2_request *out = r->request;
    if (!el || !stanza_is(el, "conference-modify", COLIBRI2_NS)) {
        refuse(r, E_FORMAT, "not a conference-modify");
        return;
    }
    out->meeting_id = read_id(r, el, "meeting-id", "no usable meeting-id");
    out->name = stanza_keep(el, "name", JINGLE_TEXT_MAX, r->arena);
    out->rtcstats_enabled = stanza_attr_bool(el, "rtcstats-enabled", true);
    out->create = stanza_attr_bool(el, "create", false);
    out->expire = stanza_attr_bool(el, "expire", false);
    out->endpoint_count = read_endpoints(r, el, &out->endpoints);

    struct colibri2_relay *relays = ARENA_NEW(r->arena, struct colibri2_relay, stanza_count(el, "relay", COLIBRI2_NS));
    for (xmpp_stanza_t *c = stanza_first(el, "relay", COLIBRI2_NS); c; c = stanza_next(c, "relay", COLIBRI2_NS))
        read_relay(r, c, &relays[out->relay_count++]);
    out->relays = relays;
    xmpp_stanza_t *connects = stanza_first(el, "connects", COLIBRI2_NS);
    if (connects)
        out->connect_count = stanza_count(connects, "connect", COLIBRI2_NS);
}

enum err colibri2_request_parse(xmpp_stanza_t *el, struct colibri2_request **out, const char **what)
{
    struct colibri2_request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    arena_init(&request->arena);
    struct reading r = {.request = request, .arena = &request->arena};
    read_request(&r, el);
    *what = r.what;
    *out = request;
    if (r.err != E_OK) {
        colibri2_request_free(request);
        *out = NULL;
    }
    return r.err;
}

void colibri2_request_free(struct colibri2_request *request)
{
    if (!request)
        return;
    arena_done(&request->arena);
    free(request);
}

static const char *kind_name(enum colibri2_kind kind)
{
    return kind == COLIBRI2_AUDIO ? "audio" : kind == COLIBRI2_VIDEO ? "video" : "application";
}

static void write_media(xmpp_stanza_t *parent, const struct colibri2_media *in)
{
    xmpp_ctx_t *ctx = xmpp_stanza_get_context(parent);
    xmpp_stanza_t *el = stanza_add_new(parent, "media", COLIBRI2_NS);
    stanza_set(el, "type", kind_name(in->kind));
    for (size_t i = 0; i < in->payload_type_count; i++)
        stanza_add(el, jingle_payload_type_write(&in->payload_types[i], ctx));
    for (size_t i = 0; i < in->hdrext_count; i++)
        stanza_add(el, jingle_hdrext_write(&in->hdrexts[i], ctx));
    if (in->extmap_allow_mixed)
        stanza_add_new(el, "extmap-allow-mixed", JINGLE_NS_HDREXT);
}

static void write_transport(xmpp_stanza_t *parent, const struct colibri2_transport *in)
{
    static const char *const roles[] = {
        [COLIBRI2_SCTP_SERVER] = "server", [COLIBRI2_SCTP_CLIENT] = "client", [COLIBRI2_SCTP_BAD_ROLE] = "unknown"};
    if (!in)
        return;
    xmpp_stanza_t *el = stanza_add_new(parent, "transport", COLIBRI2_NS);
    stanza_set_true(el, "ice-controlling", in->ice_controlling);
    stanza_set_true(el, "use-unique-port", in->use_unique_port);
    stanza_set_true(el, "ice-restart", in->ice_restart);
    if (in->ice)
        stanza_add(el, jingle_transport_write(in->ice, xmpp_stanza_get_context(parent)));
    if (in->sctp) {
        xmpp_stanza_t *sctp = stanza_add_new(el, "sctp", COLIBRI2_NS);
        stanza_set(sctp, "role", roles[in->sctp_role]);
        if (in->sctp_port >= 0)
            stanza_set_i32(sctp, "port", in->sctp_port);
    }
}

static void write_media_source(xmpp_stanza_t *parent, const struct colibri2_media_source *in)
{
    xmpp_ctx_t *ctx = xmpp_stanza_get_context(parent);
    xmpp_stanza_t *el = stanza_add_new(parent, "media-source", COLIBRI2_NS);
    stanza_set(el, "type", kind_name(in->kind));
    stanza_set(el, "id", in->id);
    stanza_set_true(el, "synthetic", in->synthetic);
    for (size_t i = 0; i < in->source_count; i++)
        stanza_add(el, jingle_source_write(&in->sources[i], ctx));
    for (size_t i = 0; i < in->group_count; i++)
        stanza_add(el, jingle_source_group_write(&in->groups[i], ctx));
}

static void write_endpoint(xmpp_stanza_t *parent, const struct colibri2_endpoint *in)
{
    xmpp_stanza_t *el = stanza_add_new(parent, "endpoint", COLIBRI2_NS);
    stanza_set(el, "id", in->id);
    stanza_set_true(el, "create", in->create);
    stanza_set_true(el, "expire", in->expire);
    stanza_set_true(el, "diarize", in->diarize);
    stanza_set(el, "stats-id", in->stats_id);
    stanza_set(el, "muc-role", in->visitor ? "visitor" : NULL);
    for (size_t i = 0; i < in->media_count; i++)
        write_media(el, &in->media[i]);
    write_transport(el, in->transport);
    if (in->has_sources) {
        xmpp_stanza_t *sources = stanza_add_new(el, "sources", COLIBRI2_NS);
        for (size_t i = 0; i < in->source_count; i++)
            write_media_source(sources, &in->sources[i]);
    }
    if (in->has_force_mute) {
        xmpp_stanza_t *mute = stanza_add_new(el, "force-mute", COLIBRI2_NS);
        stanza_set_true(mute, "audio", in->force_mute_audio);
        stanza_set_true(mute, "video", in->force_mute_video);
    }
    for (size_t i = 0; i < COUNT(capabilities); i++)
        if (in->capabilities & capabilities[i].bit)
            stanza_set(stanza_add_new(el, "capability", COLIBRI2_NS), "name", capabilities[i].name);
    if (in->has_initial_last_n)
        stanza_set_i32(stanza_add_new(el, "initial-last-n", COLIBRI2_NS), "value", in->initial_last_n);
}

static void write_relay(xmpp_stanza_t *parent, const struct colibri2_relay *in)
{
    xmpp_stanza_t *el = stanza_add_new(parent, "relay", COLIBRI2_NS);
    stanza_set(el, "id", in->id);
    stanza_set_true(el, "create", in->create);
    stanza_set_true(el, "expire", in->expire);
    stanza_set(el, "mesh-id", in->mesh_id);
    for (size_t i = 0; i < in->media_count; i++)
        write_media(el, &in->media[i]);
    write_transport(el, in->transport);
    if (in->endpoint_count > 0) {
        xmpp_stanza_t *endpoints = stanza_add_new(el, "endpoints", COLIBRI2_NS);
        for (size_t i = 0; i < in->endpoint_count; i++)
            write_endpoint(endpoints, &in->endpoints[i]);
    }
}

xmpp_stanza_t *colibri2_request_write(const struct colibri2_request *request, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "conference-modify", COLIBRI2_NS);
    stanza_set(el, "meeting-id", request->meeting_id);
    stanza_set(el, "name", request->name);
    if (!request->rtcstats_enabled)
        stanza_set(el, "rtcstats-enabled", "false");
    stanza_set_true(el, "create", request->create);
    stanza_set_true(el, "expire", request->expire);
    for (size_t i = 0; i < request->endpoint_count; i++)
        write_endpoint(el, &request->endpoints[i]);
    for (size_t i = 0; i < request->relay_count; i++)
        write_relay(el, &request->relays[i]);
    return el;
}

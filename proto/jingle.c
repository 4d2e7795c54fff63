/* jingle.c - see jingle.h. First reading, then writing, element by element in the header's order. */
#include "proto/jingle.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "proto/stanza.h"

static const char *keep_secret(xmpp_stanza_t *el, const char *name, size_t least, size_t most, struct arena *arena)
{
    const char *s = stanza_keep(el, name, most, arena);
    return s && strlen(s) >= least ? s : NULL;
}

enum err jingle_digest_parse(const char *text, uint8_t digest[JINGLE_DIGEST_MAX], size_t *len)
{
    size_t n = 0;
    while (isspace((unsigned char)*text))
        text++;
    for (;;) {
        unsigned byte;
        if (n == JINGLE_DIGEST_MAX || !isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
            sscanf(text, "%2x", &byte) != 1)
            return E_FORMAT;
        digest[n++] = (uint8_t)byte;
        text += 2;
        if (*text != ':')
            break;
        text++;
    }
    while (isspace((unsigned char)*text))
        text++;
    *len = n;
    return *text ? E_FORMAT : E_OK;
}

static const char *const setups[] = {
    [JINGLE_ACTPASS] = "actpass", [JINGLE_ACTIVE] = "active", [JINGLE_PASSIVE] = "passive"};

static bool fingerprint_parse(xmpp_stanza_t *el, struct jingle_fingerprint *out)
{
    *out = (struct jingle_fingerprint){0};
    const char *hash = stanza_attr(el, "hash"), *setup = stanza_attr(el, "setup");
    size_t n = hash ? strnlen(hash, sizeof out->hash) : 0;
    if (n == 0 || n == sizeof out->hash)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isgraph((unsigned char)hash[i]))
            return false;
        out->hash[i] = (char)tolower((unsigned char)hash[i]);
    }
    for (int i = JINGLE_ACTPASS; setup && i <= JINGLE_PASSIVE; i++)
        if (strcasecmp(setup, setups[i]) == 0)
            out->setup = (enum jingle_setup)i;
    out->cryptex = stanza_attr_bool(el, "cryptex", false);
    char *text = xmpp_stanza_get_text(el);
    bool good = text && jingle_digest_parse(text, out->digest, &out->digest_len) == E_OK;
    if (text)
        xmpp_free(xmpp_stanza_get_context(el), text);
    return good;
}

static const char *const candidate_types[] = {
    [JINGLE_HOST] = "host", [JINGLE_SRFLX] = "srflx", [JINGLE_PRFLX] = "prflx", [JINGLE_RELAY] = "relay"};

static bool read_addr(xmpp_stanza_t *el, const char *ip_name, const char *port_name, struct addr *out)
{
    const char *ip = stanza_attr(el, ip_name);
    uint32_t port;
    return ip && stanza_attr_u32(el, port_name, &port) && port > 0 && port <= UINT16_MAX &&
           addr_parse(ip, (uint16_t)port, out) == E_OK;
}

static bool candidate_parse(xmpp_stanza_t *el, struct jingle_candidate *out)
{
    *out = (struct jingle_candidate){0};
    const char *type = stanza_attr(el, "type"), *protocol = stanza_attr(el, "protocol");
    uint32_t component = 1;
    int known = -1;
    for (int i = JINGLE_HOST; type && i <= JINGLE_RELAY; i++)
        if (strcasecmp(type, candidate_types[i]) == 0)
            known = i;
    stanza_attr_u32(el, "component", &component);
    if (known < 0 || component != 1 || !protocol || strcasecmp(protocol, "udp") != 0)
        return false;
    out->type = (enum jingle_candidate_type)known;
    if (!read_addr(el, "ip", "port", &out->addr) || !stanza_attr_u32(el, "priority", &out->priority))
        return false;
    if (stanza_attr(el, "generation") && !stanza_attr_u32(el, "generation", &out->generation))
        return false;
    if (!read_addr(el, "rel-addr", "rel-port", &out->related))
        out->related = (struct addr){0};
    const char *foundation = stanza_attr(el, "foundation"), *id = stanza_attr(el, "id");
    for (size_t i = 0; foundation && foundation[i] && i < sizeof out->foundation - 1; i++)
        out->foundation[i] = isgraph((unsigned char)foundation[i]) ? foundation[i] : '_';
    for (size_t i = 0; id && id[i] && i < sizeof out->id - 1; i++)
        out->id[i] = isgraph((unsigned char)id[i]) ? id[i] : '_';
    return true;
}

static void fingerprints_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_transport *out)
{
    size_t room = MIN(stanza_count(el, "fingerprint", JINGLE_NS_DTLS), (size_t)JINGLE_FINGERPRINTS_MAX);
    struct jingle_fingerprint *list = ARENA_NEW(arena, struct jingle_fingerprint, room);
    for (xmpp_stanza_t *c = stanza_first(el, "fingerprint", JINGLE_NS_DTLS); c;
         c = stanza_next(c, "fingerprint", JINGLE_NS_DTLS)) {
        if (out->fingerprint_count < room && fingerprint_parse(c, &list[out->fingerprint_count]))
            out->fingerprint_count++;
        else
            out->ignored++;
    }
    out->fingerprints = list;
}

static void candidates_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_transport *out)
{
    size_t room = MIN(stanza_count(el, "candidate", JINGLE_NS_ICE_UDP), (size_t)JINGLE_CANDIDATES_MAX);
    struct jingle_candidate *list = ARENA_NEW(arena, struct jingle_candidate, room);
    for (xmpp_stanza_t *c = stanza_first(el, "candidate", JINGLE_NS_ICE_UDP); c;
         c = stanza_next(c, "candidate", JINGLE_NS_ICE_UDP)) {
        if (out->candidate_count < room && candidate_parse(c, &list[out->candidate_count]))
            out->candidate_count++;
        else
            out->ignored++;
    }
    out->candidates = list;
}

static void web_sockets_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_transport *out)
{
    size_t room = MIN(stanza_count(el, "web-socket", JINGLE_NS_COLIBRI), (size_t)JINGLE_WEB_SOCKETS_MAX);
    const char **list = ARENA_NEW(arena, const char *, room);
    for (xmpp_stanza_t *c = stanza_first(el, "web-socket", JINGLE_NS_COLIBRI); c;
         c = stanza_next(c, "web-socket", JINGLE_NS_COLIBRI)) {
        const char *url = out->web_socket_count < room ? stanza_keep(c, "url", JINGLE_TEXT_MAX, arena) : NULL;
        if (url)
            list[out->web_socket_count++] = url;
        else
            out->ignored++;
    }
    out->web_sockets = list;
}

void jingle_transport_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_transport *out)
{
    *out = (struct jingle_transport){0};
    out->ufrag = keep_secret(el, "ufrag", JINGLE_UFRAG_MIN, JINGLE_UFRAG_MAX, arena);
    out->pwd = keep_secret(el, "pwd", JINGLE_PWD_MIN, JINGLE_PWD_MAX, arena);
    out->ignored += (!out->ufrag && stanza_attr(el, "ufrag")) + (!out->pwd && stanza_attr(el, "pwd"));
    stanza_attr_u32(el, "ice-generation", &out->ice_generation); /* unparsable is as good as absent */
    out->rtcp_mux = stanza_first(el, "rtcp-mux", JINGLE_NS_ICE_UDP);
    fingerprints_parse(el, arena, out);
    candidates_parse(el, arena, out);
    web_sockets_parse(el, arena, out);
}

bool jingle_payload_type_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_payload_type *out)
{
    *out = (struct jingle_payload_type){0};
    uint32_t id;
    const char *name = stanza_keep(el, "name", JINGLE_TEXT_MAX, arena);
    if (!stanza_attr_u32(el, "id", &id) || id > 127 || !name)
        return false;
    out->id = (uint8_t)id;
    out->name = name;
    stanza_attr_u32(el, "clockrate", &out->clockrate);
    stanza_attr_u32(el, "channels", &out->channels);

    size_t room = MIN(stanza_count(el, "parameter", JINGLE_NS_RTP), (size_t)JINGLE_PARAMETERS_MAX);
    struct jingle_parameter *parameters = ARENA_NEW(arena, struct jingle_parameter, room);
    for (xmpp_stanza_t *c = stanza_first(el, "parameter", JINGLE_NS_RTP); c && out->parameter_count < room;
         c = stanza_next(c, "parameter", JINGLE_NS_RTP)) {
        const char *value = stanza_keep(c, "value", JINGLE_TEXT_MAX, arena);
        if (value)
            parameters[out->parameter_count++] =
                (struct jingle_parameter){.name = stanza_keep(c, "name", JINGLE_TEXT_MAX, arena), .value = value};
    }
    out->parameters = parameters;

    room = MIN(stanza_count(el, "rtcp-fb", JINGLE_NS_RTCP_FB), (size_t)JINGLE_FEEDBACKS_MAX);
    struct jingle_feedback *feedbacks = ARENA_NEW(arena, struct jingle_feedback, room);
    for (xmpp_stanza_t *c = stanza_first(el, "rtcp-fb", JINGLE_NS_RTCP_FB); c && out->feedback_count < room;
         c = stanza_next(c, "rtcp-fb", JINGLE_NS_RTCP_FB)) {
        const char *type = stanza_keep(c, "type", JINGLE_TEXT_MAX, arena);
        if (type)
            feedbacks[out->feedback_count++] =
                (struct jingle_feedback){.type = type, .subtype = stanza_keep(c, "subtype", JINGLE_TEXT_MAX, arena)};
    }
    out->feedbacks = feedbacks;
    return true;
}

bool jingle_hdrext_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_hdrext *out)
{
    *out = (struct jingle_hdrext){0};
    uint32_t id;
    const char *uri = stanza_keep(el, "uri", JINGLE_TEXT_MAX, arena);
    if (!stanza_attr_u32(el, "id", &id) || id == 0 || id > 255 || !uri)
        return false;
    out->id = (uint8_t)id;
    out->uri = uri;
    return true;
}

bool jingle_source_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_source *out)
{
    *out = (struct jingle_source){0};
    if (!stanza_attr_u32(el, "ssrc", &out->ssrc) || out->ssrc == 0)
        return false;
    out->name = stanza_keep(el, "name", JINGLE_TEXT_MAX, arena);
    out->video_type = stanza_keep(el, "videoType", JINGLE_TEXT_MAX, arena);
    return true;
}

bool jingle_source_group_parse(xmpp_stanza_t *el, struct arena *arena, struct jingle_source_group *out)
{
    *out = (struct jingle_source_group){0};
    const char *semantics = stanza_keep(el, "semantics", JINGLE_TEXT_MAX, arena);
    size_t count = stanza_count(el, "source", JINGLE_NS_SSMA);
    if (!semantics || count < 2 || count > JINGLE_GROUP_SSRCS_MAX)
        return false;
    uint32_t *ssrcs = ARENA_NEW(arena, uint32_t, count);
    for (xmpp_stanza_t *c = stanza_first(el, "source", JINGLE_NS_SSMA); c; c = stanza_next(c, "source", JINGLE_NS_SSMA))
        if (!stanza_attr_u32(c, "ssrc", &ssrcs[out->ssrc_count]) || ssrcs[out->ssrc_count++] == 0)
            return false; /* a group with a hole would pair the wrong ones */
    out->semantics = semantics;
    out->ssrcs = ssrcs;
    return true;
}

static void fingerprint_write(xmpp_stanza_t *parent, const struct jingle_fingerprint *in)
{
    xmpp_stanza_t *el = stanza_add_new(parent, "fingerprint", JINGLE_NS_DTLS);
    stanza_set(el, "hash", in->hash);
    if (in->setup != JINGLE_SETUP_NONE)
        stanza_set(el, "setup", setups[in->setup]);
    stanza_set_true(el, "cryptex", in->cryptex);
    char text[3 * JINGLE_DIGEST_MAX + 1] = "", *at = text;
    for (size_t i = 0; i < in->digest_len; i++)
        at += sprintf(at, "%s%02X", i ? ":" : "", in->digest[i]);
    stanza_add_text(el, text); /* no blanks around it: the focus takes the text untrimmed */
}

static void candidate_write(xmpp_stanza_t *parent, const struct jingle_candidate *in)
{
    xmpp_stanza_t *el = stanza_add_new(parent, "candidate", JINGLE_NS_ICE_UDP);
    char ip[ADDR_TEXT_MAX];
    stanza_set(el, "component", "1");
    stanza_set(el, "foundation", in->foundation);
    stanza_set_u32(el, "generation", in->generation);
    stanza_set(el, "id", in->id);
    stanza_set(el, "network", "0");
    stanza_set_u32(el, "priority", in->priority);
    stanza_set(el, "protocol", "udp");
    stanza_set(el, "type", candidate_types[in->type]);
    stanza_set(el, "ip", addr_ip_str(&in->addr, ip));
    stanza_set_u32(el, "port", in->addr.port);
    if (in->related.family != ADDR_NONE) {
        stanza_set(el, "rel-addr", addr_ip_str(&in->related, ip));
        stanza_set_u32(el, "rel-port", in->related.port);
    }
}

xmpp_stanza_t *jingle_transport_write(const struct jingle_transport *in, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "transport", JINGLE_NS_ICE_UDP);
    stanza_set(el, "ufrag", in->ufrag);
    stanza_set(el, "pwd", in->pwd);
    if (in->ice_generation)
        stanza_set_u32(el, "ice-generation", in->ice_generation);
    if (in->rtcp_mux)
        stanza_add_new(el, "rtcp-mux", JINGLE_NS_ICE_UDP);
    for (size_t i = 0; i < in->fingerprint_count; i++)
        fingerprint_write(el, &in->fingerprints[i]);
    for (size_t i = 0; i < in->web_socket_count; i++)
        stanza_set(stanza_add_new(el, "web-socket", JINGLE_NS_COLIBRI), "url", in->web_sockets[i]);
    for (size_t i = 0; i < in->candidate_count; i++)
        candidate_write(el, &in->candidates[i]);
    return el;
}

xmpp_stanza_t *jingle_payload_type_write(const struct jingle_payload_type *in, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "payload-type", JINGLE_NS_RTP);
    stanza_set_u32(el, "id", in->id);
    stanza_set(el, "name", in->name);
    if (in->clockrate)
        stanza_set_u32(el, "clockrate", in->clockrate);
    if (in->channels)
        stanza_set_u32(el, "channels", in->channels);
    for (size_t i = 0; i < in->parameter_count; i++) {
        xmpp_stanza_t *parameter = stanza_add_new(el, "parameter", JINGLE_NS_RTP);
        stanza_set(parameter, "name", in->parameters[i].name);
        stanza_set(parameter, "value", in->parameters[i].value);
    }
    for (size_t i = 0; i < in->feedback_count; i++) {
        xmpp_stanza_t *feedback = stanza_add_new(el, "rtcp-fb", JINGLE_NS_RTCP_FB);
        stanza_set(feedback, "type", in->feedbacks[i].type);
        stanza_set(feedback, "subtype", in->feedbacks[i].subtype);
    }
    return el;
}

xmpp_stanza_t *jingle_hdrext_write(const struct jingle_hdrext *in, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "rtp-hdrext", JINGLE_NS_HDREXT);
    stanza_set_u32(el, "id", in->id);
    stanza_set(el, "uri", in->uri);
    return el;
}

xmpp_stanza_t *jingle_source_write(const struct jingle_source *in, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "source", JINGLE_NS_SSMA);
    stanza_set_u32(el, "ssrc", in->ssrc);
    stanza_set(el, "name", in->name);
    stanza_set(el, "videoType", in->video_type);
    return el;
}

xmpp_stanza_t *jingle_source_group_write(const struct jingle_source_group *in, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = stanza_new(ctx, "ssrc-group", JINGLE_NS_SSMA);
    stanza_set(el, "semantics", in->semantics);
    for (size_t i = 0; i < in->ssrc_count; i++)
        stanza_set_u32(stanza_add_new(el, "source", JINGLE_NS_SSMA), "ssrc", in->ssrcs[i]);
    return el;
}

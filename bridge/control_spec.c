/* control_spec.c - see control_spec.h. */
#include "bridge/control_spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "media/dtls.h"

static void *need(void *p)
{
    if (!p)
        abort(); /* out of memory off the packet path: nothing sensible is left to do */
    return p;
}

static void wipe_and_free(void *p, size_t n)
{
    if (p)
        explicit_bzero(p, n);
    free(p);
}

void endpoint_spec_free(struct endpoint_spec *spec)
{
    if (spec)
        dtls_identity_unref(spec->identity);
    wipe_and_free(spec, sizeof *spec);
}

void transport_spec_free(struct transport_spec *spec)
{
    wipe_and_free(spec, sizeof *spec);
}

void source_set_free(struct source_set *set)
{
    free(set);
}

void media_spec_free(struct media_spec *spec)
{
    free(spec);
}

static bool same(const char *a, const char *b)
{
    return a && b && strcasecmp(a, b) == 0;
}

static struct media_payload payload_of(const struct jingle_payload_type *in, enum colibri2_kind kind)
{
    struct media_payload out = {.pt = in->id, .kind = (uint8_t)kind, .clockrate = in->clockrate, .apt = -1};
    out.channels = in->channels <= UINT8_MAX ? (uint8_t)in->channels : 0;
    for (size_t i = 0; in->name[i] && i < sizeof out.name - 1; i++)
        out.name[i] = (char)tolower((unsigned char)in->name[i]);
    for (size_t i = 0; i < in->parameter_count; i++) {
        char *end;
        long apt = same(in->parameters[i].name, "apt") ? strtol(in->parameters[i].value, &end, 10) : -1;
        if (apt >= 0 && apt <= 127 && *end == '\0')
            out.apt = (int16_t)apt;
    }
    for (size_t i = 0; i < in->feedback_count; i++) {
        const char *type = in->feedbacks[i].type, *subtype = in->feedbacks[i].subtype;
        out.nack |= same(type, "nack") && !subtype;
        out.nack_pli |= same(type, "nack") && same(subtype, "pli");
        out.ccm_fir |= same(type, "ccm") && same(subtype, "fir");
        out.transport_cc |= same(type, "transport-cc");
        out.goog_remb |= same(type, "goog-remb");
    }
    return out;
}

static void put_payload(struct media_spec *spec, const struct media_payload *payload)
{
    size_t at = 0;
    while (at < spec->payload_count && spec->payloads[at].pt != payload->pt)
        at++;
    if (at == CONTROL_PAYLOADS_MAX)
        return;
    spec->payloads[at] = *payload;
    if (at == spec->payload_count)
        spec->payload_count++;
}

static void put_extension(struct media_spec *spec, const struct jingle_hdrext *in, enum colibri2_kind kind)
{
    size_t at = 0, n = strlen(in->uri);
    if (n >= CONTROL_URI_LEN)
        return;
    while (at < spec->extension_count && !(spec->extensions[at].id == in->id && spec->extensions[at].kind == kind))
        at++;
    if (at == CONTROL_EXTENSIONS_MAX)
        return;
    spec->extensions[at] = (struct media_extension){.id = in->id, .kind = (uint8_t)kind};
    memcpy(spec->extensions[at].uri, in->uri, n + 1);
    if (at == spec->extension_count)
        spec->extension_count++;
}

void media_spec_add(struct media_spec *spec, const struct colibri2_media *media)
{
    if (media->kind == COLIBRI2_OTHER_KIND)
        return;
    for (size_t i = 0; i < media->payload_type_count; i++) {
        struct media_payload payload = payload_of(&media->payload_types[i], media->kind);
        put_payload(spec, &payload);
    }
    for (size_t i = 0; i < media->hdrext_count; i++)
        put_extension(spec, &media->hdrexts[i], media->kind);
    spec->extmap_allow_mixed = media->extmap_allow_mixed; /* the last one wins */
    spec->accepts_audio = spec->accepts_video = false;
    for (size_t i = 0; i < spec->payload_count; i++) {
        spec->accepts_audio |= spec->payloads[i].kind == COLIBRI2_AUDIO;
        spec->accepts_video |= spec->payloads[i].kind == COLIBRI2_VIDEO;
    }
}

struct media_spec *media_spec_copy(const struct media_spec *spec)
{
    struct media_spec *copy = need(malloc(sizeof *copy));
    *copy = *spec;
    return copy;
}

static bool is_destination(const struct jingle_candidate *candidate, bool have_ip4, bool have_ip6)
{
    const struct addr *addr = &candidate->addr;
    bool family = addr->family == ADDR_IP4 ? have_ip4 : have_ip6;
    return family && candidate->generation == 0 && !addr_is_unusable(addr) && !addr_is_loopback(addr);
}

struct transport_spec *transport_spec_new(const struct jingle_transport *ice, bool have_ip4, bool have_ip6)
{
    struct transport_spec *spec = need(calloc(1, sizeof *spec));
    if (ice->ufrag && ice->pwd) { /* the reader has checked their lengths */
        spec->has_credentials = true;
        memcpy(spec->remote.ufrag, ice->ufrag, strlen(ice->ufrag) + 1);
        memcpy(spec->remote.pwd, ice->pwd, strlen(ice->pwd) + 1);
    }
    spec->ice_generation = ice->ice_generation;
    for (size_t i = 0; i < ice->fingerprint_count && i < JINGLE_FINGERPRINTS_MAX; i++)
        spec->fingerprints[spec->fingerprint_count++] = ice->fingerprints[i];
    spec->setup = spec->fingerprint_count ? spec->fingerprints[0].setup : JINGLE_SETUP_NONE;
    for (size_t i = 0; i < ice->candidate_count && i < JINGLE_CANDIDATES_MAX; i++)
        if (is_destination(&ice->candidates[i], have_ip4, have_ip6))
            spec->candidates[spec->candidate_count++] = ice->candidates[i];
    return spec;
}

static const struct jingle_source_group *group_of(const struct colibri2_media_source *in, const char *semantics,
                                                  uint32_t first_ssrc)
{
    for (size_t i = 0; i < in->group_count; i++)
        if (same(in->groups[i].semantics, semantics) && (first_ssrc == 0 || in->groups[i].ssrcs[0] == first_ssrc))
            return &in->groups[i];
    return NULL;
}

static void announce(struct source_set *set, uint32_t ssrc, enum colibri2_kind kind)
{
    for (size_t i = 0; i < set->ssrc_count; i++)
        if (set->ssrcs[i].ssrc == ssrc)
            return;
    set->ssrcs[set->ssrc_count++] = (struct source_ssrc){.ssrc = ssrc, .kind = (uint8_t)kind};
}

static void add_encoding(struct source_set *set, struct source_spec *spec, const struct colibri2_media_source *in,
                         uint32_t ssrc)
{
    const struct jingle_source_group *fid = group_of(in, "FID", ssrc);
    if (spec->encoding_count == CONTROL_ENCODINGS_MAX)
        return;
    uint32_t rtx = fid ? fid->ssrcs[1] : 0;
    spec->encodings[spec->encoding_count].ssrc = ssrc;
    spec->encodings[spec->encoding_count++].rtx_ssrc = rtx;
    announce(set, ssrc, in->kind); /* may stand in a group only */
    if (rtx)
        announce(set, rtx, in->kind);
}

static struct source_spec *add_source(struct source_set *set, const struct colibri2_media_source *in, const char *name)
{
    struct source_spec *spec = &set->sources[set->source_count++];
    *spec = (struct source_spec){.kind = (uint8_t)in->kind, .synthetic = in->synthetic};
    size_t n = strnlen(name, CONTROL_ID_LEN - 1);
    memcpy(spec->name, name, n);
    return spec;
}

static void add_video(struct source_set *set, const struct colibri2_media_source *in)
{
    const struct jingle_source_group *sim = group_of(in, "SIM", 0), *fid = group_of(in, "FID", 0);
    if (!sim && !fid && in->source_count == 0)
        return;
    struct source_spec *spec = add_source(set, in, in->id);
    for (size_t i = 0; i < in->source_count; i++)
        spec->desktop |= same(in->sources[i].video_type, "desktop");
    if (sim)
        for (size_t i = 0; i < sim->ssrc_count; i++)
            add_encoding(set, spec, in, sim->ssrcs[i]);
    else
        add_encoding(set, spec, in, fid ? fid->ssrcs[0] : in->sources[0].ssrc);
}

static void add_audio(struct source_set *set, const struct colibri2_media_source *in)
{
    for (size_t i = 0; i < in->source_count; i++) {
        const char *name = in->sources[i].name;
        struct source_spec *spec = add_source(set, in, name && strlen(name) < CONTROL_ID_LEN ? name : in->id);
        spec->encoding_count = 1;
        spec->encodings[0].ssrc = in->sources[i].ssrc;
    }
}

struct source_set *source_set_new(const struct colibri2_endpoint *endpoint)
{
    size_t sources = 0, ssrcs = 0;
    for (size_t i = 0; i < endpoint->source_count; i++) { /* the most there can be */
        sources += endpoint->sources[i].kind == COLIBRI2_AUDIO ? endpoint->sources[i].source_count : 1;
        ssrcs += endpoint->sources[i].source_count + 2 * CONTROL_ENCODINGS_MAX;
    }
    struct source_set *set =
        need(calloc(1, sizeof *set + sources * sizeof(struct source_spec) + ssrcs * sizeof(struct source_ssrc)));
    set->sources = (struct source_spec *)(set + 1);
    set->ssrcs = (struct source_ssrc *)(set->sources + sources);
    for (size_t i = 0; i < endpoint->source_count; i++) {
        const struct colibri2_media_source *in = &endpoint->sources[i];
        if (in->kind == COLIBRI2_OTHER_KIND)
            continue;
        for (size_t j = 0; j < in->source_count; j++)
            announce(set, in->sources[j].ssrc, in->kind);
        if (in->kind == COLIBRI2_VIDEO)
            add_video(set, in);
        else
            add_audio(set, in);
    }
    return set;
}

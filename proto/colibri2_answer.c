/* colibri2_answer.c - our side: <conference-modified> or the error element; see colibri2.h. */
#include "proto/colibri2.h"
#include "proto/stanza.h"

void colibri2_answer_init(struct colibri2_answer *answer)
{
    *answer = (struct colibri2_answer){0};
    arena_init(&answer->arena);
}

void colibri2_answer_done(struct colibri2_answer *answer)
{
    arena_done(&answer->arena);
    *answer = (struct colibri2_answer){0};
}

struct colibri2_answer_part *colibri2_answer_add(struct colibri2_answer *answer, const char *id)
{
    struct colibri2_answer_part *part = ARENA_NEW(&answer->arena, struct colibri2_answer_part, 1);
    part->id = arena_str(&answer->arena, id);
    if (answer->last_part)
        answer->last_part->next = part;
    else
        answer->parts = part;
    answer->last_part = part;
    return part;
}

void colibri2_answer_error(struct colibri2_answer *answer, enum colibri2_condition condition,
                           enum colibri2_reason reason, const char *text)
{
    struct arena arena = answer->arena;
    *answer = (struct colibri2_answer){.arena = arena, .error = true, .condition = condition, .reason = reason};
    answer->text = arena_str(&answer->arena, text);
}

static const struct {
    const char *condition, *type; /* RFC 6120 8.3.3 */
} conditions[] = {
    [COLIBRI2_BAD_REQUEST] = {"bad-request", "modify"},
    [COLIBRI2_CONFLICT] = {"conflict", "cancel"},
    [COLIBRI2_FEATURE_NOT_IMPLEMENTED] = {"feature-not-implemented", "cancel"},
    [COLIBRI2_FORBIDDEN] = {"forbidden", "auth"},
    [COLIBRI2_INTERNAL_SERVER_ERROR] = {"internal-server-error", "cancel"},
    [COLIBRI2_ITEM_NOT_FOUND] = {"item-not-found", "cancel"},
    [COLIBRI2_SERVICE_UNAVAILABLE] = {"service-unavailable", "cancel"},
};

static const char *const reasons[] = {
    [COLIBRI2_CONFERENCE_NOT_FOUND] = "conference_not_found",
    [COLIBRI2_CONFERENCE_ALREADY_EXISTS] = "conference_already_exists",
    [COLIBRI2_FEATURE_NOT_IMPLEMENTED_REASON] = "feature_not_implemented",
    [COLIBRI2_GRACEFUL_SHUTDOWN] = "graceful_shutdown",
    [COLIBRI2_UNKNOWN_ENDPOINT] = "unknown_endpoint",
    [COLIBRI2_UNSPECIFIED] = "unspecified",
};

static xmpp_stanza_t *write_error(const struct colibri2_answer *answer, xmpp_ctx_t *ctx)
{
    xmpp_stanza_t *el = xmpp_stanza_new(ctx); /* in the stream's own namespace, which a component does not share */
    xmpp_stanza_set_name(el, "error");
    stanza_set(el, "type", conditions[answer->condition].type);
    stanza_add_new(el, conditions[answer->condition].condition, XMPP_NS_STANZAS_IETF);
    if (answer->text) {
        xmpp_stanza_t *text = stanza_add_new(el, "text", XMPP_NS_STANZAS_IETF);
        stanza_set(text, "xml:lang", "en");
        stanza_add_text(text, answer->text);
    }
    if (answer->reason != COLIBRI2_NO_REASON)
        stanza_set(stanza_add_new(el, "error", COLIBRI2_NS), "reason", reasons[answer->reason]);
    if (answer->unknown_endpoint) /* with it the focus invites this one again, without it it gives up the bridge */
        stanza_set(stanza_add_new(el, "endpoint", COLIBRI2_NS), "id", answer->unknown_endpoint);
    return el;
}

static void write_part(xmpp_stanza_t *parent, const struct colibri2_answer_part *part)
{
    xmpp_stanza_t *el = stanza_add_new(parent, part->relay ? "relay" : "endpoint", COLIBRI2_NS);
    stanza_set(el, "id", part->id);
    stanza_set_true(el, "expire", part->expire);
    if (!part->has_transport)
        return;
    xmpp_stanza_t *transport = stanza_add_new(el, "transport", COLIBRI2_NS);
    stanza_add(transport, jingle_transport_write(&part->ice, xmpp_stanza_get_context(parent)));
    if (part->sctp) {
        xmpp_stanza_t *sctp = stanza_add_new(transport, "sctp", COLIBRI2_NS);
        stanza_set_u32(sctp, "port", COLIBRI2_SCTP_PORT);
        stanza_set(sctp, "role", part->sctp_role == COLIBRI2_SCTP_CLIENT ? "client" : "server");
    }
}

static void write_feedback(xmpp_stanza_t *parent, const char *type, const char *name, uint32_t ssrc)
{
    xmpp_stanza_t *el = stanza_add_new(parent, "media-source", COLIBRI2_NS);
    stanza_set(el, "type", type);
    stanza_set(el, "id", name);
    xmpp_stanza_t *source = stanza_add_new(el, "source", JINGLE_NS_SSMA);
    stanza_set_u32(source, "ssrc", ssrc);
    stanza_set(source, "name", name);
}

xmpp_stanza_t *colibri2_answer_write(const struct colibri2_answer *answer, xmpp_ctx_t *ctx)
{
    if (answer->error)
        return write_error(answer, ctx);
    xmpp_stanza_t *el = stanza_new(ctx, "conference-modified", COLIBRI2_NS);
    for (const struct colibri2_answer_part *part = answer->parts; part; part = part->next)
        write_part(el, part);
    if (answer->has_feedback) {
        xmpp_stanza_t *sources = stanza_add_new(el, "sources", COLIBRI2_NS);
        write_feedback(sources, "audio", "jvb-a0", answer->feedback_audio_ssrc);
        write_feedback(sources, "video", "jvb-v0", answer->feedback_video_ssrc);
    }
    return el;
}

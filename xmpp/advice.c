/* advice.c - see advice.h. */
#include "xmpp/advice.h"

#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"

static void say_password(char *text, size_t cap, const struct connection_config *cfg)
{
    if (cfg->component)
        snprintf(text, cap,
                 "component %s refused by %s:%u: its password must equal component_secret of Component \"%s\" "
                 "in the Prosody configuration",
                 cfg->domain, cfg->hostname, cfg->port, cfg->domain);
    else
        snprintf(text, cap,
                 "login as %s@%s refused by %s:%u: wrong PASSWORD or no such user; on the Prosody host: "
                 "prosodyctl passwd %s@%s",
                 cfg->username, cfg->domain, cfg->hostname, cfg->port, cfg->username, cfg->domain);
}

const char *advice_on_stream(char *text, size_t cap, const struct connection_config *cfg, enum stream_end end,
                             const char *detail)
{
    const char *host = cfg->hostname;
    unsigned port = cfg->port;
    const char *more = detail && *detail ? detail : "no reason given";
    switch (end) {
    case STREAM_RESOLVE:
        snprintf(text, cap, "cannot resolve %s: %s; check HOSTNAME and the DNS of this machine", host, more);
        break;
    case STREAM_CONNECT:
        snprintf(text, cap,
                 "cannot connect to %s:%u: %s; check that Prosody runs, HOSTNAME and PORT, %s and the firewall", host,
                 port, more, cfg->component ? "component_ports and component_interfaces" : "c2s_interfaces");
        break;
    case STREAM_TIMEOUT:
        snprintf(text, cap, "login at %s:%u took longer than 30 s; is that port really Prosody's, and is it well?",
                 host, port);
        break;
    case STREAM_TLS_UNTRUSTED:
        snprintf(text, cap,
                 "certificate of %s:%u is not trusted: %s; install its CA (update-ca-certificates) or set "
                 "DISABLE_CERTIFICATE_VERIFICATION=true",
                 host, port, more);
        break;
    case STREAM_TLS_NAME:
        snprintf(text, cap,
                 "certificate of %s:%u does not name %s (DOMAIN, not HOSTNAME, must be in it); correct DOMAIN, "
                 "the certificate, or set DISABLE_CERTIFICATE_VERIFICATION=true",
                 host, port, cfg->domain);
        break;
    case STREAM_TLS_MISSING:
        snprintf(text, cap,
                 "%s:%u offers no STARTTLS for %s; give Prosody a certificate for it or set "
                 "SECURITY_MODE=ifpossible",
                 host, port, cfg->domain);
        break;
    case STREAM_TLS_FAILED:
        snprintf(text, cap, "TLS handshake with %s:%u failed; check the protocol versions and the certificate of %s",
                 host, port, cfg->domain);
        break;
    case STREAM_PASSWORD: say_password(text, cap, cfg); break;
    case STREAM_MECHANISM:
        snprintf(text, cap,
                 "%s:%u offers no way to log in that we know (SCRAM, PLAIN over TLS); check authentication and "
                 "c2s_require_encryption of VirtualHost \"%s\", and SECURITY_MODE",
                 host, port, cfg->domain);
        break;
    case STREAM_HOST_UNKNOWN:
        snprintf(text, cap, "%s:%u does not serve %s; check DOMAIN and the %s \"%s\" in the Prosody configuration",
                 host, port, cfg->domain, cfg->component ? "Component" : "VirtualHost", cfg->domain);
        break;
    case STREAM_CONFLICT:
        if (cfg->component)
            snprintf(text, cap,
                     "component %s is connected to %s:%u already; stop the other one, or set "
                     "component_conflict_resolve = \"kick_old\"",
                     cfg->domain, host, port);
        else
            snprintf(text, cap,
                     "nickname %s is used by a second bridge at %s:%u; MUC_NICKNAME must be unique per bridge",
                     cfg->nickname, host, port);
        break;
    case STREAM_CLOSED: snprintf(text, cap, "%s:%u closed the stream: %s", host, port, more); break;
    case STREAM_LOST: snprintf(text, cap, "connection to %s:%u lost", host, port); break;
    }
    return text;
}

/* What each refusal of a join means in Prosody's MUC. */
static const struct {
    const char *condition, *advice;
} refusals[] = {
    {"forbidden", "the room has banned us; remove the ban"},
    {"not-allowed",
     "we may not create this room: add our address to admins of the MUC component, or let Jicofo create it"},
    {"registration-required", "the room is members-only; add our address to its members"},
    {"not-authorized", "the room has a password; remove it"},
    {"service-unavailable", "the room is full, or there is no MUC component of this name"},
    {"remote-server-not-found", "there is no MUC component of this name; check MUC_JIDS"},
    {"item-not-found", "there is no such room and none may be created; check MUC_JIDS"},
    {"jid-malformed", "not an address; check MUC_JIDS and MUC_NICKNAME"},
};

const char *advice_on_room(char *text, size_t cap, const struct connection_config *cfg, const char *room,
                           enum brewery_event event, const char *detail)
{
    const char *what = "check MUC_JIDS and the MUC component";
    switch (event) {
    case BREWERY_JOINED: snprintf(text, cap, "joined %s as %s", room, cfg->nickname); break;
    case BREWERY_LEFT:
        snprintf(text, cap, "no longer in %s (%s); joining again", room, detail ? detail : "disconnected");
        break;
    case BREWERY_JOIN_REFUSED:
        for (size_t i = 0; i < COUNT(refusals); i++)
            if (strcmp(refusals[i].condition, detail) == 0)
                what = refusals[i].advice;
        snprintf(text, cap, "%s refuses us (%s): %s", room, detail, what);
        break;
    case BREWERY_JOIN_TIMEOUT:
        snprintf(text, cap,
                 "no answer from %s: is %s in muc_filter_whitelist of the MUC component, and does the component "
                 "exist?",
                 room, cfg->domain);
        break;
    case BREWERY_NICK_CONFLICT:
    case BREWERY_RIVAL:
        snprintf(text, cap, "nickname %s in %s is used by somebody else too; MUC_NICKNAME must be unique per bridge",
                 cfg->nickname, room);
        break;
    case BREWERY_GHOST:
        snprintf(text, cap, "%s still holds an older session as %s; replacing it", room, cfg->nickname);
        break;
    }
    return text;
}

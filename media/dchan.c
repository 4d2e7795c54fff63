/* dchan.c - data channels over usrsctp; see dchan.h.
 *
 * usrsctp calls back from inside its own calls. Callbacks only append to queues of the dchan; everything that frees or
 * closes happens outside of them. An association is named to usrsctp by a number that is looked up, never by a pointer,
 * because its timers may call back with the name after the object is gone. */
#include "media/dchan.h"

#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <usrsctp.h>

#include "proto/dcep.h"
#include "proto/list.h"
#include "proto/map.h"
#include "proto/sctp_walk.h"

enum {
    PORT = 5000,
    STREAMS = 1024,
    PATH_MTU = 1191 - 12,
    RTO_INITIAL_MS = 500,
    RTO_MIN_MS = 400,
    RTO_MAX_MS = 3000,
    NEVER_GIVE_UP = 1000, /* retransmissions; there is no setting for "unlimited" */
    HEARTBEAT_MS = 30000,
    WINDOW_BYTES = 5 << 20,
};

struct item { /* something for dchan_poll, or for usrsctp_sendv */
    struct item *next;
    enum dchan_out_kind kind;
    uint16_t sid;
    uint32_t ppid;
    size_t len;
    uint8_t bytes[];
};

struct queue {
    struct item *head, **tail;
    size_t bytes;
};

struct dchan {
    struct list ready_node; /* in the ready list while there is output */
    uint64_t token;
    uintptr_t name; /* what usrsctp knows it by */
    struct socket *listening, *socket; /* socket: NULL until the association is up (passive) */
    bool active, failed, closed_told;
    bool open; /* a channel exists on stream `sid` */
    uint16_t sid;
    unsigned max_channels, channels;
    char *open_label; /* active: to be opened once up */
    struct queue out, unsent;
    struct item *shown; /* what dchan_poll returned last */
    uint8_t *message; /* being reassembled */
    size_t message_len;
    struct dchan_stats stats;
};

static struct map by_name;
static struct list ready;
static uintptr_t names;

/* ---- queues ---- */

static void queue_init(struct queue *q)
{
    *q = (struct queue){.tail = NULL};
    q->tail = &q->head;
}

static void queue_push(struct queue *q, enum dchan_out_kind kind, uint16_t sid, uint32_t ppid, struct bytes bytes)
{
    struct item *item = malloc(sizeof *item + bytes.n);
    if (!item)
        abort();
    *item = (struct item){.kind = kind, .sid = sid, .ppid = ppid, .len = bytes.n};
    if (bytes.n)
        memcpy(item->bytes, bytes.p, bytes.n);
    *q->tail = item;
    q->tail = &item->next;
    q->bytes += bytes.n;
}

static struct item *queue_pop(struct queue *q)
{
    struct item *item = q->head;
    if (!item)
        return NULL;
    q->head = item->next;
    if (!q->head)
        q->tail = &q->head;
    q->bytes -= item->len;
    return item;
}

static void queue_done(struct queue *q)
{
    for (struct item *item; (item = queue_pop(q));)
        free(item);
}

static void show(struct dchan *dc, enum dchan_out_kind kind, struct bytes bytes)
{
    queue_push(&dc->out, kind, 0, 0, bytes);
    if (list_empty(&dc->ready_node))
        list_push_back(&ready, &dc->ready_node);
}

static void closed(struct dchan *dc)
{
    dc->open = false;
    if (dc->closed_told)
        return;
    dc->closed_told = true;
    show(dc, DCHAN_CLOSED, bytes_of(NULL, 0));
}

/* ---- out ---- */

static int conn_output(void *addr, void *buf, size_t len, uint8_t tos, uint8_t set_df)
{
    (void)tos;
    (void)set_df;
    struct dchan *dc = map_get(&by_name, bytes_of(&addr, sizeof addr));
    if (dc)
        show(dc, DCHAN_SEND, bytes_of(buf, len));
    return 0;
}

static bool send_now(struct dchan *dc, uint16_t sid, uint32_t ppid, struct bytes bytes)
{
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID,
                                 .sendv_sndinfo = {.snd_sid = sid, .snd_ppid = htonl(ppid), .snd_flags = SCTP_EOR}};
    return usrsctp_sendv(dc->socket, bytes.p, bytes.n, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) ==
           (ssize_t)bytes.n;
}

static void flush_unsent(struct dchan *dc)
{
    while (dc->socket && dc->unsent.head) {
        struct item *item = dc->unsent.head;
        if (!send_now(dc, item->sid, item->ppid, bytes_of(item->bytes, item->len)))
            return;
        free(queue_pop(&dc->unsent));
    }
}

static void send_or_keep(struct dchan *dc, uint16_t sid, uint32_t ppid, struct bytes bytes)
{
    flush_unsent(dc);
    if (dc->unsent.head || !dc->socket || !send_now(dc, sid, ppid, bytes))
        queue_push(&dc->unsent, DCHAN_SEND, sid, ppid, bytes);
}

enum err dchan_send_text(struct dchan *dc, struct bytes text)
{
    if (!dc->open)
        return E_STATE;
    if (text.n > DCHAN_MESSAGE_MAX)
        return E_LIMIT;
    if (dc->unsent.bytes + text.n > DCHAN_SEND_QUEUE_MAX) {
        dc->stats.send_drops++;
        return E_NOSPACE;
    }
    static const uint8_t zero;
    send_or_keep(dc, dc->sid, text.n ? DCEP_PPID_STRING : DCEP_PPID_STRING_EMPTY, text.n ? text : bytes_of(&zero, 1));
    return E_OK;
}

/* ---- in ---- */

static void on_dcep(struct dchan *dc, uint16_t sid, struct bytes message)
{
    struct dcep dcep;
    if (dcep_parse(message, &dcep) != E_OK) {
        dc->stats.bad_dcep++;
        return;
    }
    if (dcep.kind == DCEP_ACK)
        return; /* our own channel counts as open since it was opened */
    if (dc->closed_told || dc->channels >= dc->max_channels || (dc->open && dc->sid == sid)) {
        dc->stats.refused_opens++;
        return;
    }
    uint8_t ack[1];
    struct wr w = wr_over(ack, sizeof ack);
    dcep_write(&w, &(struct dcep){.kind = DCEP_ACK});
    dc->channels++;
    dc->open = true;
    dc->sid = sid;
    send_or_keep(dc, sid, DCEP_PPID_DCEP, wr_done(&w));
    show(dc, DCHAN_OPEN, dcep.label);
}

static void on_message(struct dchan *dc, uint16_t sid, uint32_t ppid, struct bytes message)
{
    if (ppid == DCEP_PPID_DCEP) {
        on_dcep(dc, sid, message);
        return;
    }
    bool empty = ppid == DCEP_PPID_STRING_EMPTY;
    if (!dc->open || sid != dc->sid || !(empty || ppid == DCEP_PPID_STRING)) {
        dc->stats.ignored_messages++;
        return;
    }
    show(dc, DCHAN_TEXT, empty ? bytes_of(NULL, 0) : message);
}

static void on_data(struct dchan *dc, const struct sctp_rcvinfo *info, struct bytes data, bool end)
{
    if (dc->message_len + data.n > DCHAN_MESSAGE_MAX) {
        dc->failed = true; /* more than we said we take: the association ends, outside of this callback */
        return;
    }
    if (!dc->message_len && end) {
        on_message(dc, info->rcv_sid, ntohl(info->rcv_ppid), data);
        return;
    }
    if (!dc->message && !(dc->message = malloc(DCHAN_MESSAGE_MAX)))
        abort();
    memcpy(dc->message + dc->message_len, data.p, data.n);
    dc->message_len += data.n;
    if (!end)
        return;
    on_message(dc, info->rcv_sid, ntohl(info->rcv_ppid), bytes_of(dc->message, dc->message_len));
    dc->message_len = 0;
}

static void open_own_channel(struct dchan *dc)
{
    uint8_t buf[256];
    struct wr w = wr_over(buf, sizeof buf);
    struct dcep dcep = {.kind = DCEP_OPEN, .label = bytes_str(dc->open_label)};
    dcep_write(&w, &dcep);
    dc->open = true;
    dc->sid = 0;
    dc->channels++;
    send_or_keep(dc, 0, DCEP_PPID_DCEP, wr_done(&w));
    show(dc, DCHAN_OPEN, dcep.label);
}

static void on_notification(struct dchan *dc, const union sctp_notification *note, size_t len)
{
    if (len < sizeof note->sn_header || note->sn_header.sn_length != len)
        return;
    switch (note->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (note->sn_assoc_change.sac_state == SCTP_COMM_LOST || note->sn_assoc_change.sac_state == SCTP_SHUTDOWN_COMP ||
            note->sn_assoc_change.sac_state == SCTP_CANT_STR_ASSOC)
            closed(dc);
        else if (note->sn_assoc_change.sac_state == SCTP_COMM_UP && dc->open_label && !dc->open && !dc->closed_told)
            open_own_channel(dc);
        break;
    case SCTP_STREAM_RESET_EVENT:
        for (size_t i = 0; dc->open && i * 2 + sizeof note->sn_strreset_event < len; i++)
            if (note->sn_strreset_event.strreset_stream_list[i] == dc->sid)
                closed(dc);
        break;
    case SCTP_SENDER_DRY_EVENT: flush_unsent(dc); break;
    default: break;
    }
}

static int on_receive(struct socket *sock, union sctp_sockstore addr, void *data, size_t len, struct sctp_rcvinfo info,
                      int flags, void *ulp)
{
    (void)sock;
    (void)addr;
    struct dchan *dc = map_get(&by_name, bytes_of(&ulp, sizeof ulp));
    if (dc && !data)
        closed(dc);
    else if (dc && (flags & MSG_NOTIFICATION))
        on_notification(dc, data, len);
    else if (dc)
        on_data(dc, &info, bytes_of(data, len), flags & MSG_EOR);
    free(data);
    return 1;
}

/* ---- life ---- */

enum err dchan_process_init(void)
{
    map_init(&by_name);
    list_init(&ready);
    usrsctp_init_nothreads(0, conn_output, NULL);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_rto_initial_default(RTO_INITIAL_MS);
    usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS);
    usrsctp_sysctl_set_sctp_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_init_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_init_rtx_max_default(NEVER_GIVE_UP);
    usrsctp_sysctl_set_sctp_assoc_rtx_max_default(NEVER_GIVE_UP);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(NEVER_GIVE_UP);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(HEARTBEAT_MS);
    usrsctp_sysctl_set_sctp_sendspace(2 << 20);
    usrsctp_sysctl_set_sctp_recvspace(WINDOW_BYTES);
    usrsctp_sysctl_set_sctp_nr_outgoing_streams_default(STREAMS);
    return E_OK;
}

void dchan_process_done(void)
{
    while (usrsctp_finish() != 0) /* some sockets still close by timer */
        usrsctp_handle_timers(100);
    map_done(&by_name);
}

void dchan_process_on_time(uint32_t elapsed_ms)
{
    usrsctp_handle_timers(elapsed_ms);
}

static bool set_options(struct socket *so)
{
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_SENDER_DRY_EVENT};
    struct linger linger = {.l_onoff = 1};
    struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS, .sinit_max_instreams = STREAMS,
                                .sinit_max_attempts = NEVER_GIVE_UP};
    struct sctp_paddrparams path = {.spp_address.ss_family = AF_CONN, .spp_flags = SPP_PMTUD_DISABLE,
                                    .spp_pathmtu = PATH_MTU};
    struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                     .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ};
    int on = 1;
    for (size_t i = 0; i < COUNT(events); i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1};
        if (usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event) != 0)
            return false;
    }
    return usrsctp_set_non_blocking(so, 1) == 0 &&
           usrsctp_setsockopt(so, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 &&
           usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) == 0 &&
           usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) == 0 &&
           usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) == 0 &&
           usrsctp_setsockopt(so, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) == 0;
}

static struct sockaddr_conn address(const struct dchan *dc)
{
    return (struct sockaddr_conn){.sconn_family = AF_CONN, .sconn_port = htons(PORT), .sconn_addr = (void *)dc->name};
}

static bool start(struct dchan *dc)
{
    struct sockaddr_conn addr = address(dc);
    struct socket *so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, on_receive, NULL, 0, (void *)dc->name);
    if (!so)
        return false;
    if (dc->active)
        dc->socket = so;
    else
        dc->listening = so;
    if (!set_options(so) || usrsctp_bind(so, (struct sockaddr *)&addr, sizeof addr) != 0)
        return false;
    if (!dc->active)
        return usrsctp_listen(so, 1) == 0;
    return usrsctp_connect(so, (struct sockaddr *)&addr, sizeof addr) == 0 || errno == EINPROGRESS;
}

struct dchan *dchan_new(const struct dchan_config *cfg)
{
    struct dchan *dc = calloc(1, sizeof *dc);
    if (!dc)
        abort();
    list_init(&dc->ready_node);
    queue_init(&dc->out);
    queue_init(&dc->unsent);
    dc->token = cfg->token;
    dc->name = ++names;
    dc->active = cfg->active;
    dc->max_channels = cfg->max_channels ? cfg->max_channels : 1;
    dc->open_label = cfg->active && cfg->open ? strdup(cfg->open) : NULL;
    map_put(&by_name, bytes_of(&dc->name, sizeof dc->name), dc);
    usrsctp_register_address((void *)dc->name);
    if (start(dc))
        return dc;
    dchan_free(dc);
    return NULL;
}

void dchan_free(struct dchan *dc)
{
    if (!dc)
        return;
    map_del(&by_name, bytes_of(&dc->name, sizeof dc->name)); /* from here on callbacks find nothing */
    if (dc->socket)
        usrsctp_close(dc->socket);
    if (dc->listening)
        usrsctp_close(dc->listening);
    usrsctp_deregister_address((void *)dc->name);
    list_remove(&dc->ready_node);
    queue_done(&dc->out);
    queue_done(&dc->unsent);
    free(dc->shown);
    free(dc->message);
    free(dc->open_label);
    free(dc);
}

uint64_t dchan_token(const struct dchan *dc)
{
    return dc->token;
}

const struct dchan_stats *dchan_stats(const struct dchan *dc)
{
    return &dc->stats;
}

void dchan_on_packet(struct dchan *dc, struct bytes packet)
{
    enum { PACKET_LIMIT = 16384 };
    if (dc->failed)
        return;
    if (packet.n > PACKET_LIMIT || sctp_walk_check(packet) != E_OK) {
        dc->stats.bad_packets++;
        return;
    }
    usrsctp_conninput((void *)dc->name, packet.p, packet.n, 0);
    if (dc->listening && !dc->socket)
        dc->socket = usrsctp_accept(dc->listening, NULL, NULL); /* NULL until the association is up */
    flush_unsent(dc);
    if (!dc->failed)
        return;
    usrsctp_close(dc->socket); /* lingers for 0 s: an ABORT */
    dc->socket = NULL;
    closed(dc);
}

bool dchan_poll(struct dchan *dc, struct dchan_out *out)
{
    free(dc->shown);
    dc->shown = queue_pop(&dc->out);
    if (!dc->shown) {
        list_remove(&dc->ready_node);
        return false;
    }
    *out = (struct dchan_out){.kind = dc->shown->kind, .bytes = bytes_of(dc->shown->bytes, dc->shown->len)};
    return true;
}

struct dchan *dchan_next_ready(void)
{
    return list_empty(&ready) ? NULL : container_of(ready.next, struct dchan, ready_node);
}

/* Real workers with real sockets: a datagram finds its owner whichever worker's socket the kernel chose, and joining and
 * leaving leaves nothing behind. Also run under the thread sanitizer. */
#include "support/hex.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/channels.h"
#include "bridge/dispatch.h"
#include "bridge/ufrag.h"
#include "bridge/worker.h"
#include "media/dtls.h"
#include "media/msrtp.h"
#include "support/loopback.h"
#include "support/stun_peer.h"

enum { WORKERS = 2, CLIENTS = 24 };

static const char pwd[] = "abcdefghijklmnopqrstuvwxyz";

struct rig {
    struct config config;
    struct bridge bridge;
    struct dtls_identity *identity;
    struct worker *workers[WORKERS];
    uv_loop_t loop;
    struct inbox *control;
};

static void on_report(void *ctx, struct inbox_msg *msg)
{
    (void)ctx;
    free(container_of(msg, struct control_report, msg));
}

static int client(void)
{
    struct addr any;
    return loopback_socket(&any, SEC(5));
}

static void open_rig(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    config_defaults(&rig->config);
    uv_loop_init(&rig->loop);
    rig->bridge.config = &rig->config;
    rig->identity = dtls_identity_new(1700000000);
    rig->bridge.control = inbox_new(&rig->loop, on_report, rig);
    close(loopback_socket(&rig->bridge.locals[0], 0));
    rig->bridge.local_count = 1;
    rig->bridge.workers = rig->workers;
    rig->bridge.ssrc_hints = ssrc_hints_new();
    rig->bridge.worker_count = WORKERS;
    rig->bridge.channels = channels_new(1);
    assert_non_null(rig->bridge.channels);
    int failed[UDP_LOCALS_MAX];
    for (unsigned i = 0; i < WORKERS; i++)
        assert_non_null(rig->workers[i] = worker_new(&rig->bridge, i, failed));
    for (unsigned i = 0; i < WORKERS; i++)
        worker_start(rig->workers[i]);
}

static void end_rig(struct rig *rig) /* its workers are stopped */
{
    channels_free(rig->bridge.channels);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_join(rig->workers[i]);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_free(rig->workers[i]);
    inbox_close(rig->bridge.control);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    dtls_identity_unref(rig->identity);
    ssrc_hints_free(rig->bridge.ssrc_hints);
    config_done(&rig->config);
}

static void close_rig(struct rig *rig)
{
    for (unsigned i = 0; i < WORKERS; i++)
        worker_stop(rig->workers[i]);
    end_rig(rig);
}

static void conference(struct rig *rig, uint32_t worker, uint32_t conf)
{
    struct conference_spec spec = {.feedback_audio_ssrc = 1, .feedback_video_ssrc = 2};
    dispatch_ops.conference_new(&rig->bridge, (struct control_target){worker, conf, 0}, &spec);
}

/* Returns the ufrag in `ufrag`. */
static void join(struct rig *rig, uint32_t worker, uint32_t conf, uint32_t ep, char ufrag[UFRAG_TEXT_MAX])
{
    struct endpoint_spec *spec = calloc(1, sizeof *spec);
    uint8_t random[UFRAG_RANDOM];
    gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random);
    ufrag_write(NULL, worker, random, ufrag);
    snprintf(spec->id, sizeof spec->id, "%08x", ep);
    snprintf(spec->local.ufrag, sizeof spec->local.ufrag, "%s", ufrag);
    snprintf(spec->local.pwd, sizeof spec->local.pwd, "%s", pwd);
    spec->ice_controlling = true;
    spec->identity = dtls_identity_ref(rig->identity);
    spec->sctp = true;
    spec->ssrc_rewriting = ep % 2;
    dispatch_ops.endpoint_new(&rig->bridge, (struct control_target){worker, conf, ep}, spec);
}

static void sources(struct rig *rig, uint32_t worker, uint32_t conf, uint32_t ep)
{
    struct source_set *set = calloc(1, sizeof *set + 2 * sizeof *set->sources);
    set->sources = (struct source_spec *)(set + 1);
    set->source_count = 2;
    for (int kind = 0; kind < 2; kind++) {
        struct source_spec *source = &set->sources[kind];
        snprintf(source->name, sizeof source->name, "%08x-%c0", ep, kind ? 'v' : 'a');
        source->kind = (uint8_t)kind;
        source->encoding_count = kind ? 3 : 1;
        for (uint32_t i = 0; i < source->encoding_count; i++) {
            source->encodings[i].ssrc = ep * 100 + (uint32_t)kind * 10 + i + 1;
            source->encodings[i].rtx_ssrc = kind ? ep * 100 + 50 + i : 0;
        }
    }
    dispatch_ops.endpoint_sources(&rig->bridge, (struct control_target){worker, conf, ep}, set);
}

static ssize_t check(struct rig *rig, int fd, const char *ufrag, bool good, uint8_t reply[SP_CAP])
{
    char user[UFRAG_TEXT_MAX + 8];
    uint8_t request[SP_CAP];
    struct sockaddr_storage ss;
    snprintf(user, sizeof user, "%s:peer", ufrag);
    struct sp_request ask = {.username = user, .key = good ? pwd : "some other password of ours", .priority = 7};
    gnutls_rnd(GNUTLS_RND_NONCE, ask.id, sizeof ask.id);
    size_t n = sp_write_request(request, &ask);
    socklen_t len = addr_to_sockaddr(&rig->bridge.locals[0], &ss);
    assert_int_equal(sendto(fd, request, n, 0, (struct sockaddr *)&ss, len), n);
    return recv(fd, reply, SP_CAP, good ? 0 : MSG_DONTWAIT);
}

static void a_check_is_answered_whichever_socket_it_reaches(void **state)
{
    (void)state;
    struct rig rig;
    char ufrag[WORKERS][UFRAG_TEXT_MAX];
    open_rig(&rig);
    for (uint32_t w = 0; w < WORKERS; w++) {
        conference(&rig, w, 1 + w);
        join(&rig, w, 1 + w, 10 + w, ufrag[w]);
    }
    for (int i = 0; i < CLIENTS; i++) { /* each has a port of its own, so the kernel spreads them over the sockets */
        uint8_t reply[SP_CAP];
        int fd = client();
        for (int w = 0; w < WORKERS; w++) {
            assert_true(check(&rig, fd, ufrag[w], true, reply) > 20);
            assert_int_equal(reply[0] << 8 | reply[1], 0x0101);
        }
        close(fd);
    }
    close_rig(&rig);
}

/* The kernel gives each client's packets to one socket; for about half of them that is not the owner's. */
static void media_finds_its_owner_after_one_authentic_check(void **state)
{
    (void)state;
    struct rig rig;
    char ufrag[UFRAG_TEXT_MAX];
    static const uint8_t rtp[40] = {0x80, 111, 0,
                                    1}; /* kept until the keys come; to no known path it would be dropped */
    int fds[CLIENTS];
    struct sockaddr_storage ss;
    open_rig(&rig);
    socklen_t len = addr_to_sockaddr(&rig.bridge.locals[0], &ss);
    conference(&rig, 0, 1);
    join(&rig, 0, 1, 10, ufrag);
    for (int i = 0; i < CLIENTS; i++) {
        uint8_t reply[SP_CAP];
        fds[i] = client();
        assert_true(check(&rig, fds[i], ufrag, true, reply) > 20);
    }
    usleep(100 * 1000); /* the workers tell each other */
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(sendto(fds[i], rtp, sizeof rtp, 0, (struct sockaddr *)&ss, len), sizeof rtp);
        close(fds[i]);
    }
    usleep(100 * 1000);
    uint64_t lost = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        worker_stop(rig.workers[i]);
        const uint64_t *drops = demux_drops(rig.workers[i]->demux);
        lost += drops[DROP_RTP_TUPLE] + drops[DROP_HANDOVER];
    }
    assert_int_equal(lost, 0);
    end_rig(&rig);
}

static void nobody_is_told_that_a_password_is_wrong(void **state)
{
    (void)state;
    struct rig rig;
    char ufrag[UFRAG_TEXT_MAX];
    uint8_t reply[SP_CAP];
    open_rig(&rig);
    conference(&rig, 0, 1);
    join(&rig, 0, 1, 10, ufrag);
    int fd = client();
    check(&rig, fd, ufrag, false, reply);
    check(&rig, fd, "0000000000000000", false, reply);
    assert_true(check(&rig, fd, ufrag, true, reply) > 20); /* the first answer there is belongs to the good one */
    assert_int_equal(reply[0] << 8 | reply[1], 0x0101);
    assert_true(recv(fd, reply, sizeof reply, MSG_DONTWAIT) < 0);
    close(fd);
    close_rig(&rig);
}

static void a_restart_reaches_the_worker_and_both_ufrags_work(void **state) /* transport 19.10 */
{
    (void)state;
    struct rig rig;
    char ufrag[UFRAG_TEXT_MAX];
    uint8_t reply[SP_CAP], random[UFRAG_RANDOM] = {9};
    struct ice_credentials second = {.pwd = "abcdefghijklmnopqrstuvwxyz"}; /* as check() signs */
    struct control_target at = {1, 1, 10};
    open_rig(&rig);
    conference(&rig, at.worker, at.conf);
    join(&rig, at.worker, at.conf, at.ep, ufrag);
    ufrag_write(NULL, at.worker, random, second.ufrag);
    dispatch_ops.endpoint_ice_restart(&rig.bridge, at, &second, 1);
    int fd = client();
    assert_true(check(&rig, fd, ufrag, true, reply) > 20);
    assert_true(check(&rig, fd, second.ufrag, true, reply) > 20);
    assert_int_equal(reply[0] << 8 | reply[1], 0x0101);
    dispatch_ops.endpoint_expire(&rig.bridge, at); /* in the middle of it */
    close(fd);
    close_rig(&rig);
}

static void joining_and_leaving_leaves_nothing_behind(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    uint32_t ep = 100;
    for (uint32_t conf = 1; conf <= 20; conf++) {
        uint32_t worker = conf % WORKERS;
        char ufrag[UFRAG_TEXT_MAX];
        conference(&rig, worker, conf);
        for (int i = 0; i < 10; i++, ep++) {
            struct control_target at = {worker, conf, ep};
            join(&rig, worker, conf, ep, ufrag);
            sources(&rig, worker, conf, ep);
            if (i % 3 == 0)
                sources(&rig, worker, conf, ep); /* signalled again, unchanged */
            dispatch_ops.endpoint_force_mute(&rig.bridge, at, i % 2, !(i % 2));
            dispatch_ops.endpoint_initial_last_n(&rig.bridge, at, i - 1);
            if (i % 2)
                dispatch_ops.endpoint_expire(&rig.bridge, at);
        }
        if (conf % 4)
            dispatch_ops.conference_expire(&rig.bridge, (struct control_target){worker, conf, 0});
    }
    close_rig(&rig); /* the leak sanitizer has the last word */
}

int main(void)
{
    if (msrtp_process_init() != E_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_is_answered_whichever_socket_it_reaches),
        cmocka_unit_test(media_finds_its_owner_after_one_authentic_check),
        cmocka_unit_test(nobody_is_told_that_a_password_is_wrong),
        cmocka_unit_test(a_restart_reaches_the_worker_and_both_ufrags_work),
        cmocka_unit_test(joining_and_leaving_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

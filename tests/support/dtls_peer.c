/* See dtls_peer.h. */
#include "support/dtls_peer.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

uint64_t clock_us;
static const time_t EPOCH = 1700000000;

int clock_gettime(clockid_t id, struct timespec *ts);
int gettimeofday(struct timeval *restrict tv, void *restrict tz);

int clock_gettime(clockid_t id, struct timespec *ts)
{
    ts->tv_sec = EPOCH + (time_t)(clock_us / 1000000);
    ts->tv_nsec = (long)(clock_us % 1000000) * 1000;
    return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    tv->tv_sec = EPOCH + (time_t)(clock_us / 1000000);
    tv->tv_usec = (suseconds_t)(clock_us % 1000000);
    return 0;
}

enum { QUEUE = 256 };
struct queue {
    struct bytes v[QUEUE];
    size_t n;
};

struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    X509 *cert;
    struct queue in, out;
    bool failed;
    size_t hello_padding;
};

static void queue_push(struct queue *q, const void *p, size_t n)
{
    assert_true(q->n < QUEUE);
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, p, n);
    q->v[q->n++] = bytes_of(copy, n);
}

static struct bytes queue_pop(struct queue *q)
{
    struct bytes b = q->v[0];
    memmove(q->v, q->v + 1, --q->n * sizeof q->v[0]);
    return b;
}

/* ---- a BIO that keeps datagrams apart ---- */

static int bio_write(BIO *bio, const char *data, int n)
{
    struct peer *p = BIO_get_data(bio);
    queue_push(&p->out, data, (size_t)n);
    return n;
}

static int bio_read(BIO *bio, char *buf, int cap)
{
    struct peer *p = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (p->in.n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct bytes b = queue_pop(&p->in);
    int n = (int)MIN(b.n, (size_t)cap);
    memcpy(buf, b.p, (size_t)n);
    free((void *)b.p);
    return n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DGRAM_SET_CONNECTED ? 1 : 0;
}

static BIO_METHOD *bio_method(void)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

/* ---- credentials ---- */

static EVP_PKEY *key_of(bool rsa)
{
    static EVP_PKEY *ec_key, *rsa_key; /* made once: key generation is slow */
    EVP_PKEY **key = rsa ? &rsa_key : &ec_key;
    if (!*key)
        *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    assert_non_null(*key);
    return *key;
}

static X509 *certificate(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 7 * 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"peer", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void digest_text(const X509 *x, const EVP_MD *md, char *text)
{
    uint8_t digest[64];
    unsigned n = 0;
    assert_int_equal(X509_digest(x, md, digest, &n), 1);
    for (unsigned i = 0; i < n; i++)
        sprintf(text + 3 * i, "%02X%s", digest[i], i + 1 < n ? ":" : "");
}

static int any_certificate(int ok, X509_STORE_CTX *store)
{
    return 1;
}

static int add_padding(SSL *s, unsigned type, unsigned context, const unsigned char **out, size_t *n, X509 *x,
                       size_t chain, int *alert, void *arg)
{
    static const uint8_t zeros[8192];
    *out = zeros;
    *n = ((struct peer *)arg)->hello_padding;
    return 1;
}

/* ---- the peer ---- */

struct peer *peer_new(const struct peer_options *o)
{
    struct peer *p = calloc(1, sizeof *p);
    p->hello_padding = o->hello_padding;
    p->ctx = SSL_CTX_new(o->client ? DTLS_client_method() : DTLS_server_method());
    SSL_CTX_set_min_proto_version(p->ctx, DTLS1_2_VERSION);
    EVP_PKEY *key = key_of(o->rsa);
    p->cert = certificate(key);
    if (!o->no_certificate) {
        assert_int_equal(SSL_CTX_use_certificate(p->ctx, p->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, key), 1);
    }
    SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER, any_certificate);
    SSL_CTX_set_options(p->ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
    if (o->srtp)
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(p->ctx, o->srtp), 0); /* zero is success */
    if (o->hello_padding)
        assert_int_equal(SSL_CTX_add_custom_ext(p->ctx, 0x7a7a, SSL_EXT_CLIENT_HELLO, add_padding, NULL, p, NULL, NULL),
                         1);
    p->ssl = SSL_new(p->ctx);
    BIO *bio = BIO_new(bio_method());
    BIO_set_data(bio, p);
    BIO_set_init(bio, 1);
    SSL_set_bio(p->ssl, bio, bio);
    SSL_set_mtu(p->ssl, o->mtu ? o->mtu : 1200);
    if (o->client)
        SSL_set_connect_state(p->ssl);
    else
        SSL_set_accept_state(p->ssl);
    return p;
}

void peer_free(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    X509_free(p->cert);
    while (p->in.n)
        free((void *)queue_pop(&p->in).p);
    while (p->out.n)
        free((void *)queue_pop(&p->out).p);
    free(p);
}

const char *peer_fingerprint(struct peer *p, const char *openssl_digest)
{
    static char text[3 * 64];
    digest_text(p->cert, EVP_get_digestbyname(openssl_digest), text);
    return text;
}

void peer_step(struct peer *p)
{
    if (p->failed || SSL_is_init_finished(p->ssl))
        return;
    int r = SSL_do_handshake(p->ssl);
    if (r != 1 && SSL_get_error(p->ssl, r) == SSL_ERROR_SSL)
        p->failed = true;
    ERR_clear_error();
}

void peer_on_datagram(struct peer *p, struct bytes datagram)
{
    queue_push(&p->in, datagram.p, datagram.n);
    peer_step(p);
    uint8_t one;
    if (peer_is_up(p))
        SSL_peek(p->ssl, &one, 1); /* makes OpenSSL look at it: our last flight again wants its last flight again */
}

bool peer_poll(struct peer *p, struct bytes *datagram)
{
    if (p->out.n == 0)
        return false;
    *datagram = queue_pop(&p->out);
    return true;
}

void peer_on_time(struct peer *p)
{
    if (!p->failed)
        DTLSv1_handle_timeout(p->ssl);
}

uint64_t peer_deadline_us(struct peer *p)
{
    struct timeval left;
    if (p->failed || !DTLSv1_get_timeout(p->ssl, &left))
        return UINT64_MAX;
    return clock_us + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
}

bool peer_is_up(const struct peer *p)
{
    return !p->failed && SSL_is_init_finished(p->ssl);
}

bool peer_has_failed(const struct peer *p)
{
    return p->failed;
}

int peer_profile(struct peer *p)
{
    SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(p->ssl);
    return profile ? (int)profile->id : 0;
}

void peer_export(struct peer *p, uint8_t *out, size_t n)
{
    assert_int_equal(SSL_export_keying_material(p->ssl, out, n, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0), 1);
}

void peer_send(struct peer *p, const char *text)
{
    assert_int_equal(SSL_write(p->ssl, text, (int)strlen(text)), (int)strlen(text));
}

size_t peer_recv(struct peer *p, uint8_t *buf, size_t cap)
{
    int r = SSL_read(p->ssl, buf, (int)cap);
    return r > 0 ? (size_t)r : 0;
}

void peer_close(struct peer *p)
{
    SSL_shutdown(p->ssl);
}

bool peer_was_closed(struct peer *p)
{
    uint8_t buf[2048];
    peer_recv(p, buf, sizeof buf);
    return SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN;
}

void peer_saw_certificate_of(struct peer *p, char text[96])
{
    X509 *x = SSL_get1_peer_certificate(p->ssl);
    assert_non_null(x);
    digest_text(x, EVP_sha256(), text);
    X509_free(x);
}

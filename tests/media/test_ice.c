/* ICE against a scripted peer in virtual time: starting up, who is answered, who is not, and how checks are sent. */
#include "support/ice_rig.h"

static void a_check_before_any_credentials_is_answered_and_remembered(void **state) /* transport 19.1, trap 1 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    uint8_t m[SP_CAP];
    struct sp_request r = peer_check(rig);
    size_t n = sp_write_request(m, &r), len;
    assert_int_equal(rig_give(rig, &from, m, n), E_OK);

    const struct seen *reply = nth_sent(rig, 0, 0x0101, 0);
    assert_non_null(reply);
    assert_true(sp_verify(reply->bytes, reply->len, OUR_PWD));
    assert_memory_equal(reply->bytes + 4, m + 4, 16);
    assert_true(ice_path_eq(&reply->path, &from));
    assert_true(reply->len <= n);
    const uint8_t *xma = sp_find(reply->bytes, reply->len, 0x0020, &len);
    assert_int_equal(len, 8);
    assert_int_equal(xma[1], 1);
    assert_int_equal(sp_get(xma + 2, 2) ^ 0x2112, 40000);
    assert_int_equal(sp_get(xma + 4, 4) ^ 0x2112a442, 0xcb007109);

    assert_non_null(nth(rig, 0, ICE_TUPLE, 0));
    assert_false(nth(rig, 0, ICE_TUPLE, 0)->proven);
    rig_pass(rig, SEC(60));
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 0); /* it cannot check yet */
    assert_int_equal(ice_get_state(rig->ice), ICE_WAITING);
    assert_null(ice_send_path(rig->ice));

    size_t mark = rig->count;
    rig_credentials(rig);
    const struct seen *check = nth_sent(rig, mark, 0x0001, 0);
    assert_non_null(check);
    assert_true(ice_path_eq(&check->path, &from));
    assert_true(check->at_us == rig->now_us);
    rig_free(rig);
}

static void an_ipv6_check_is_answered_with_an_ipv6_address(void **state) /* trap 8 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("2001:db8::77", 40001, 1);
    assert_int_equal(rig_check(rig, &from), E_OK);
    const struct seen *reply = nth_sent(rig, 0, 0x0101, 0);
    size_t len = 0;
    const uint8_t *xma = sp_find(reply->bytes, reply->len, 0x0020, &len);
    assert_int_equal(len, 20);
    assert_int_equal(xma[1], 2);
    assert_int_equal(xma[19] ^ reply->bytes[19], 0x77);
    rig_free(rig);
}

static void our_checks_say_what_a_controlling_bridge_says(void **state) /* transport 5.3 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    rig_check(rig, &from);
    rig_credentials(rig);
    const struct seen *check = nth_sent(rig, 0, 0x0001, 0);
    size_t len = 0;
    const uint8_t *v = sp_find(check->bytes, check->len, 0x0006, &len);
    assert_true(bytes_eq(bytes_of(v, len), bytes_str(PEER_UFRAG ":" OUR_UFRAG)));
    v = sp_find(check->bytes, check->len, 0x0024, &len);
    assert_int_equal(sp_get(v, 4), 1862270975);
    v = sp_find(check->bytes, check->len, 0x802a, &len);
    assert_int_equal(len, 8);
    assert_int_equal(sp_get(v + 4, 4), 1000);
    assert_false(sp_has(check->bytes, check->len, 0x0025)); /* not before the pair is known to work */
    assert_memory_equal(check->bytes + 8, ice_id_prefix(rig->ice), ICE_ID_PREFIX);
    assert_int_equal(check->bytes[8], 7); /* the worker */
    assert_true(sp_verify(check->bytes, check->len, PEER_PWD));
    rig_free(rig);
}

static void nomination_makes_connected_then_consent_every_4_to_6_s(void **state) /* transport 19.5 */
{
    (void)state;
    struct ice_path from = at("203.0.113.9", 40000, 0);
    struct rig *rig = rig_connected(from);
    const struct seen *first = nth_sent(rig, 0, 0x0001, 0), *second = nth_sent(rig, 0, 0x0001, 1),
                      *third = nth_sent(rig, 0, 0x0001, 2);
    assert_true(first->at_us == T0);
    assert_false(sp_has(first->bytes, first->len, 0x0025));
    assert_true(second->at_us == T0 + MS(20));
    assert_true(sp_has(second->bytes, second->len, 0x0025));
    assert_true(third->at_us == T0 + MS(20)); /* consent at once */

    const struct seen *writeable = nth(rig, 0, ICE_WRITEABLE, 0), *connected = nth(rig, 0, ICE_CONNECTED, 0);
    assert_true(writeable > first && writeable < second);
    assert_true(connected > second);
    assert_true(ice_path_eq(&writeable->path, &from));
    assert_true(ice_path_eq(ice_send_path(rig->ice), &from));
    assert_true(nth(rig, (size_t)(first - rig->seen), ICE_TUPLE, 0)->proven);

    rig_pass(rig, SEC(120));
    size_t n = how_many_sent(rig, 0, 0x0001);
    assert_in_range(n, 3 + 120 / 6, 3 + 120 / 4);
    for (size_t i = 3; i < n; i++) {
        const struct seen *before = nth_sent(rig, 0, 0x0001, i - 1), *it = nth_sent(rig, 0, 0x0001, i);
        assert_in_range(it->at_us - before->at_us, MS(4000), MS(6000));
        assert_true(sp_has(it->bytes, it->len, 0x0025));
        assert_memory_not_equal(before->bytes + 8, it->bytes + 8, 12);
    }
    assert_int_equal(how_many(rig, 0, ICE_CONSENT_OK), n - 2);
    assert_int_equal(how_many(rig, 0, ICE_WRITEABLE), 1);
    assert_int_equal(how_many(rig, 0, ICE_CONNECTED), 1);
    assert_int_equal(how_many(rig, 0, ICE_PATH_CHANGED), 0);
    rig_free(rig);
}

static void an_unanswered_check_is_sent_seven_times_then_ice_fails(void **state) /* transport 19.6 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    rig_check(rig, &from);
    rig_credentials(rig);
    rig_pass(rig, SEC(60));
    static const uint64_t when_ms[] = {0, 100, 300, 700, 1500, 3100, 4700};
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 7);
    for (size_t i = 0; i < 7; i++) {
        const struct seen *it = nth_sent(rig, 0, 0x0001, i);
        assert_true(it->at_us == T0 + MS(when_ms[i]));
        assert_memory_equal(it->bytes, nth_sent(rig, 0, 0x0001, 0)->bytes, it->len);
    }
    assert_true(nth(rig, 0, ICE_FAILED_NOW, 0)->at_us == T0 + MS(6300) + SEC(5));
    assert_int_equal(ice_get_state(rig->ice), ICE_FAILED);
    assert_true(ice_deadline_us(rig->ice) == NEVER_US);

    rig_answers(rig, from); /* a check of the peer wakes it up */
    rig_check(rig, &from);
    rig_pass(rig, MS(100));
    assert_int_equal(ice_get_state(rig->ice), ICE_COMPLETED);
    rig_free(rig);
}

static void an_empty_checklist_never_fails(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_credentials(rig);
    rig_pass(rig, SEC(600));
    assert_int_equal(ice_get_state(rig->ice), ICE_RUNNING);
    assert_true(ice_deadline_us(rig->ice) == NEVER_US);
    assert_int_equal(rig->count, 0);
    rig_free(rig);
}

static void what_is_not_authentic_gets_no_answer_and_changes_nothing(void **state) /* transport 19.2 */
{
    (void)state;
    static const struct {
        const char *name;
        struct sp_request change;
        enum err err;
    } cases[] = {
        {"wrong integrity", {.bad_integrity = true}, E_AUTH},
        {"key of somebody else", {.key = "not the bridge's password"}, E_AUTH},
        {"no integrity", {.no_integrity = true}, E_AUTH},
        {"no user name", {.username = ""}, E_UNKNOWN},
        {"no colon", {.username = OUR_UFRAG}, E_UNKNOWN},
        {"unknown ufrag", {.username = "somebody:clnt"}, E_UNKNOWN},
        {"ufrag in other case", {.username = "00BRIDGEUFRAG1:clnt"}, E_UNKNOWN},
        {"prefix of our ufrag", {.username = "00bridge:clnt"}, E_UNKNOWN},
        {"no fingerprint", {.no_fingerprint = true}, E_FORMAT},
        {"wrong fingerprint", {.bad_fingerprint = true}, E_FORMAT},
        {"GOOG_PING", {.type = 0x0200}, E_FORMAT},
        {"indication", {.type = 0x0011}, E_STATE},
        {"allocate", {.type = 0x0003}, E_FORMAT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig *rig = rig_new();
        struct ice_path from = at("203.0.113.9", 40000, 0);
        struct sp_request r = peer_check(rig), c = cases[i].change;
        if (c.username)
            r.username = c.username[0] ? c.username : NULL;
        if (c.key)
            r.key = c.key;
        r.type = c.type;
        r.bad_integrity = c.bad_integrity;
        r.no_integrity = c.no_integrity;
        r.no_fingerprint = c.no_fingerprint;
        r.bad_fingerprint = c.bad_fingerprint;
        uint8_t m[SP_CAP];
        enum err err = rig_give(rig, &from, m, sp_write_request(m, &r));
        if (err != cases[i].err)
            fail_msg("%s: %d", cases[i].name, err);
        rig_credentials(rig);
        rig_pass(rig, SEC(1));
        if (rig->count != 0)
            fail_msg("%s: something came out", cases[i].name);
        rig_free(rig);
    }
}

static void a_check_cut_anywhere_gets_no_answer(void **state) /* transport 19.2 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    struct sp_request r = peer_check(rig);
    uint8_t m[SP_CAP];
    size_t n = sp_write_request(m, &r);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_not_equal(rig_give(rig, &from, m, cut), E_OK);
    for (size_t i = 0; i < n; i++) { /* nor with any one byte changed */
        m[i] ^= 0x10;
        assert_int_not_equal(rig_give(rig, &from, m, n), E_OK);
        m[i] ^= 0x10;
    }
    assert_int_equal(rig->count, 0);
    assert_int_equal(rig_give(rig, &from, m, n), E_OK);
    rig_free(rig);
}

static void a_source_that_cannot_be_answered_is_ignored(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from[] = {
        at("203.0.113.9", 0, 0),     /* no port */
        at("224.0.0.1", 5000, 0),    /* multicast */
        at("203.0.113.9", 5000, 1),  /* IPv4 on the IPv6 socket */
        at("2001:db8::9", 5000, 0),  /* the other way round */
        at("203.0.113.9", 5000, 13), /* no such socket */
    };
    for (size_t i = 0; i < COUNT(from); i++)
        assert_int_equal(rig_check(rig, &from[i]), E_FORMAT);
    assert_int_equal(rig->count, 0);
    rig_free(rig);
}

static const uint8_t goog[] = {0xc0, 0x57, 0, 4, 0, 0, 0, 1, 0xff, 0, 0, 4, 0, 0, 0, 1, 0xc0, 0x70, 0, 3, 1, 2, 3, 0};
static const uint8_t required[] = {0x7f, 0, 0, 0};
static const uint8_t sha256[] = {0, 0x1c, 0, 4, 1, 2, 3, 4};
static uint8_t big[1200] = {0xc0, 0x70, 1196 >> 8, 1196 & 255};

static void attributes_that_may_be_ignored_are_ignored(void **state) /* transport 19.3 */
{
    (void)state;
    const struct {
        const uint8_t *before;
        size_t before_len;
        const uint8_t *after;
        size_t after_len;
    } cases[] = {{goog, sizeof goog},
                 {big, sizeof big},
                 {NULL, 0, goog, sizeof goog},
                 {NULL, 0, required, 4},
                 {goog, sizeof goog, sha256, 8}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig *rig = rig_new();
        struct ice_path from = at("203.0.113.9", 40000, 0);
        struct sp_request r = peer_check(rig);
        r.before = cases[i].before, r.before_len = cases[i].before_len;
        r.after = cases[i].after, r.after_len = cases[i].after_len;
        uint8_t m[SP_CAP];
        assert_int_equal(rig_give(rig, &from, m, sp_write_request(m, &r)), E_OK);
        const struct seen *reply = nth_sent(rig, 0, 0x0101, 0);
        assert_non_null(reply);
        assert_true(sp_verify(reply->bytes, reply->len, OUR_PWD));
        for (uint16_t type = 0xc000; type < 0xc0ff; type++) /* nothing is echoed */
            assert_false(sp_has(reply->bytes, reply->len, type));
        rig_free(rig);
    }
}

static void an_unknown_required_attribute_is_answered_420(void **state) /* transport 19.3 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    struct sp_request r = peer_check(rig);
    r.before = required, r.before_len = 4;
    uint8_t m[SP_CAP];
    assert_int_equal(rig_give(rig, &from, m, sp_write_request(m, &r)), E_OK);
    const struct seen *reply = nth_sent(rig, 0, 0x0111, 0);
    assert_non_null(reply);
    assert_true(sp_verify(reply->bytes, reply->len, OUR_PWD));
    assert_int_equal(sp_error_code(reply->bytes, reply->len), 420);
    size_t len = 0;
    const uint8_t *list = sp_find(reply->bytes, reply->len, 0x000a, &len);
    assert_int_equal(len % 2, 0);
    assert_int_equal(sp_get(list, 2), 0x7f00);
    assert_null(nth(rig, 0, ICE_TUPLE, 0));
    rig_free(rig);
}

static void a_check_without_priority_is_answered_400(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    struct sp_request r = peer_check(rig);
    r.priority = 0;
    uint8_t m[SP_CAP];
    assert_int_equal(rig_give(rig, &from, m, sp_write_request(m, &r)), E_OK);
    const struct seen *reply = nth_sent(rig, 0, 0x0111, 0);
    assert_true(sp_verify(reply->bytes, reply->len, OUR_PWD));
    assert_int_equal(sp_error_code(reply->bytes, reply->len), 400);
    rig_free(rig);
}

static void role_conflicts_end_as_the_rfc_says(void **state) /* transport 19.4; RFC 8445 7.3.1.1 */
{
    (void)state;
    static const struct {
        bool we_control, peer_controls;
        uint64_t peer_tie;
        bool refused, we_control_after;
    } cases[] = {
        {true, true, 0, true, true},    {true, true, UINT64_MAX, false, false},  {true, false, UINT64_MAX, false, true},
        {false, false, 0, false, true}, {false, false, UINT64_MAX, true, false}, {false, true, 0, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ice_local locals[3];
        struct ice_config cfg = rig_config(locals);
        cfg.controlling = cases[i].we_control;
        struct rig *rig = rig_with(&cfg);
        rig_credentials(rig);
        struct ice_path from = at("203.0.113.9", 40000, 0);
        struct sp_request r = peer_check(rig);
        r.controlling = cases[i].peer_controls;
        r.tie_breaker = cases[i].peer_tie;
        uint8_t m[SP_CAP];
        assert_int_equal(rig_give(rig, &from, m, sp_write_request(m, &r)), E_OK);
        assert_int_equal(how_many_sent(rig, 0, 0x0101), !cases[i].refused);
        assert_int_equal(how_many_sent(rig, 0, 0x0111), cases[i].refused);
        assert_int_equal(ice_is_controlling(rig->ice), cases[i].we_control_after);
        rig_pass(rig, MS(50));
        const struct seen *check = nth_sent(rig, 0, 0x0001, 0);
        if (cases[i].refused) {
            assert_int_equal(sp_error_code(nth_sent(rig, 0, 0x0111, 0)->bytes, nth_sent(rig, 0, 0x0111, 0)->len), 487);
            assert_null(check);
        } else {
            assert_int_equal(sp_has(check->bytes, check->len, 0x802a), cases[i].we_control_after);
            assert_int_equal(sp_has(check->bytes, check->len, 0x8029), !cases[i].we_control_after);
        }
        rig_free(rig);
    }
}

static void a_487_swaps_our_role_and_the_check_is_repeated(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    rig_check(rig, &from);
    rig_answers(rig, from);
    rig->answer_code = 487;
    ice_set_remote(rig->ice, rig->now_us, PEER_UFRAG, PEER_PWD, NULL, 0);
    rig_drain(rig);
    assert_false(ice_is_controlling(rig->ice));
    rig->answer_code = 0;
    rig_pass(rig, MS(20));
    const struct seen *check = nth_sent(rig, 0, 0x0001, 1);
    assert_true(sp_has(check->bytes, check->len, 0x8029));
    assert_non_null(nth(rig, 0, ICE_WRITEABLE, 0));
    rig_free(rig);
}

static void errors_of_the_peer_end_a_check_but_forgeable_ones_do_not(void **state) /* transport 5.4 */
{
    (void)state;
    static const struct {
        int code;
        size_t sends;
    } cases[] = {{403, 1}, {420, 1}, {500, 1}, {400, 7}, {401, 7}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig *rig = rig_new();
        struct ice_path from = at("203.0.113.9", 40000, 0);
        rig_check(rig, &from);
        rig_answers(rig, from);
        rig->answer_code = cases[i].code;
        rig_credentials(rig);
        rig_pass(rig, SEC(30));
        assert_int_equal(how_many_sent(rig, 0, 0x0001), cases[i].sends);
        assert_int_equal(ice_get_state(rig->ice), ICE_FAILED);
        rig_free(rig);
    }
}

static void only_the_right_answer_from_the_right_place_counts(void **state) /* transport 6.5 */
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0), elsewhere = at("203.0.113.9", 40001, 0);
    rig_check(rig, &from);
    rig_credentials(rig);
    const struct seen *check = nth_sent(rig, 0, 0x0001, 0);
    const uint8_t ip[4] = {198, 51, 100, 1};
    uint8_t m[SP_CAP];
    size_t n = sp_write_answer(m, check->bytes, "another password of 24 b", 0, ip, 4, 10000);
    assert_int_equal(rig_give(rig, &from, m, n), E_AUTH);
    n = sp_write_answer(m, check->bytes, PEER_PWD, 0, ip, 4, 10000);
    m[8 + 11] ^= 1;
    assert_int_equal(rig_give(rig, &from, m, n), E_UNKNOWN);
    assert_null(ice_send_path(rig->ice));
    rig_pass(rig, MS(100)); /* still being sent */
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 2);
    n = sp_write_answer(m, check->bytes, PEER_PWD, 0, ip, 4, 10000);
    assert_int_equal(rig_give(rig, &elsewhere, m, n), E_STATE); /* RFC 8445 7.2.5.2.1 */
    assert_null(ice_send_path(rig->ice));
    rig_pass(rig, SEC(1));
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 2); /* failed */
    assert_int_equal(rig_give(rig, &from, m, n), E_UNKNOWN);

    rig_check(rig, &from); /* once more, and now with an answer that has no address */
    rig_pass(rig, MS(20));
    check = nth_sent(rig, 0, 0x0001, 2);
    n = sp_write_answer(m, check->bytes, PEER_PWD, 0, NULL, 0, 0);
    assert_int_equal(rig_give(rig, &from, m, n), E_OK);
    assert_null(ice_send_path(rig->ice));
    rig_free(rig);
}

static void a_late_answer_to_an_earlier_copy_counts(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    rig_check(rig, &from);
    rig_credentials(rig);
    struct seen check = *nth_sent(rig, 0, 0x0001, 0);
    for (int i = 0; i < 20; i++) { /* a browser that checks every 48 ms over a path of 900 ms */
        rig_pass(rig, MS(48));
        rig_check(rig, &from);
    }
    assert_in_range(how_many_sent(rig, 0, 0x0001), 3, 7);
    uint8_t m[SP_CAP];
    size_t n = sp_write_answer(m, check.bytes, PEER_PWD, 0, (const uint8_t[4]){198, 51, 100, 1}, 4, 10000);
    assert_int_equal(rig_give(rig, &from, m, n), E_OK);
    assert_non_null(ice_send_path(rig->ice));
    rig_free(rig);
}

static void a_retransmitted_request_gets_the_same_answer(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_path from = at("203.0.113.9", 40000, 0);
    uint8_t m[SP_CAP];
    struct sp_request r = peer_check(rig);
    size_t n = sp_write_request(m, &r);
    rig_give(rig, &from, m, n);
    rig_pass(rig, MS(100));
    rig_give(rig, &from, m, n);
    const struct seen *a = nth_sent(rig, 0, 0x0101, 0), *b = nth_sent(rig, 0, 0x0101, 1);
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
    rig_free(rig);
}

static void signalled_candidates_are_checked_in_order_and_paced(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct ice_candidate c[] = {
        {at("192.0.2.1", 1001, 0).remote, ICE_SRFLX, 1694498815},
        {at("2001:db8::9", 1002, 0).remote, ICE_HOST, 2130706431},
        {at("192.0.2.3", 1003, 0).remote, ICE_RELAY, 100},
    };
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, c, COUNT(c)), E_OK);
    rig_drain(rig);
    rig_pass(rig, MS(99));
    static const struct {
        uint16_t port;
        uint8_t local;
    } want[] = {{1002, 1}, {1001, 0}, {1001, 2}, {1003, 0}, {1003, 2}};
    for (size_t i = 0; i < COUNT(want); i++) {
        const struct seen *it = nth_sent(rig, 0, 0x0001, i);
        assert_true(it->at_us == T0 + MS(20 * i));
        assert_int_equal(it->path.remote.port, want[i].port);
        assert_int_equal(it->path.local, want[i].local);
    }
    rig_free(rig);
}

static void candidates_that_must_not_be_checked_are_not(void **state) /* transport 3.4 */
{
    (void)state;
    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    cfg.refuse_private = true;
    struct rig *rig = rig_with(&cfg);
    static const char *const ips[] = {"127.0.0.1",       "::1",     "0.0.0.0",   "::",          "224.0.0.5",
                                      "255.255.255.255", "ff02::1", "10.1.2.3",  "192.168.1.1", "169.254.1.1",
                                      "fe80::1",         "fd00::1", "172.16.0.1"};
    struct ice_candidate c[COUNT(ips) + 1];
    for (size_t i = 0; i < COUNT(ips); i++)
        c[i] = (struct ice_candidate){at(ips[i], 5000, 0).remote, ICE_HOST, 1};
    c[COUNT(ips)] = (struct ice_candidate){at("192.0.2.1", 0, 0).remote, ICE_HOST, 1};
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, c, COUNT(c)), E_OK);
    rig_pass(rig, SEC(10));
    assert_int_equal(rig->count, 0);
    rig_free(rig);
}

static void loopback_candidates_are_for_a_bridge_told_to_use_loopback(void **state)
{
    (void)state;
    struct ice_local local = {.local = 0};
    addr_parse("127.0.0.1", 10000, &local.addr);
    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    cfg.locals = &local, cfg.local_count = 1;
    struct rig *rig = rig_with(&cfg);
    struct ice_candidate c[] = {{at("127.0.0.1", 5000, 0).remote, ICE_HOST, 1},
                                {at("192.0.2.1", 5000, 0).remote, ICE_HOST, 2}};
    ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, c, 2);
    rig_pass(rig, MS(50));
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 1);
    assert_true(addr_is_loopback(&nth_sent(rig, 0, 0x0001, 0)->path.remote));
    rig_free(rig);
}

static void credentials_are_checked_and_set_once(void **state) /* transport 16.4, 3.5 */
{
    (void)state;
    char long_ufrag[258], long_pwd[258];
    memset(long_ufrag, 'u', 257), long_ufrag[257] = 0;
    memset(long_pwd, 'p', 257), long_pwd[257] = 0;
    struct rig *rig = rig_new();
    assert_int_equal(ice_set_remote(rig->ice, T0, "abc", PEER_PWD, NULL, 0), E_FORMAT);
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, "only 21 characters...", NULL, 0), E_FORMAT);
    assert_int_equal(ice_set_remote(rig->ice, T0, long_ufrag, PEER_PWD, NULL, 0), E_FORMAT);
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, long_pwd, NULL, 0), E_FORMAT);
    assert_false(ice_has_remote(rig->ice));
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, NULL, 0), E_OK);
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, NULL, 0), E_OK);
    assert_int_equal(ice_set_remote(rig->ice, T0, "othr", PEER_PWD, NULL, 0), E_STATE);
    rig_free(rig);

    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    cfg.pwd = "short";
    assert_null(ice_new(&cfg, T0));
    ice_free(NULL);

    long_ufrag[256] = 0, long_pwd[256] = 0; /* the longest legal ones fit everywhere */
    rig = rig_new();
    assert_int_equal(
        ice_set_remote(rig->ice, T0, long_ufrag, long_pwd, &(struct ice_candidate){at("192.0.2.1", 9, 0).remote}, 1),
        E_OK);
    struct ice_out out;
    assert_true(ice_poll(rig->ice, &out));
    assert_true(sp_verify(out.datagram.p, out.datagram.n, long_pwd));
    rig_free(rig);
}

static void a_relayed_pair_waits_800_ms_for_a_better_one(void **state) /* transport 4.3 */
{
    (void)state;
    for (int better = 0; better < 2; better++) {
        struct rig *rig = rig_new();
        struct ice_path relay = at("192.0.2.3", 1003, 0), host = at("203.0.113.9", 40000, 0);
        struct ice_candidate c = {relay.remote, ICE_RELAY, 100};
        rig_answers(rig, relay);
        ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, &c, 1);
        rig_drain(rig);
        assert_non_null(nth(rig, 0, ICE_WRITEABLE, 0));
        rig_pass(rig, MS(500));
        assert_null(nth(rig, 0, ICE_CONNECTED, 0));
        if (better) {
            rig_answers(rig, host);
            rig_check(rig, &host);
        }
        rig_pass(rig, MS(500));
        const struct seen *connected = nth(rig, 0, ICE_CONNECTED, 0);
        assert_true(ice_path_eq(&connected->path, better ? &host : &relay));
        assert_int_equal(how_many(rig, 0, ICE_PATH_CHANGED), better);
        assert_true(connected->at_us == T0 + (better ? MS(520) : MS(800)));
        assert_int_equal(ice_is_relayed(rig->ice), !better);
        rig_free(rig);
    }
}

static void a_controlled_agent_selects_what_the_peer_nominates(void **state) /* relays, transport 14.1 */
{
    (void)state;
    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    cfg.controlling = false;
    struct rig *rig = rig_with(&cfg);
    struct ice_path a = at("203.0.113.9", 40000, 0), b = at("203.0.113.9", 40001, 0);
    rig_credentials(rig);
    rig_answers(rig, a);
    rig_answers(rig, b);
    struct sp_request r = peer_check(rig);
    r.controlling = true;
    uint8_t m[SP_CAP];
    rig_give(rig, &a, m, sp_write_request(m, &r));
    rig_give(rig, &b, m, sp_write_request(m, &r));
    rig_pass(rig, SEC(1));
    assert_int_equal(ice_get_state(rig->ice), ICE_RUNNING);
    r.use_candidate = true;
    r.id[0]++;
    rig_give(rig, &b, m, sp_write_request(m, &r));
    assert_int_equal(ice_get_state(rig->ice), ICE_COMPLETED);
    assert_true(ice_path_eq(ice_send_path(rig->ice), &b));
    rig_pass(rig, SEC(3));
    r.id[0]++;
    rig_give(rig, &a, m, sp_write_request(m, &r));
    assert_true(ice_path_eq(ice_send_path(rig->ice), &a)); /* it moves when the peer does */
    rig_pass(rig, SEC(20));
    for (size_t i = 0; nth_sent(rig, 0, 0x0001, i); i++)
        assert_false(sp_has(nth_sent(rig, 0, 0x0001, i)->bytes, nth_sent(rig, 0, 0x0001, i)->len, 0x0025));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_before_any_credentials_is_answered_and_remembered),
        cmocka_unit_test(an_ipv6_check_is_answered_with_an_ipv6_address),
        cmocka_unit_test(our_checks_say_what_a_controlling_bridge_says),
        cmocka_unit_test(nomination_makes_connected_then_consent_every_4_to_6_s),
        cmocka_unit_test(an_unanswered_check_is_sent_seven_times_then_ice_fails),
        cmocka_unit_test(an_empty_checklist_never_fails),
        cmocka_unit_test(what_is_not_authentic_gets_no_answer_and_changes_nothing),
        cmocka_unit_test(a_check_cut_anywhere_gets_no_answer),
        cmocka_unit_test(a_source_that_cannot_be_answered_is_ignored),
        cmocka_unit_test(attributes_that_may_be_ignored_are_ignored),
        cmocka_unit_test(an_unknown_required_attribute_is_answered_420),
        cmocka_unit_test(a_check_without_priority_is_answered_400),
        cmocka_unit_test(role_conflicts_end_as_the_rfc_says),
        cmocka_unit_test(a_487_swaps_our_role_and_the_check_is_repeated),
        cmocka_unit_test(errors_of_the_peer_end_a_check_but_forgeable_ones_do_not),
        cmocka_unit_test(only_the_right_answer_from_the_right_place_counts),
        cmocka_unit_test(a_late_answer_to_an_earlier_copy_counts),
        cmocka_unit_test(a_retransmitted_request_gets_the_same_answer),
        cmocka_unit_test(signalled_candidates_are_checked_in_order_and_paced),
        cmocka_unit_test(candidates_that_must_not_be_checked_are_not),
        cmocka_unit_test(loopback_candidates_are_for_a_bridge_told_to_use_loopback),
        cmocka_unit_test(credentials_are_checked_and_set_once),
        cmocka_unit_test(a_relayed_pair_waits_800_ms_for_a_better_one),
        cmocka_unit_test(a_controlled_agent_selects_what_the_peer_nominates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

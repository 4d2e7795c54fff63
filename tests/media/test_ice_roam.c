/* ICE after it is connected: consent, roaming without signalling, and the limits that bound what a peer can cause. */
#include "support/ice_rig.h"

static struct ice_path old_path(void)
{
    return at("203.0.113.9", 40000, 0);
}
static struct ice_path new_path(void)
{
    return at("198.51.100.77", 50000, 0);
}

static bool sends_to(const struct rig *rig, struct ice_path path)
{
    const struct ice_path *to = ice_send_path(rig->ice);
    return to && ice_path_eq(to, &path);
}

static void without_answers_media_stops_after_30_s_and_resumes(void **state) /* transport 19.8, RFC 7675 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    rig_pass(rig, SEC(20));
    uint64_t last_ok_us = 0;
    for (size_t i = 0; nth(rig, 0, ICE_CONSENT_OK, i); i++)
        last_ok_us = nth(rig, 0, ICE_CONSENT_OK, i)->at_us;
    rig_goes_silent(rig);
    rig_until(rig, last_ok_us + SEC(30) - 1);
    assert_true(sends_to(rig, old_path())); /* a short outage costs nothing */
    assert_null(nth(rig, 0, ICE_CONSENT_LOST, 0));
    size_t mark = rig->count;
    rig_until(rig, last_ok_us + SEC(30));
    assert_null(ice_send_path(rig->ice));
    assert_non_null(nth(rig, mark, ICE_CONSENT_LOST, 0));
    assert_int_equal(ice_get_state(rig->ice), ICE_COMPLETED);

    mark = rig->count;
    rig_pass(rig, SEC(60)); /* it goes on asking */
    assert_in_range(how_many_sent(rig, mark, 0x0001), 6 * 60 / 6 - 6, 6 * 60 / 4 + 6);
    assert_int_equal(how_many(rig, mark, ICE_CONSENT_LOST), 0);

    rig_answers(rig, old_path());
    mark = rig->count;
    rig_pass(rig, SEC(7));
    assert_non_null(nth(rig, mark, ICE_CONSENT_OK, 0));
    assert_true(sends_to(rig, old_path()));
    assert_null(nth(rig, mark, ICE_PATH_CHANGED, 0)); /* the path is the one it was */
    rig_free(rig);
}

static void an_unanswered_consent_check_is_sent_six_times_every_500_ms(void **state) /* transport 4.2 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    rig_goes_silent(rig);
    size_t mark = rig->count;
    rig_pass(rig, SEC(13));
    const struct seen *first = nth_sent(rig, mark, 0x0001, 0);
    for (size_t i = 1; i < 6; i++) {
        const struct seen *it = nth_sent(rig, mark, 0x0001, i);
        assert_true(it->at_us == first->at_us + MS(500 * i));
        assert_memory_equal(it->bytes, first->bytes, first->len);
    }
    const struct seen *next = nth_sent(rig, mark, 0x0001, 6);
    assert_memory_not_equal(next->bytes + 8, first->bytes + 8, 12);
    assert_in_range(next->at_us - first->at_us, MS(4000), MS(6000));
    rig_free(rig);
}

static void a_peer_that_moves_is_followed_within_2_s(void **state) /* transport 19.7 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path from = new_path(), old = old_path();
    for (int i = 0; i < 100; i++) { /* ten seconds of media */
        rig_pass(rig, MS(100));
        ice_on_media(rig->ice, rig->now_us, &old, true);
        rig_drain(rig);
    }
    rig_goes_silent(rig);
    rig_answers(rig, from);
    uint64_t moved_us = rig->now_us;
    size_t mark = rig->count;
    assert_int_equal(rig_check(rig, &from), E_OK);
    rig_pass(rig, MS(100));
    assert_non_null(nth_sent(rig, mark, 0x0101, 0)); /* answered, not refused */
    assert_true(sends_to(rig, old));                 /* not on one word */
    for (int i = 0; i < 4; i++) {
        rig_pass(rig, MS(480));
        rig_check(rig, &from);
    }
    const struct seen *changed = nth(rig, mark, ICE_PATH_CHANGED, 0);
    assert_non_null(changed);
    assert_true(ice_path_eq(&changed->path, &from));
    assert_in_range(changed->at_us - moved_us, SEC(1), SEC(2));
    assert_true(sends_to(rig, from));
    const struct seen *asked = nth_sent(rig, (size_t)(changed - rig->seen), 0x0001, 0);
    assert_true(ice_path_eq(&asked->path, &from)); /* and the peer is told by a nomination */
    assert_true(sp_has(asked->bytes, asked->len, 0x0025));
    assert_int_equal(how_many(rig, mark, ICE_CONNECTED), 0);
    rig_pass(rig, SEC(60));
    assert_true(sends_to(rig, from));
    assert_int_equal(how_many(rig, mark, ICE_CONSENT_LOST), 0);
    rig_free(rig);
}

static void one_check_from_the_new_place_is_enough(void **state) /* transport 19.7, as it is written there */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    rig_pass(rig, SEC(10));
    rig_goes_silent(rig);
    rig_answers(rig, new_path());
    struct ice_path from = new_path();
    rig_check(rig, &from);
    rig_pass(rig, SEC(2));
    assert_true(sends_to(rig, from));
    rig_free(rig);
}

static void nobody_is_followed_who_does_not_answer_our_check(void **state) /* transport 19.7, 7.3 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path from = new_path();
    rig_goes_silent(rig);
    for (int i = 0; i < 400; i++) { /* an insider with somebody else's source address, and the peer itself is silent */
        rig_pass(rig, MS(100));
        rig_check(rig, &from);
        ice_on_media(rig->ice, rig->now_us, &from, true);
        rig_drain(rig);
        assert_false(sends_to(rig, from));
    }
    assert_null(ice_send_path(rig->ice)); /* consent of the old place has run out meanwhile */
    rig_free(rig);
}

static void a_quiet_but_living_peer_is_not_left(void **state)
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path backup = new_path();
    rig_answers(rig,
                backup); /* both places answer; the peer keeps the second in reserve and says nothing on the first */
    for (int i = 0; i < 10; i++) {
        rig_check(rig, &backup);
        rig_pass(rig, SEC(25));
        assert_true(sends_to(rig, old_path()));
    }
    assert_int_equal(how_many(rig, 0, ICE_PATH_CHANGED), 0);
    rig_free(rig);
}

/* Connected on two ways, as with Wi-Fi and mobile data; media on the old one for ten seconds. */
static struct rig *connected_twice(void)
{
    struct rig *rig = rig_connected(old_path());
    struct ice_path old = old_path(), reserve = new_path();
    rig_answers(rig, reserve);
    rig_check(rig, &reserve);
    for (int i = 0; i < 500; i++) {
        rig_pass(rig, MS(20));
        ice_on_media(rig->ice, rig->now_us, &old, true);
        rig_drain(rig);
    }
    assert_true(sends_to(rig, old));
    return rig;
}

static void when_one_way_dies_the_reserve_is_found_within_2_s(void **state) /* transport 7.3 */
{
    (void)state;
    struct rig *rig = connected_twice();
    rig_goes_silent(rig);
    rig_answers(rig, new_path()); /* which says nothing by itself */
    uint64_t died_us = rig->now_us;
    size_t mark = rig->count;
    rig_pass(rig, SEC(2));
    const struct seen *changed = nth(rig, mark, ICE_PATH_CHANGED, 0);
    assert_non_null(changed);
    assert_in_range(changed->at_us - died_us, MS(900), MS(1200));
    assert_true(sends_to(rig, new_path()));
    const struct seen *told = nth_sent(rig, (size_t)(changed - rig->seen), 0x0001, 0);
    assert_true(ice_path_eq(&told->path, &changed->path) && sp_has(told->bytes, told->len, 0x0025));
    rig_pass(rig, SEC(60));
    assert_true(sends_to(rig, new_path()));
    rig_free(rig);
}

static void who_only_stops_talking_is_asked_once_and_stays(void **state)
{
    (void)state;
    struct rig *rig = connected_twice();
    size_t mark = rig->count;
    rig_pass(rig, SEC(60));
    assert_true(sends_to(rig, old_path()));
    assert_int_equal(how_many(rig, mark, ICE_PATH_CHANGED), 0);
    assert_in_range(how_many_sent(rig, mark, 0x0001), 10, 18); /* consent checks, and two more */
    rig_free(rig);
}

static void media_moves_the_path_at_once(void **state) /* transport 7.3 (c) */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path old = old_path(), from = new_path();
    rig_answers(rig, from);
    rig_pass(rig, SEC(10));
    ice_on_media(rig->ice, rig->now_us, &old, true);
    rig_check(rig, &from);
    rig_pass(rig, MS(100));
    assert_true(ice_on_media(rig->ice, rig->now_us, &from, true));
    rig_drain(rig);
    assert_true(sends_to(rig, old)); /* the old place spoke 100 ms ago */
    rig_pass(rig, MS(400));
    assert_true(ice_on_media(rig->ice, rig->now_us, &from, true));
    rig_drain(rig);
    assert_true(sends_to(rig, from));

    ice_on_media(rig->ice, rig->now_us, &old, true); /* stragglers do not move it back */
    rig_drain(rig);
    assert_true(sends_to(rig, from));
    for (int i = 0; i < 40; i++) { /* two sources at once: at most one switch a second */
        rig_pass(rig, MS(50));
        ice_on_media(rig->ice, rig->now_us, i % 2 ? &from : &old, true);
        rig_drain(rig);
    }
    assert_in_range(how_many(rig, 0, ICE_PATH_CHANGED), 1, 3);
    rig_free(rig);
}

static void media_from_an_unknown_address_means_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path from = new_path(), old = old_path();
    rig_pass(rig, SEC(10));
    for (int i = 0; i < 100; i++) {
        assert_false(ice_on_media(rig->ice, rig->now_us, &from, true));
        rig_pass(rig, MS(20));
        assert_true(sends_to(rig, old));
    }
    assert_false(ice_on_media(rig->ice, rig->now_us, &old, true));
    rig_free(rig);
}

static void a_peer_that_comes_back_to_a_stale_place_is_checked_first(void **state)
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path old = old_path(), from = new_path();
    rig_goes_silent(rig);
    rig_answers(rig, from);
    rig_check(rig, &from);
    rig_pass(rig, SEC(60));
    assert_true(sends_to(rig, from));
    rig_goes_silent(rig);
    for (int i = 0; i < 20; i++) { /* somebody claims to be back at the old place but answers no check there */
        ice_on_media(rig->ice, rig->now_us, &old, true);
        rig_check(rig, &old);
        rig_pass(rig, MS(200));
        assert_false(sends_to(rig, old));
    }
    rig_answers(rig, old);
    rig_check(rig, &old);
    rig_pass(rig, SEC(4));
    assert_true(sends_to(rig, old));
    rig_free(rig);
}

static void a_lost_peer_is_found_again_elsewhere(void **state) /* transport 7.3 (b) */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path from = new_path();
    rig_goes_silent(rig);
    rig_pass(rig, SEC(50));
    assert_null(ice_send_path(rig->ice));
    rig_answers(rig, from);
    rig_check(rig, &from);
    rig_pass(rig, MS(100));
    assert_true(sends_to(rig, from));
    const struct seen *changed = nth(rig, 0, ICE_PATH_CHANGED, 0);
    assert_true(ice_path_eq(&changed->path, &from));
    rig_free(rig);
}

static void at_most_100_pairs_and_the_good_ones_stay(void **state) /* transport 16.4, 6.6 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    for (uint16_t i = 0; i < 300; i++) {
        struct ice_path from = at("198.51.100.77", (uint16_t)(1000 + i), 0);
        assert_int_equal(rig_check(rig, &from), E_OK);
        rig_pass(rig, MS(50));
    }
    ice_check(rig->ice); /* asserts the limit */
    assert_true(sends_to(rig, old_path()));
    rig_pass(rig, SEC(20));
    assert_true(sends_to(rig, old_path()));
    assert_int_equal(ice_get_state(rig->ice), ICE_COMPLETED);
    rig_free(rig);
}

static void candidates_above_fifty_are_not_looked_at(void **state) /* transport 16.4 */
{
    (void)state;
    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    cfg.local_count = 1;
    struct rig *rig = rig_with(&cfg);
    struct ice_candidate c[60];
    for (uint16_t i = 0; i < 60; i++)
        c[i] = (struct ice_candidate){at("192.0.2.1", (uint16_t)(2000 + i), 0).remote, ICE_HOST, 1000u - i};
    assert_int_equal(ice_set_remote(rig->ice, T0, PEER_UFRAG, PEER_PWD, c, 60), E_OK);
    rig_drain(rig);
    rig_pass(rig, SEC(30));
    for (size_t i = 0; nth_sent(rig, 0, 0x0001, i); i++)
        assert_in_range(nth_sent(rig, 0, 0x0001, i)->path.remote.port, 2000, 2049);
    assert_int_equal(how_many_sent(rig, 0, 0x0001), 50 * 7); /* transport 19.30: seven times per address, no more */
    rig_free(rig);
}

static void forged_checks_run_out_of_tokens_but_the_client_does_not(void **state) /* transport 6.9, 16.4 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path attacker = at("192.0.2.66", 666, 0), client = old_path(), fresh = new_path();
    uint8_t m[SP_CAP];
    struct sp_request r = peer_check(rig);
    r.bad_integrity = true;
    size_t n = sp_write_request(m, &r), auth = 0, limit = 0, count = rig->count;
    for (int i = 0; i < 1000; i++) {
        enum err err = rig_give(rig, &attacker, m, n);
        auth += err == E_AUTH;
        limit += err == E_LIMIT;
    }
    assert_int_equal(auth, 100);
    assert_int_equal(limit, 900);
    assert_int_equal(rig->count, count); /* not a byte in reply */
    assert_int_equal(rig_check(rig, &client), E_OK);
    assert_int_equal(rig_check(rig, &fresh), E_LIMIT); /* a new address has to wait for tokens */
    rig_pass(rig, MS(100));
    assert_int_equal(rig_check(rig, &fresh), E_OK);
    rig_free(rig);
}

static void two_hundred_good_checks_a_second_are_answered(void **state) /* transport 6.9 */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    struct ice_path client = old_path();
    rig_pass(rig, SEC(5));
    size_t ok = 0, mark = rig->count;
    for (int i = 0; i < 1000; i++)
        ok += rig_check(rig, &client) == E_OK;
    assert_int_equal(ok, 200);
    assert_int_equal(how_many_sent(rig, mark, 0x0101), 200);
    rig_pass(rig, SEC(1));
    assert_int_equal(rig_check(rig, &client), E_OK);
    rig_free(rig);
}

static void a_long_call_leaks_no_transactions(void **state) /* trap 6: the library remembers 200 requests at most */
{
    (void)state;
    struct rig *rig = rig_connected(old_path());
    rig_goes_silent(rig);
    rig_pass(rig, SEC(1500)); /* some 300 consent checks that nobody answers */
    rig->count = 0;
    rig_answers(rig, old_path());
    rig_pass(rig, SEC(10));
    assert_true(sends_to(rig, old_path()));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_answers_media_stops_after_30_s_and_resumes),
        cmocka_unit_test(an_unanswered_consent_check_is_sent_six_times_every_500_ms),
        cmocka_unit_test(a_peer_that_moves_is_followed_within_2_s),
        cmocka_unit_test(one_check_from_the_new_place_is_enough),
        cmocka_unit_test(nobody_is_followed_who_does_not_answer_our_check),
        cmocka_unit_test(a_quiet_but_living_peer_is_not_left),
        cmocka_unit_test(when_one_way_dies_the_reserve_is_found_within_2_s),
        cmocka_unit_test(who_only_stops_talking_is_asked_once_and_stays),
        cmocka_unit_test(media_moves_the_path_at_once),
        cmocka_unit_test(media_from_an_unknown_address_means_nothing),
        cmocka_unit_test(a_peer_that_comes_back_to_a_stale_place_is_checked_first),
        cmocka_unit_test(a_lost_peer_is_found_again_elsewhere),
        cmocka_unit_test(at_most_100_pairs_and_the_good_ones_stay),
        cmocka_unit_test(candidates_above_fifty_are_not_looked_at),
        cmocka_unit_test(forged_checks_run_out_of_tokens_but_the_client_does_not),
        cmocka_unit_test(two_hundred_good_checks_a_second_are_answered),
        cmocka_unit_test(a_long_call_leaks_no_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A local ufrag names its worker, whoever reads it back; anything else names nobody. */
#include "support/hex.h"

#include "bridge/ufrag.h"

static const uint8_t some_random[PWD_DIGITS] = {0, 31, 32, 255, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void the_worker_survives_the_round_trip(void **state)
{
    (void)state;
    static const char *const prefixes[] = {NULL, "", "eu1", "+/"};
    for (size_t p = 0; p < COUNT(prefixes); p++)
        for (uint32_t worker = 0; worker < UFRAG_WORKERS_MAX; worker++) {
            char text[UFRAG_TEXT_MAX];
            ufrag_write(prefixes[p], worker, some_random, text);
            assert_int_equal(ufrag_worker(bytes_str(text), prefixes[p]), worker);
            assert_int_equal(strlen(text), (prefixes[p] ? strlen(prefixes[p]) : 0) + UFRAG_DIGITS);
        }
}

static void only_ice_chars_come_out(void **state)
{
    (void)state;
    char text[UFRAG_TEXT_MAX], pwd[PWD_DIGITS + 1];
    assert_string_equal(ufrag_write("p", 33, some_random, text), "p110v0v789abcde");
    assert_string_equal(ufrag_write_pwd(some_random, pwd), "0v0v789abcdef0000000000000");
}

static void others_are_not_ours(void **state)
{
    (void)state;
    static const struct {
        const char *ufrag, *prefix;
    } cases[] = {
        {"", NULL},
        {"0", NULL},
        {"00", NULL},
        {"0000000000000", NULL},   /* one short */
        {"000000000000000", NULL}, /* one long */
        {"w0000000000000", NULL},  /* w is no digit */
        {"0W000000000000", NULL},
        {":0000000000000", NULL},
        {"00000000000000", "eu"}, /* without its prefix */
        {"us00000000000000", "eu"},
        {"EU00000000000000", "eu"}, /* case counts */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(ufrag_worker(bytes_str(cases[i].ufrag), cases[i].prefix), -1);
}

static void a_prefix_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char prefix[200], text[UFRAG_TEXT_MAX];
    memset(prefix, 'x', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    ufrag_write(prefix, 5, some_random, text);
    assert_int_equal(strlen(text), UFRAG_PREFIX_MAX + UFRAG_DIGITS);
    assert_int_equal(ufrag_worker(bytes_str(text), prefix), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worker_survives_the_round_trip),
        cmocka_unit_test(only_ice_chars_come_out),
        cmocka_unit_test(others_are_not_ours),
        cmocka_unit_test(a_prefix_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

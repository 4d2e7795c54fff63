/* What the focus reads is always there and in its format; the rest can be filtered. */
#include "support/hex.h"

#include "bridge/presence.h"

static const char *value(const struct presence *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->stats[i].name, name) == 0)
            return p->stats[i].value;
    return NULL;
}

static void what_the_focus_reads_is_there(void **state)
{
    (void)state;
    struct config config = {.average_participant_stress = 0.01};
    static struct presence p;
    struct presence_facts facts = {.config = &config, .stress = 0.1344, .healthy = true, .wall_ms = 1692526502123ull};
    presence_fill(&p, &facts);
    assert_string_equal(value(&p, "stress_level"), "0.134");
    assert_string_equal(value(&p, "average_participant_stress"), "0.01");
    assert_string_equal(value(&p, "healthy"), "true");
    assert_string_equal(value(&p, "drain"), "false"); /* absent would mean draining */
    assert_string_equal(value(&p, "graceful_shutdown"), "false");
    assert_string_equal(value(&p, "shutting_down"), "false");
    assert_string_equal(value(&p, "current_timestamp"), "2023-08-20 10:15:02.123");
    assert_non_null(value(&p, "version"));
    assert_string_equal(value(&p, "conferences"), "0");
    assert_null(value(&p, "region"));
    assert_null(value(&p, "relay_id"));
}

static void settings_show_and_the_filter_cuts(void **state)
{
    (void)state;
    struct config config;
    config_defaults(&config);
    config.relay_region = strdup("eu");
    config.relay_id = strdup("r1");
    config.relay = config.stats_filter = true;
    static struct presence p;
    struct presence_facts facts = {.config = &config, .draining = true, .control.conferences = 7};
    facts.graceful = true;
    presence_fill(&p, &facts);
    assert_string_equal(value(&p, "graceful_shutdown"), "true");
    assert_string_equal(value(&p, "shutting_down"), "false");
    facts.leaving = true;
    presence_fill(&p, &facts);
    assert_string_equal(value(&p, "graceful_shutdown"), "true");
    assert_string_equal(value(&p, "shutting_down"), "true");
    assert_string_equal(value(&p, "drain"), "true");
    assert_string_equal(value(&p, "healthy"), "false");
    assert_string_equal(value(&p, "region"), "eu");
    assert_string_equal(value(&p, "relay_id"), "r1");
    assert_null(value(&p, "conferences"));
    assert_non_null(value(&p, "stress_level"));
    config.stats_whitelist.n = 1; /* a list of the administrator's own */
    presence_fill(&p, &facts);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.stats[0].name, "average_participant_stress");
    config.stats_whitelist.n = 12;
    config_done(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_focus_reads_is_there),
        cmocka_unit_test(settings_show_and_the_filter_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

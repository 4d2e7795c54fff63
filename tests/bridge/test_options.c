/* What holds of the command line: ours are understood, stock launchers' words are tolerated, slips are named. */
#include "support/hex.h"

#include "bridge/options.h"

static const struct {
    const char *argv[6];
    bool ok;
    enum options_action action;
    const char *path;
} cases[] = {
    {{"kolibri"}, true, OPTIONS_RUN, NULL},
    {{"kolibri", "--config", "a.conf"}, true, OPTIONS_RUN, "a.conf"},
    {{"kolibri", "--config=a.conf"}, true, OPTIONS_RUN, "a.conf"},
    {{"kolibri", "-c", "a.conf", "--check-config"}, true, OPTIONS_CHECK_CONFIG, "a.conf"},
    {{"kolibri", "--version"}, true, OPTIONS_VERSION, NULL},
    {{"kolibri", "--help"}, true, OPTIONS_HELP, NULL},
    {{"kolibri", "--apis=none"}, true, OPTIONS_RUN, NULL}, /* NixOS */
    {{"kolibri", "--apis=rest,xmpp", "-Dconfig.file=/x", "-Xmx3072m"}, true, OPTIONS_RUN, NULL},
    {{"kolibri", "--config"}, false, OPTIONS_RUN, NULL},
    {{"kolibri", "--config="}, false, OPTIONS_RUN, NULL},
    {{"kolibri", "-c", ""}, false, OPTIONS_RUN, NULL},
    {{"kolibri", "--chek-config"}, false, OPTIONS_RUN, NULL},
    {{"kolibri", "--versoin"}, false, OPTIONS_RUN, NULL},
};

static void words_are_understood_tolerated_or_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int argc = 0;
        while (argc < 6 && cases[i].argv[argc])
            argc++;
        struct options out;
        char error[160] = "";
        bool ok = options_parse(argc, (char *const *)cases[i].argv, &out, error);
        if (ok != cases[i].ok)
            fail_msg("case %zu: %s", i, error);
        assert_int_equal(error[0] == 0, ok);
        if (!ok)
            continue;
        assert_int_equal(out.action, cases[i].action);
        if (cases[i].path)
            assert_string_equal(out.config_path, cases[i].path);
        else
            assert_null(out.config_path);
    }
}

static void exit_codes_are_what_service_managers_expect(void **state) /* operations 6.2 */
{
    (void)state;
    assert_int_equal(EXIT_CODE_OK, 0);
    assert_int_equal(EXIT_CODE_CONFIG, 78);
    assert_int_equal(EXIT_CODE_SIGTERM, 143);
    assert_non_null(strstr(options_usage, "78"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_understood_tolerated_or_named),
        cmocka_unit_test(exit_codes_are_what_service_managers_expect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

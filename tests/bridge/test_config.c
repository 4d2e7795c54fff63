/* What the administrator wrote, and what is said about mistakes. */
#include "support/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/config.h"
#include "bridge/options.h"

struct said {
    int errors, warnings, line;
    char text[512];
};

static void on_diag(void *ctx, const struct config_diag *diag)
{
    struct said *said = ctx;
    said->errors += diag->level == LOG_ERROR_;
    said->warnings += diag->level == LOG_WARN_;
    said->line = diag->line;
    snprintf(said->text, sizeof said->text, "%s", diag->text);
}

static const char *environment(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "TEST_PASSWORD") == 0 ? "from the environment" : NULL;
}

static bool load(const char *text, struct config *cfg, struct said *said)
{
    char path[] = "/tmp/kolibri-config-XXXXXX";
    int fd = mkstemp(path);
    struct config_env env = {.get = environment, .sink = on_diag, .ctx = said};
    *said = (struct said){0};
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    bool ok = config_load(path, &env, cfg);
    unlink(path);
    return ok;
}

#define LOGIN "videobridge.apis.xmpp-client.configs.a { HOSTNAME=localhost, DOMAIN=\"auth.x\", USERNAME=jvb, "
#define ROOM  "MUC_JIDS=\"b@internal.x\", MUC_NICKNAME=n"

static void a_stock_login_is_read_in_any_case_of_letters(void **state)
{
    (void)state;
    struct config cfg;
    struct said said;
    assert_true(load(LOGIN "PASSWORD=${?TEST_PASSWORD}\n " ROOM " }\nvideobridge.ice.udp.port = 4443", &cfg, &said));
    assert_int_equal(said.errors + said.warnings, 0);
    assert_int_equal(cfg.xmpp_count, 1);
    assert_string_equal(cfg.xmpp[0].hostname, "localhost");
    assert_string_equal(cfg.xmpp[0].password, "from the environment");
    assert_int_equal(cfg.xmpp[0].port, 5222);
    assert_int_equal(cfg.xmpp[0].starttls, CONFIG_TLS_IF_POSSIBLE); /* because it is this machine */
    assert_true(cfg.xmpp[0].verify_certificate);
    assert_string_equal(cfg.xmpp[0].muc_jids.v[0], "b@internal.x");
    assert_int_equal(cfg.ice_udp_port, 4443);
    assert_int_equal(cfg.ssrc_limit_video, 50);
    config_done(&cfg);
    assert_true(load("videobridge.apis.xmpp-client.configs.b { hostname=h, port=\"6222\", username=u, password=p, "
                     "muc_jids=[\"a@x\", \"b@x\"], muc_nickname=n, disable_certificate_verification=true }",
                     &cfg, &said));
    assert_int_equal(cfg.xmpp[0].port, 6222);
    assert_int_equal(cfg.xmpp[0].muc_jids.n, 2);
    assert_int_equal(cfg.xmpp[0].starttls, CONFIG_TLS_REQUIRED);
    assert_string_equal(cfg.xmpp[0].domain, "h");
    assert_false(cfg.xmpp[0].verify_certificate);
    config_done(&cfg);
}

static const struct {
    const char *name, *text;
    bool ok;
    int errors, warnings, line;
    const char *says;
} rows[] = {
    {"nothing at all", "", true, 0, 0, 0, ""},
    {"a port that is none", "\nvideobridge.ice.udp.port = 70000", false, 1, 0, 2, "videobridge.ice.udp.port must be a port"},
    {"a word for a number", "videobridge.cc.jvb-last-n = many", false, 1, 0, 1, "must be a whole number"},
    {"a duration without sense", "videobridge.entity-expiration.timeout = soon", false, 1, 0, 1, "must be a duration"},
    {"two mistakes are both told", "videobridge.sctp.enabled=maybe\nvideobridge.ice.udp.port=x", false, 2, 0, 1, ""},
    {"a misspelt key", "videobridge.ice.udp.prot = 1", true, 0, 1, 1, "the nearest is videobridge.ice.udp.port"},
    {"a login without password", LOGIN ROOM "}", true, 0, 1, 1, "login a has no PASSWORD"},
    {"a login without rooms", LOGIN "PASSWORD=p }", true, 0, 1, 1, "login a has no MUC_JIDS"},
    {"a security mode that is none", LOGIN "PASSWORD=p, SECURITY_MODE=perhaps, " ROOM "}", true, 0, 1, 1, "SECURITY_MODE"},
    {"a mapping with one port", "ice4j.harvest.mapping.static-mappings=[{local-address=\"1.2.3.4\", "
     "public-address=\"5.6.7.8\", local-port=1}]", false, 1, 0, 1, "both ports or none"},
    {"broken syntax", "videobridge {\n  ice = [\n", false, 1, 0, 3, ""},
};

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct config cfg;
        struct said said;
        print_message("  %s\n", rows[i].name);
        assert_int_equal(load(rows[i].text, &cfg, &said), rows[i].ok);
        assert_int_equal(said.errors, rows[i].errors);
        assert_int_equal(said.warnings, rows[i].warnings);
        if (rows[i].line && rows[i].says[0])
            assert_int_equal(said.line, rows[i].line);
        if (!strstr(said.text, rows[i].says))
            fail_msg("%s: said: %s", rows[i].name, said.text);
        config_done(&cfg);
    }
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct config cfg;
    struct said said = {0};
    struct config_env env = {.get = environment, .sink = on_diag, .ctx = &said};
    assert_false(config_load("/nonexistent/jvb.conf", &env, &cfg));
    assert_int_equal(said.errors, 1);
    config_done(&cfg);
}

static void mappings_and_lists_are_read(void **state)
{
    (void)state;
    struct config cfg;
    struct said said;
    assert_true(load("ice4j.harvest { allowed-interfaces = [eth0, lo]\n mapping.static-mappings = [\n"
                     "{ local-address = \"10.0.0.5\", public-address = \"203.0.113.7\" } ] }",
                     &cfg, &said));
    assert_int_equal(cfg.mappings_count, 1);
    assert_string_equal(cfg.mappings[0].public_address, "203.0.113.7");
    assert_int_equal(cfg.harvest_allowed_interfaces.n, 2);
    assert_string_equal(cfg.harvest_allowed_interfaces.v[1], "lo");
    config_done(&cfg);
}

static void the_command_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *argv[4];
        bool ok;
        enum options_action action;
        const char *path;
    } lines[] = {
        {"nothing", {"kolibri"}, true, OPTIONS_RUN, NULL},
        {"--config FILE", {"kolibri", "--config", "x.conf"}, true, OPTIONS_RUN, "x.conf"},
        {"-c FILE", {"kolibri", "-c", "x.conf"}, true, OPTIONS_RUN, "x.conf"},
        {"--config=FILE", {"kolibri", "--config=x.conf", "--check-config"}, true, OPTIONS_CHECK_CONFIG, "x.conf"},
        {"--version", {"kolibri", "--version"}, true, OPTIONS_VERSION, NULL},
        {"--help", {"kolibri", "--help"}, true, OPTIONS_HELP, NULL},
        {"words of stock scripts", {"kolibri", "--apis=rest", "-Dfoo=bar"}, true, OPTIONS_RUN, NULL},
        {"--config without a file", {"kolibri", "--config"}, false},
        {"--config with nothing", {"kolibri", "--config="}, false},
        {"misspelt", {"kolibri", "--chek-config"}, false},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct options options;
        char error[160] = "";
        int argc = 0;
        while (argc < 4 && lines[i].argv[argc])
            argc++;
        print_message("  %s\n", lines[i].name);
        assert_int_equal(options_parse(argc, (char *const *)lines[i].argv, &options, error), lines[i].ok);
        assert_int_equal(error[0] == 0, lines[i].ok);
        if (!lines[i].ok)
            continue;
        assert_int_equal(options.action, lines[i].action);
        if (lines[i].path)
            assert_string_equal(options.config_path, lines[i].path);
        else
            assert_null(options.config_path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stock_login_is_read_in_any_case_of_letters),
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error),
        cmocka_unit_test(mappings_and_lists_are_read),
        cmocka_unit_test(the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

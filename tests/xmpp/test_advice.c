/* What holds of the lines for administrators: each says where and what to do, and none gives a secret away. */
#include <stdio.h>

#include "support/hex.h"
#include "xmpp/advice.h"

static const struct connection_config client = {.id = "shard",
                                                .hostname = "prosody",
                                                .port = 5222,
                                                .domain = "auth.d",
                                                .username = "jvb",
                                                .password = "s3cret",
                                                .nickname = "nick"};
static const struct connection_config component = {.id = "shard",
                                                   .component = true,
                                                   .hostname = "prosody",
                                                   .port = 5347,
                                                   .domain = "jvb.d",
                                                   .username = "jvb",
                                                   .password = "s3cret",
                                                   .nickname = "nick"};

static void each_failure_of_a_stream_says_where_and_what(void **state) /* operations 17.2 no. 10, 11, 12, 14 */
{
    (void)state;
    static const struct {
        const struct connection_config *cfg;
        enum stream_end end;
        const char *where, *what;
    } cases[] = {
        {&client, STREAM_RESOLVE, "prosody", "HOSTNAME"},
        {&client, STREAM_CONNECT, "prosody:5222", "c2s_interfaces"},
        {&component, STREAM_CONNECT, "prosody:5347", "component_ports"},
        {&client, STREAM_TIMEOUT, "prosody:5222", "Prosody's"},
        {&client, STREAM_TLS_UNTRUSTED, "prosody:5222", "DISABLE_CERTIFICATE_VERIFICATION"},
        {&client, STREAM_TLS_NAME, "auth.d", "DOMAIN"},
        {&client, STREAM_TLS_MISSING, "auth.d", "SECURITY_MODE"},
        {&client, STREAM_TLS_FAILED, "prosody:5222", "certificate of auth.d"},
        {&client, STREAM_PASSWORD, "prosody:5222", "prosodyctl passwd jvb@auth.d"},
        {&component, STREAM_PASSWORD, "prosody:5347", "component_secret"},
        {&client, STREAM_MECHANISM, "prosody:5222", "c2s_require_encryption"},
        {&client, STREAM_HOST_UNKNOWN, "auth.d", "VirtualHost"},
        {&component, STREAM_HOST_UNKNOWN, "jvb.d", "Component"},
        {&client, STREAM_CONFLICT, "nick", "MUC_NICKNAME"},
        {&component, STREAM_CONFLICT, "jvb.d", "component_conflict_resolve"},
        {&client, STREAM_CLOSED, "prosody:5222", "because"},
        {&client, STREAM_LOST, "prosody:5222", "lost"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[512];
        advice_on_stream(line, sizeof line, cases[i].cfg, cases[i].end, "because");
        print_message("  %s\n", line);
        assert_non_null(strstr(line, cases[i].where));
        assert_non_null(strstr(line, cases[i].what));
        assert_null(strstr(line, "s3cret"));
        assert_null(strchr(line, '\n'));
    }
}

static void each_trouble_with_a_room_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        enum brewery_event event;
        const char *detail, *what;
    } cases[] = {
        {BREWERY_JOINED, NULL, "joined brewery@muc.d as nick"},
        {BREWERY_LEFT, "kicked", "no longer in brewery@muc.d (kicked)"},
        {BREWERY_JOIN_REFUSED, "not-allowed", "admins"},
        {BREWERY_JOIN_REFUSED, "never-heard-of", "MUC_JIDS"},
        {BREWERY_JOIN_TIMEOUT, NULL, "muc_filter_whitelist"},
        {BREWERY_NICK_CONFLICT, "conflict", "MUC_NICKNAME"},
        {BREWERY_RIVAL, NULL, "MUC_NICKNAME"},
        {BREWERY_GHOST, "resource", "older session"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[512];
        advice_on_room(line, sizeof line, &client, "brewery@muc.d", cases[i].event, cases[i].detail);
        print_message("  %s\n", line);
        assert_non_null(strstr(line, cases[i].what));
        assert_non_null(strstr(line, "brewery@muc.d"));
    }
}

static void a_line_that_does_not_fit_is_cut(void **state)
{
    (void)state;
    char line[12];
    assert_int_equal(strlen(advice_on_stream(line, sizeof line, &client, STREAM_LOST, "")), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_of_a_stream_says_where_and_what),
        cmocka_unit_test(each_trouble_with_a_room_says_what_to_do),
        cmocka_unit_test(a_line_that_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

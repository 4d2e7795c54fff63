/* What holds of the configuration: the files of stock installations load and mean what they meant; mistakes are named
 * with file and line, and stop the start. */
#include "support/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/config.h"

struct heard {
    const char *java_sys_props;
    char text[4096]; /* "E 3 text\n", "W ...", "I ..." */
};

static void hear(void *ctx, const struct config_diag *diag)
{
    struct heard *heard = ctx;
    size_t n = strlen(heard->text);
    snprintf(heard->text + n, sizeof heard->text - n, "%c %d %s\n", "DIWE"[diag->level], diag -> line, diag -> text);
}

static const char *get(void *ctx, const char *name)
{
    const struct heard *heard = ctx;
    if (strcmp(name, "JAVA_SYS_PROPS") == 0)
        return heard->java_sys_props;
    bool set = strcmp(name, "XMPP_PASSWORD_localhost") == 0 || strcmp(name, "JVB_AUTH_PASSWORD") == 0;
    return set ? "from env" : NULL;
}

static bool load(const char *path, struct config *cfg, struct heard *heard)
{
    const struct config_env env = {get, hear, heard};
    heard->text[0] = 0;
    return config_load(path, &env, cfg);
}

/* Loads a stock file, which must cause neither error nor warning. */
static void load_stock(const char *name, struct config *cfg)
{
    struct heard heard = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/config/%s.conf", VECTORS, name);
    if (!load(path, cfg, &heard) || strstr(heard.text, "W ") || strstr(heard.text, "E "))
        fail_msg("%s: %s", name, heard.text);
    assert_string_equal(cfg->path, path);
}

static void debian_files_load(void **state) /* operations 19.1 */
{
    (void)state;
    struct config cfg;
    load_stock("debian-2026", &cfg);
    assert_int_equal(cfg.xmpp_count, 1);
    const struct config_xmpp *x = &cfg.xmpp[0];
    assert_string_equal(x->id, "shard");
    assert_string_equal(x->hostname, "localhost");
    assert_int_equal(x->port, 5222);
    assert_string_equal(x->domain, "auth.meet.example.org");
    assert_string_equal(x->password, "s3cr#t@word");
    assert_int_equal(x->muc_jids.n, 1);
    assert_string_equal(x->muc_nickname, "1e5f0000-8a1c-4c2d-9b52-7d2f6c1a0b7e"); /* trap 6 */
    assert_true(x->verify_certificate);
    assert_int_equal(x->starttls, CONFIG_TLS_IF_POSSIBLE); /* localhost */
    assert_false(cfg.aws_enabled || cfg.websockets);
    assert_int_equal(cfg.stun_servers.n, 1);
    config_done(&cfg);

    load_stock("debian-2025", &cfg);
    assert_string_equal(cfg.xmpp[0].password, "0123456");
    assert_true(cfg.websockets && cfg.websocket_tls == CONFIG_YES && cfg.rest_colibri);
    assert_int_equal(cfg.http_public_port, 9090);
    assert_string_equal(cfg.websocket_domains.v[0], "meet.example.org:443");
    config_done(&cfg);

    load_stock("debian-2020", &cfg);
    assert_int_equal(cfg.xmpp_count, 0);
    config_done(&cfg);
}

static void docker_file_loads(void **state) /* operations 19.1 */
{
    (void)state;
    struct config cfg;
    load_stock("docker", &cfg);
    assert_int_equal(cfg.xmpp_count, 2);
    assert_int_equal(cfg.xmpp[1].port, 6222);
    assert_false(cfg.xmpp[1].verify_certificate || cfg.health_require_address || cfg.use_vla_target_bitrate);
    assert_int_equal(cfg.xmpp[1].starttls, CONFIG_TLS_REQUIRED);
    assert_string_equal(cfg.http_private_host, "0.0.0.0");
    assert_true(cfg.relay);
    assert_int_equal(cfg.mappings_count, 2);
    assert_int_equal(cfg.mappings[0].public_port, 0);
    assert_string_equal(cfg.mappings[1].public_address, "2001:db8::1");
    assert_int_equal(cfg.mappings[1].public_port, 12345);
    config_done(&cfg);
}

static void ansible_and_nixos_files_load(void **state) /* operations 19.1 */
{
    (void)state;
    struct config cfg;
    load_stock("ansible", &cfg);
    assert_int_equal(cfg.xmpp_count, 2);
    assert_string_equal(cfg.xmpp[0].hostname, "shard1.example.org"); /* lower-case names */
    assert_string_equal(cfg.xmpp[0].password, "a,b");
    assert_int_equal(cfg.xmpp[1].muc_jids.n, 2);
    assert_string_equal(cfg.version_release, "123-456");
    assert_string_equal(cfg.relay_id, "10.0.0.1:4096");
    assert_true(cfg.health_interval_us == SEC(300));
    assert_int_equal(cfg.load_packet_rate, 140000);
    assert_false(cfg.harvest_ipv6);
    assert_int_equal(cfg.size_limits_count, 3);
    assert_int_equal(cfg.size_limits[1].size, 30);
    assert_int_equal(cfg.size_limits[1].last_n, 15);
    config_done(&cfg);

    load_stock("nixos", &cfg);
    assert_string_equal(cfg.xmpp[0].password, "from env");
    assert_string_equal(cfg.mappings[0].local_address, "10.0.0.2");
    config_done(&cfg);
}

static void the_sample_loads_without_a_warning(void **state)
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    assert_true(load(VECTORS "/../../deploy/jvb.conf", &cfg, &heard));
    if (strstr(heard.text, "W "))
        fail_msg("%s", heard.text);
    assert_int_equal(cfg.xmpp_count, 1);
    config_done(&cfg);
}

/* ---- small files made here ---- */

static char folder[] = "/tmp/kolibri-config-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static void write_text(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static bool load_text(const char *text, struct config *cfg, struct heard *heard)
{
    char path[256];
    write_text("jvb.conf", text);
    snprintf(path, sizeof path, "%s/jvb.conf", folder);
    return load(path, cfg, heard);
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"jvb.conf", "sip-communicator.properties"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void wrong_values_stop_the_start_with_their_line(void **state) /* operations 19.5 */
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"\nvideobridge.http-servers.public.port = \"abc\"", "E 2 videobridge.http-servers.public.port"},
        {"videobridge.http-servers.public.port = 65536", "E 1 videobridge.http-servers.public.port"},
        {"videobridge.ice.udp.port = -1", "E 1 videobridge.ice.udp.port"},
        {"videobridge.sctp.enabled = maybe", "E 1 videobridge.sctp.enabled"},
        {"videobridge.ssrc-limit.video = -1", "E 1 videobridge.ssrc-limit.video"},
        {"videobridge.ssrc-limit.audio = many", "E 1 videobridge.ssrc-limit.audio"},
        {"videobridge.load-management.conference-last-n-limits = 20", "E 1 videobridge.load-management.conf"},
        {"videobridge.load-management.conference-last-n-limits { many = 20 }", "E 1 videobridge.load-management.conf"},
        {"videobridge.load-management.conference-last-n-limits { 20 = all }", "E 1 videobridge.load-management.conf"},
        {"videobridge.load-management.conference-last-n-limits { 20 = -2 }", "E 1 videobridge.load-management.conf"},
        {"videobridge.load-management.conference-last-n-limits { -1 = 2 }", "E 1 videobridge.load-management.conf"},
        {"videobridge.cc.initial-last-n = -2", "E 1 videobridge.cc.initial-last-n"},
        {"videobridge.cc.max-oversend-bitrate = 500", "E 1 videobridge.cc.max-oversend-bitrate"},
        {"videobridge.health.interval = 5 weeks", "E 1 videobridge.health.interval"},
        {"videobridge.loudest.energy-alpha-pct = 101", "E 1 videobridge.loudest.energy-alpha-pct"},
        {"jmt.audio.red.policy = SOME", "E 1 jmt.audio.red.policy"},
        {"ice4j.harvest.allowed-addresses = {x = 1}", "E 1 ice4j.harvest.allowed-addresses"},
        {"ice4j.harvest.mapping.static-mappings = [{local-address = a}]", "E 1 a static mapping"},
        {"ice4j.harvest.mapping.static-mappings = [{local-address = a, public-address = b, local-port = 1}]",
         "E 1 a static mapping"},
        {"videobridge.relay.enabled = true", "E 0 videobridge.relay.relay-id"},
        {"videobridge { a = 1", "E 1 this { is never closed"},
        {"jmt.bwe.estimator { min-bw = 2 mbps, max-bw = 1 mbps }", "E 0 jmt.bwe.estimator.min-bw"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config cfg;
        struct heard heard = {0};
        bool ok = load_text(cases[i].text, &cfg, &heard);
        if (ok || !strstr(heard.text, cases[i].said))
            fail_msg("%s\nheard: %s", cases[i].text, heard.text);
        config_done(&cfg);
    }
}

static void what_is_odd_but_works_is_warned_about(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"videobridge.sctp.enable = true", "W 1 videobridge.sctp.enable is not a setting we know; the nearest is "
                                           "videobridge.sctp.enabled"},
        {"jmt.dtls.handshake-timout = 1 s", "the nearest is jmt.dtls.handshake-timeout"},
        {"videobridge.websockets.enabled = true", "W 0 "},
        {"videobridge.apis.xmpp-client.configs.a { HOSTNAME = h, USERNAME = u, MUC_JIDS = \"r@m\", MUC_NICKNAME = n }",
         "W 1 login a has no PASSWORD"},
        {"videobridge.apis.xmpp-client.configs.a { HOSTNAME = h, USERNAME = u, PASSWORD = p, MUC_JIDS = \"r@m\", "
         "MUC_NICKNAME = n, PORT = 0 }",
         "W 1 PORT"},
        {"videobridge.apis.xmpp-client.configs.a { HOSTNAME = h, USERNAME = u, PASSWORD = p, MUC_JIDS = \"r@m\", "
         "MUC_NICKNAME = n, SECURITY_MODE = so }",
         "W 1 SECURITY_MODE"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config cfg;
        struct heard heard = {0};
        bool ok = load_text(cases[i].text, &cfg, &heard);
        if (!ok || !strstr(heard.text, cases[i].said))
            fail_msg("%s\nheard: %s", cases[i].text, heard.text);
        assert_int_equal(cfg.xmpp_count, 0);
        config_done(&cfg);
    }
}

static void other_stock_keys_are_accepted_silently(void **state)
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    assert_true(load_text("videobridge { ice.nomination-strategy = NominateBestRTT, multi-stream.enabled = true\n"
                          " ice.tcp { enabled = false }, octo.bind-port = 4096, stats.transports = []\n"
                          " cryptex.endpoint = false, load-management.conference-last-n-limits { 20 = 20 } }\n"
                          "jmt { srtp.factory-class = x, debug.pcap.enabled = false }\n"
                          "ice4j.harvest.mapping.stun.enabled = false, tracing.enabled = false, other = 1\n",
                          &cfg, &heard));
    assert_null(strstr(heard.text, "W "));
    config_done(&cfg);
}

static void a_component_logs_in_with_its_secret(void **state)
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    assert_true(load_text("native.xmpp-component.configs.c { HOSTNAME = localhost, DOMAIN = jvb.example.org\n"
                          " PASSWORD = s, MUC_JIDS = \"a@b\", MUC_NICKNAME = n }",
                          &cfg, &heard));
    assert_int_equal(cfg.xmpp_count, 1);
    assert_true(cfg.xmpp[0].component);
    assert_int_equal(cfg.xmpp[0].port, 5347);
    config_done(&cfg);
}

static void defaults_are_the_stock_ones(void **state)
{
    (void)state;
    struct config cfg;
    config_defaults(&cfg);
    assert_int_equal(cfg.ice_udp_port, 10000);
    assert_true(cfg.sctp && !cfg.websockets && !cfg.route_loudest_only);
    assert_int_equal(cfg.default_max_height, 180);
    assert_int_equal(cfg.bridge_last_n, -1);
    assert_true(cfg.expiration_timeout_us == SEC(60) && cfg.max_inactivity_us == SEC(8));
    assert_true(cfg.bwe_initial_bps == 2500000);
    assert_int_equal(cfg.srtp_profiles.n, 2);
    assert_null(cfg.ice_software);
    config_done(&cfg);
}

static void the_file_is_found_through_java_sys_props(void **state)
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    char words[400];
    write_text("jvb.conf", "videobridge.ice.udp.port = 4443");
    snprintf(words, sizeof words, "-Xmx1g -Dconfig.file=%s/jvb.conf -Da=b", folder);
    heard.java_sys_props = words;
    assert_true(load(NULL, &cfg, &heard));
    assert_int_equal(cfg.ice_udp_port, 4443);
    config_done(&cfg);
    heard.java_sys_props = "-Dconfig.file=/nonexistent/jvb.conf"; /* named but absent */
    assert_false(load(NULL, &cfg, &heard));
    assert_non_null(strstr(heard.text, "no such file"));
    config_done(&cfg);
    assert_false(load("/", &cfg, &heard)); /* a directory cannot be read */
    config_done(&cfg);
}

static void old_names_in_jvb_conf_still_count(void **state) /* operations 4.9, 19.4 */
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    assert_true(load_text("videobridge { octo { enabled = true, region = eu, bind-address = \"10.0.0.1\" }\n"
                          " relay.region = us, cc { bwe-change-threshold-pct = 20, thumbnail-max-height-px = 90\n"
                          " default-max-height-px = 360, enable-onstage-video-suspend = true }\n"
                          " websockets { domain = a, domains = [b, c] } }\n"
                          "jmt.bwe.google-cc.max-bw = 5 mbps\n"
                          "org.ice4j.ice.harvest.DISABLE_AWS_HARVESTER = true\n",
                          &cfg, &heard));
    assert_true(cfg.relay);
    assert_string_equal(cfg.relay_region, "eu"); /* the old name wins */
    assert_string_equal(cfg.relay_id, "10.0.0.1");
    assert_true(cfg.bwe_change_threshold > 0.199 && cfg.bwe_change_threshold < 0.201);
    assert_int_equal(cfg.initial_max_height, 90);
    assert_int_equal(cfg.default_max_height, 90);
    assert_false(cfg.allow_oversend_onstage || cfg.aws_enabled);
    assert_true(cfg.bwe_max_bps == 5000000);
    assert_int_equal(cfg.websocket_domains.n, 3);
    assert_string_equal(cfg.websocket_domains.v[0], "a");
    config_done(&cfg);
}

static void sip_communicator_properties_beat_jvb_conf(void **state) /* operations 4.10, 19.1, 19.4 */
{
    (void)state;
    struct config cfg;
    struct heard heard = {0};
    write_text("sip-communicator.properties",
               "# comment\n! another\n"
               "org.ice4j.ice.harvest.DISABLE_AWS_HARVESTER=true\r\n"
               "org.ice4j.ice.harvest.STUN_MAPPING_HARVESTER_ADDRESSES=a.example.org:443, b.example.org:443\n"
               "org.jitsi.videobridge.ENABLE_STATISTICS=true\n"
               "org.jitsi.videobridge.STATISTICS_TRANSPORT=muc,colibri\n"
               "org.jitsi.videobridge.xmpp.user.shard.HOSTNAME=localhost\n"
               "org.jitsi.videobridge.xmpp.user.shard.DOMAIN=auth.meet.example.org\n"
               "org.jitsi.videobridge.xmpp.user.shard.USERNAME=jvb\n"
               "org.jitsi.videobridge.xmpp.user.shard.PASSWORD = p\\#\\u0040ss\n"
               "org.jitsi.videobridge.xmpp.user.shard.MUC_JIDS=JvbBrewery@internal.auth.\\\n   meet.example.org  \n"
               "org.jitsi.videobridge.xmpp.user.shard.MUC_NICKNAME: nick\n"
               "org.jitsi.videobridge.xmpp.user.half.HOSTNAME=localhost\n"
               "org.jitsi.videobridge.SINGLE_PORT_HARVESTER_PORT 4443\n"
               "org.jitsi.videobridge.EXPIRE_CHECK_SLEEP_SEC=30\n"
               "org.jitsi.videobridge.TRUST_BWE=nonsense\n"
               "org.jitsi.videobridge.ENABLE_REST_COLIBRI=true\n"
               "org.jitsi.videobridge.health.INTERVAL=abc\n");
    heard.java_sys_props = "-Dorg.ice4j.ice.harvest.NAT_HARVESTER_LOCAL_ADDRESS=10.0.0.2 "
                           "-Dorg.ice4j.ice.harvest.NAT_HARVESTER_PUBLIC_ADDRESS=198.51.100.7 "
                           "-Dvideobridge.sctp.max-channels=3 -Dvideobridge.ssrc-limit.audio=7";
    assert_true(load_text("videobridge { ice.udp.port = 10000, ssrc-limit.audio = 8, apis.xmpp-client.configs.new {\n"
                          " HOSTNAME = h, USERNAME = u, PASSWORD = p, MUC_JIDS = \"r@m\", MUC_NICKNAME = n } }\n"
                          "ice4j.harvest.mapping.static-mappings = [{local-address = a, public-address = b}]",
                          &cfg, &heard));
    assert_int_equal(cfg.xmpp_count, 1); /* trap 2: the new entries are ignored */
    assert_string_equal(cfg.xmpp[0].id, "shard");
    assert_string_equal(cfg.xmpp[0].password, "p#@ss");
    assert_string_equal(cfg.xmpp[0].muc_jids.v[0], "JvbBrewery@internal.auth.meet.example.org");
    assert_string_equal(cfg.xmpp[0].muc_nickname, "nick");
    assert_int_equal(cfg.ice_udp_port, 4443); /* trap 1 */
    assert_non_null(strstr(heard.text, "I 1 sip-communicator.properties:15 overrides videobridge.ice.udp.port"));
    assert_non_null(strstr(heard.text, "login half has no USERNAME"));
    assert_false(cfg.aws_enabled || cfg.rest_colibri || cfg.trust_bwe);
    assert_int_equal(cfg.stun_servers.n, 2);
    assert_true(cfg.expiration_check_us == SEC(30));
    assert_true(cfg.health_interval_us == SEC(60)); /* an old value that does not parse falls through */
    assert_int_equal(cfg.mappings_count, 2);
    assert_string_equal(cfg.mappings[0].public_address, "198.51.100.7"); /* trap 3 */
    assert_int_equal(cfg.sctp_max_channels, 3);
    assert_int_equal(cfg.ssrc_limit_audio, 8); /* the file beats a system property */
    config_done(&cfg);
    char path[256];
    snprintf(path, sizeof path, "%s/sip-communicator.properties", folder);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debian_files_load),
        cmocka_unit_test(docker_file_loads),
        cmocka_unit_test(ansible_and_nixos_files_load),
        cmocka_unit_test(the_sample_loads_without_a_warning),
        cmocka_unit_test(wrong_values_stop_the_start_with_their_line),
        cmocka_unit_test(what_is_odd_but_works_is_warned_about),
        cmocka_unit_test(other_stock_keys_are_accepted_silently),
        cmocka_unit_test(a_component_logs_in_with_its_secret),
        cmocka_unit_test(defaults_are_the_stock_ones),
        cmocka_unit_test(old_names_in_jvb_conf_still_count),
        cmocka_unit_test(sip_communicator_properties_beat_jvb_conf),
        cmocka_unit_test(the_file_is_found_through_java_sys_props),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

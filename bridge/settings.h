/* settings.h - every setting the bridge honours, one row each: key, type, field of struct config, default, meaning.
 *
 * Reading, checking and describing the configuration all walk this table. Rows are grouped as in the sample
 * deploy/jvb.conf. Included by config.h alone; see there for the types.
 * Keys and defaults are the stock bridge's (its reference.conf), where not marked "own". Durations become microseconds,
 * rates bits per second, whatever unit the file uses. */
#ifndef BRIDGE_SETTINGS_H
#define BRIDGE_SETTINGS_H

/* clang-format off */
#define SETTINGS_XMPP(X) \
    X("videobridge.apis.xmpp-client.presence-interval", US, presence_interval_us, SEC(5), "period of presence with statistics") \
    X("videobridge.apis.xmpp-client.stats-filter.enabled", BOOL, stats_filter, false, "presence carries only the statistics of the whitelist") \
    X("videobridge.apis.xmpp-client.stats-filter.whitelist", STRINGS, stats_whitelist, "average_participant_stress,colibri2,current_timestamp,drain,graceful_shutdown,healthy,region,relay_id,release,shutting_down,stress_level,version", "names of that whitelist")

#define SETTINGS_HTTP(X) \
    X("videobridge.http-servers.public.host", STRING, http_public_host, NULL, "bind address of the public server; unset: all") \
    X("videobridge.http-servers.public.port", PORT, http_public_port, -1, "WebSockets in clear, behind a proxy; -1: off") \
    X("videobridge.http-servers.public.tls-port", PORT, http_public_tls_port, -1, "WebSockets with TLS; -1: off") \
    X("videobridge.http-servers.public.key-store-path", STRING, http_public_key_store, NULL, "certificate and key of the public server, PEM or PKCS#12") \
    X("videobridge.http-servers.public.key-store-password", SECRET, http_public_key_store_password, NULL, "password of that file") \
    X("videobridge.http-servers.private.host", STRING, http_private_host, "127.0.0.1", "bind address of health, statistics, metrics, drain") \
    X("videobridge.http-servers.private.port", PORT, http_private_port, 8080, "port of the private server; -1: off") \
    X("videobridge.http-servers.private.tls-port", PORT, http_private_tls_port, 8443, "used only with a key store") \
    X("videobridge.http-servers.private.key-store-path", STRING, http_private_key_store, NULL, "certificate and key of the private server") \
    X("videobridge.http-servers.private.key-store-password", SECRET, http_private_key_store_password, NULL, "password of that file") \
    X("videobridge.apis.rest.enabled", BOOL, rest_colibri, false, "serve /colibri/stats and the rest of the Colibri group") \
    X("videobridge.rest.debug.enabled", BOOL, rest_debug, true, "serve /debug") \
    X("videobridge.rest.drain.enabled", BOOL, rest_drain, true, "serve /colibri/drain") \
    X("videobridge.rest.health.enabled", BOOL, rest_health, true, "serve /about/health") \
    X("videobridge.rest.prometheus.enabled", BOOL, rest_prometheus, true, "serve /metrics") \
    X("videobridge.rest.rtcstats.enabled", BOOL, rest_rtcstats, true, "serve /stats") \
    X("videobridge.rest.shutdown.enabled", BOOL, rest_shutdown, false, "serve /colibri/shutdown; needs apis.rest.enabled too") \
    X("videobridge.rest.version.enabled", BOOL, rest_version, true, "serve /about/version")

#define SETTINGS_ICE(X) \
    X("videobridge.ice.udp.port", PORT, ice_udp_port, 10000, "the one media port") \
    X("videobridge.ice.ufrag-prefix", STRING, ice_ufrag_prefix, NULL, "put in front of every ufrag, for load balancers that route on it") \
    X("videobridge.ice.advertise-private-candidates", BOOL, ice_advertise_private, true, "tell clients our private addresses too") \
    X("videobridge.ice.restart.enabled", BOOL, ice_restart, true, "ICE restart on request") \
    X("videobridge.ice.restart.transition-window", US, ice_restart_transition_us, SEC(3), "how long the old path stays valid") \
    X("videobridge.ice.restart.timeout", US, ice_restart_timeout_us, SEC(20), "give a restart up after this; 0: refuse all") \
    X("ice4j.harvest.use-ipv6", BOOL, harvest_ipv6, true, "gather IPv6 addresses") \
    X("ice4j.harvest.use-link-local-addresses", BOOL, harvest_link_local, false, "gather fe80::/10 and 169.254/16") \
    X("ice4j.harvest.timeout", US, harvest_timeout_us, SEC(15), "longest wait for address mapping before login") \
    X("ice4j.harvest.udp.receive-buffer-size", COUNT, udp_receive_buffer_bytes, 10485760, "SO_RCVBUF of the media sockets") \
    X("ice4j.harvest.allowed-addresses", STRINGS, harvest_allowed_addresses, NULL, "when set: only these host addresses") \
    X("ice4j.harvest.blocked-addresses", STRINGS, harvest_blocked_addresses, NULL, "never these host addresses") \
    X("ice4j.harvest.allowed-interfaces", STRINGS, harvest_allowed_interfaces, NULL, "when set: only these interfaces") \
    X("ice4j.harvest.blocked-interfaces", STRINGS, harvest_blocked_interfaces, NULL, "never these; ignored when allowed-interfaces is set") \
    X("ice4j.harvest.mapping.aws.enabled", BOOL, aws_enabled, true, "ask EC2's metadata service for our public address") \
    X("ice4j.harvest.mapping.aws.force", BOOL, aws_force, false, "ask even if this does not look like EC2") \
    X("ice4j.harvest.mapping.stun.addresses", STRINGS, stun_servers, NULL, "host:port of STUN servers that tell us our public address") \
    X("ice4j.ice.max-check-list-size", COUNT, ice_pairs_max, 100, "candidate pairs per endpoint") \
    X("ice4j.ice.termination-delay", US, ice_termination_us, SEC(3), "keep other candidates this long after success") \
    X("ice4j.software", STRING, ice_software, NULL, "STUN SOFTWARE attribute; unset: not sent") \
    X("ice4j.consent-freshness.interval", US, consent_interval_us, SEC(5), "period of consent checks (RFC 7675)") \
    X("ice4j.consent-freshness.original-wait-interval", US, consent_wait_us, MS(500), "first retransmission of a consent check") \
    X("ice4j.consent-freshness.max-wait-interval", US, consent_max_wait_us, MS(500), "longest retransmission interval") \
    X("ice4j.consent-freshness.max-retransmissions", COUNT, consent_retransmissions, 5, "unanswered ones until consent is lost") \
    X("ice4j.consent-freshness.randomize-interval", BOOL, consent_randomize, true, "vary the period by 0.8 to 1.2")

#define SETTINGS_CHANNEL(X) \
    X("videobridge.sctp.enabled", BOOL, sctp, true, "bridge channel over SCTP data channels") \
    X("videobridge.sctp.max-channels", COUNT, sctp_max_channels, 1, "data channels accepted per endpoint") \
    X("videobridge.websockets.enabled", BOOL, websockets, false, "bridge channel over WebSockets") \
    X("videobridge.websockets.server-id", STRING, websocket_server_id, "default-id", "second path element of the URL") \
    X("videobridge.websockets.domains", STRINGS, websocket_domains, NULL, "host[:port] advertised, one URL each; `domain` comes first") \
    X("videobridge.websockets.relay-domains", STRINGS, websocket_relay_domains, NULL, "the same between bridges; unset: domains") \
    X("videobridge.websockets.tls", TRI, websocket_tls, CONFIG_UNSET, "wss or ws in the URL; unset: whether the public server has TLS") \
    X("videobridge.websockets.enable-compression", BOOL, websocket_compression, true, "accept permessage-deflate") \
    X("videobridge.websockets.send-keepalive-pings", BOOL, websocket_pings, true, "ping idle sockets") \
    X("videobridge.websockets.keepalive-ping-interval", US, websocket_ping_interval_us, SEC(15), "after this much silence of ours") \
    X("videobridge.websockets.idle-timeout", US, websocket_idle_timeout_us, SEC(60), "close after this much silence of the peer") \
    X("videobridge.relay.enabled", BOOL, relay, false, "links to other bridges") \
    X("videobridge.relay.region", STRING, relay_region, NULL, "region in presence, also when relay is disabled") \
    X("videobridge.relay.relay-id", STRING, relay_id, NULL, "our unique id among bridges; required when enabled")

#define SETTINGS_FORWARDING(X) \
    X("videobridge.cc.bwe-change-threshold", DOUBLE, bwe_change_threshold, 0.15, "react to larger relative changes of the estimate only") \
    X("videobridge.cc.default-max-height-px", COUNT, default_max_height, 180, "for a first ReceiverVideoConstraints without default") \
    X("videobridge.cc.initial-max-height-px", COUNT, initial_max_height, 0, "before the first ReceiverVideoConstraints") \
    X("videobridge.cc.onstage-preferred-height-px", COUNT, onstage_preferred_height, 360, "given to sources on stage before others improve") \
    X("videobridge.cc.onstage-preferred-framerate", DOUBLE, onstage_preferred_framerate, 30, "the same, frames per second") \
    X("videobridge.cc.allow-oversend-onstage", BOOL, allow_oversend_onstage, true, "send a shared screen's lowest layer despite the estimate") \
    X("videobridge.cc.max-oversend-bitrate", BPS, max_oversend_bps, 500000, "by at most this much") \
    X("videobridge.cc.trust-bwe", BOOL, trust_bwe, true, "false: behave as if bandwidth were endless") \
    X("videobridge.cc.padding-period", US, padding_period_us, MS(15), "probing tick") \
    X("videobridge.cc.max-time-between-calculations", US, max_between_allocations_us, SEC(5), "allocate at least this often") \
    X("videobridge.cc.jvb-last-n", INT, bridge_last_n, -1, "cap on video sources for everybody; -1: none") \
    X("videobridge.cc.initial-last-n", INT, initial_last_n, -1, "last-n of a receiver that has not said one") \
    X("videobridge.cc.assumed-bandwidth-limit", BPS, assumed_bandwidth_limit_bps, 0, "receivers may override the estimate up to this; 0: never") \
    X("videobridge.cc.use-vla-target-bitrate", BOOL, use_vla_target_bitrate, false, "allocate by the sender's VLA targets, not by measured rates") \
    X("videobridge.ssrc-limit.video", COUNT, ssrc_limit_video, 50, "SSRC rewriting: video slots per receiver") \
    X("videobridge.ssrc-limit.audio", COUNT, ssrc_limit_audio, 50, "SSRC rewriting: audio slots per receiver") \
    X("videobridge.loudest.route-loudest-only", BOOL, route_loudest_only, false, "forward the loudest speakers only") \
    X("videobridge.loudest.num-loudest", COUNT, num_loudest, 3, "how many those are") \
    X("videobridge.loudest.always-route-dominant", BOOL, always_route_dominant, true, "and always the dominant speaker") \
    X("videobridge.loudest.energy-expire-time", US, energy_expire_us, MS(150), "silence after which a place is free") \
    X("videobridge.loudest.energy-alpha-pct", COUNT, energy_alpha_pct, 50, "weight of the newest level, percent") \
    X("videobridge.speech-activity.recent-speakers-count", COUNT, recent_speakers, 10, "length of previousSpeakers") \
    X("videobridge.speech-activity.enable-silence-detection", BOOL, silence_detection, false, "tell clients when nobody speaks") \
    X("videobridge.speech-activity.silence-detection-timeout", US, silence_timeout_us, SEC(3), "after this long") \
    X("videobridge.stats-filter-threshold", COUNT, stats_filter_threshold, 20, "EndpointStats are filtered in larger conferences") \
    X("videobridge.connection-stats.enabled", BOOL, connection_stats, true, "send ConnectionStats to clients") \
    X("videobridge.connection-stats.interval", US, connection_stats_interval_us, SEC(10), "their period") \
    X("videobridge.transport.send.queue-size", COUNT, send_queue_packets, 1024, "packets queued per endpoint at most")

#define SETTINGS_LIFETIME(X) \
    X("videobridge.entity-expiration.timeout", US, expiration_timeout_us, SEC(60), "an inactive endpoint or conference goes after this") \
    X("videobridge.entity-expiration.check-interval", US, expiration_check_us, SEC(60), "how often that is looked at") \
    X("videobridge.ep-connection-status.first-transfer-timeout", US, first_transfer_timeout_us, SEC(15), "new endpoint without any activity: inactive") \
    X("videobridge.ep-connection-status.max-inactivity-limit", US, max_inactivity_us, SEC(8), "known endpoint without any activity: inactive") \
    X("videobridge.ep-connection-status.check-interval", US, connection_check_us, MS(500), "how often that is looked at") \
    X("videobridge.health.interval", US, health_interval_us, SEC(60), "period of health checks") \
    X("videobridge.health.timeout", US, health_timeout_us, SEC(90), "an older result counts as failure") \
    X("videobridge.health.max-check-duration", US, health_max_check_us, SEC(3), "a longer check counts as failure") \
    X("videobridge.health.sticky-failures", BOOL, health_sticky, false, "a late failure stays until restart") \
    X("videobridge.health.require-valid-address", BOOL, health_require_address, true, "unhealthy without a public address") \
    X("videobridge.health.require-stun", BOOL, health_require_stun, false, "unhealthy when no STUN server answered") \
    X("videobridge.shutdown.graceful-shutdown-max-duration", US, graceful_max_us, SEC(86400), "a graceful shutdown ends after this at the latest") \
    X("videobridge.shutdown.graceful-shutdown-min-participants", COUNT, graceful_min_participants, 0, "and when no more than these are left") \
    X("videobridge.shutdown.shutting-down-delay", US, shutting_down_delay_us, SEC(60), "time for the focus to move people before exit") \
    X("videobridge.initial-drain-mode", BOOL, initial_drain, false, "start drained") \
    X("videobridge.load-management.average-participant-stress", DOUBLE, average_participant_stress, 0.01, "told to the focus") \
    X("videobridge.load-management.load-measurements.load-measurement", LOAD, load_measurement, CONFIG_LOAD_CPU, "cpu-usage or packet-rate") \
    X("videobridge.load-management.load-measurements.packet-rate.load-threshold", COUNT, load_packet_rate, 50000, "packets per second, both ways, that mean stress 1") \
    X("videobridge.load-management.load-measurements.packet-rate.recovery-threshold", COUNT, recovery_packet_rate, 40000, "packets per second below which load has recovered") \
    X("videobridge.load-management.load-measurements.cpu-usage.load-threshold", DOUBLE, load_cpu, 0.9, "share of the CPU that means stress 1") \
    X("videobridge.load-management.load-measurements.cpu-usage.recovery-threshold", DOUBLE, recovery_cpu, 0.72, "share of the CPU below which load has recovered") \
    X("videobridge.stats.interval", US, stats_interval_us, SEC(5), "how often metrics are updated") \
    X("videobridge.version.announce", BOOL, version_announce, false, "ServerHello carries our version") \
    X("videobridge.version.release", STRING, version_release, NULL, "appended to the version that the focus compares")

#define SETTINGS_MEDIA(X) \
    X("jmt.bwe.estimator.initial-bw", BPS, bwe_initial_bps, 2500000, "first bandwidth estimate") \
    X("jmt.bwe.estimator.min-bw", BPS, bwe_min_bps, 30000, "lowest bandwidth estimate") \
    X("jmt.bwe.estimator.max-bw", BPS, bwe_max_bps, 20000000, "highest bandwidth estimate") \
    X("jmt.dtls.handshake-timeout", US, dtls_timeout_us, SEC(30), "give a handshake up after this") \
    X("jmt.dtls.cipher-suites", STRINGS, dtls_cipher_suites, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "IANA names") \
    X("jmt.dtls.local-fingerprint-hash-function", STRING, dtls_local_hash, "sha-256", "hash of our fingerprint") \
    X("jmt.dtls.accepted-fingerprint-hash-functions", STRINGS, dtls_accepted_hashes, "sha-512,sha-384,sha-256,sha-1", "hashes of theirs") \
    X("jmt.srtp.protection-profiles", STRINGS, srtp_profiles, "SRTP_AEAD_AES_128_GCM,SRTP_AES128_CM_HMAC_SHA1_80", "in order of preference") \
    X("jmt.keyframe.min-interval", US, keyframe_min_interval_us, MS(200), "between key frame requests of one receiver for one source") \
    X("jmt.keyframe.max-requests", COUNT, keyframe_max_requests, 3, "of those within max-request-interval") \
    X("jmt.keyframe.max-request-interval", US, keyframe_window_us, SEC(10), "see max-requests") \
    X("jmt.keyframe.source-wide-min-interval", US, keyframe_source_min_interval_us, MS(200), "between requests of all receivers") \
    X("jmt.keyframe.source-wide-max-requests", COUNT, keyframe_source_max_requests, 1, "of those within source-wide-max-request-interval") \
    X("jmt.keyframe.source-wide-max-request-interval", US, keyframe_source_window_us, MS(200), "see source-wide-max-requests") \
    X("jmt.audio.red.policy", RED, red_policy, CONFIG_RED_NOOP, "NOOP, STRIP or PROTECT_ALL") \
    X("jmt.audio.level.forwarded-silence-packets-limit", COUNT, forwarded_silence_packets, 3, "silent audio packets forwarded in a row") \
    X("jmt.audio.level.discard-silence", BOOL, discard_silence, true, "drop the later ones")

/* own: keys below `native` do not exist in the stock bridge */
#define SETTINGS_NATIVE(X) \
    X("native.workers", COUNT, workers, 0, "media threads; 0: one per CPU") \
    X("native.explain-socket", STRING, explain_socket, NULL, "UNIX socket that tells who is shown what, and why no better; unset: none") \
    X("native.map-lead", US, map_lead_us, 250 * US_PER_MS, "a client is told of an SSRC so long before it gets packets on it") \
    X("native.steady-layers", BOOL, steady_layers, true, "give a receiver more only when its estimate holds; false: follow each estimate, as the stock bridge")

#define SETTINGS(X) \
    SETTINGS_XMPP(X) SETTINGS_HTTP(X) SETTINGS_ICE(X) SETTINGS_CHANNEL(X) SETTINGS_FORWARDING(X) SETTINGS_LIFETIME(X) \
    SETTINGS_MEDIA(X) SETTINGS_NATIVE(X)
/* clang-format on */

#endif

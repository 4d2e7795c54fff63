-- A private Prosody for tests/e2e/xmpp. Everything that varies comes by environment: P_DIR, P_C2S, P_COMPONENT, P_TLS.
local dir = os.getenv("P_DIR");

run_as_root = true;
daemonize = false;
pidfile = dir .. "/prosody.pid";
data_path = dir .. "/data";
plugin_paths = { os.getenv("P_PLUGINS") };
certificates = dir;
log = { info = dir .. "/prosody.log" };

interfaces = { "127.0.0.1" };
c2s_ports = { tonumber(os.getenv("P_C2S")) };
component_ports = { tonumber(os.getenv("P_COMPONENT")) };
c2s_direct_tls_ports = {}; http_ports = {}; https_ports = {}; s2s_ports = {};

c2s_require_encryption = false;
authentication = "internal_hashed";
storage = "internal";
network_backend = "epoll";
modules_enabled = { "saslauth"; "roster"; "disco"; "presence"; "message"; "iq"; "ping"; "posix"; "smacks"; os.getenv("P_TLS") == "1" and "tls" or nil };
modules_disabled = { "s2s"; "offline"; os.getenv("P_TLS") ~= "1" and "tls" or nil };
smacks_hibernation_time = 60;
if os.getenv("P_TLS") == "1" then
	ssl = { certificate = dir .. "/auth.test.crt"; key = dir .. "/auth.test.key" };
end

VirtualHost "auth.test"
VirtualHost "misnamed.test" -- its certificate says auth.test
VirtualHost "guest.test"
	authentication = "anonymous"

local trusted = { "focus@auth.test"; "jvb@auth.test"; "jvb@bridge.test" };

Component "internal.auth.test" "muc"
	storage = "memory"
	muc_room_locking = false
	admins = trusted

Component "strict.test" "muc" -- no room but the admins'
	restrict_room_creation = true
	muc_room_locking = false
	admins = { "focus@auth.test" }

Component "silent.test" "muc" -- swallows joins, as muc_filter_access does
	modules_enabled = { "swallow" }

Component "bridge.test"
	component_secret = "component secret"

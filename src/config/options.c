#include "config/options.h"

#include "base/log.h"
#include "base/spelling.h"
#include "config/value.h"
#include "os/sandbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint64_t *option_member(struct config *c, const struct option *o)
{
	void *from = o->scope == OPTION_RELAY ? (void *)config_settings(c)
					      : (void *)c;

	return (uint64_t *)(void *)((char *)from + o->offset);
}

struct position *option_place(struct config *c, const struct option *o)
{
	return &config_settings(c)->given[o - options];
}

static int parse_listen(struct config *c, const struct option *o,
			const char *text, struct fault *why)
{
	(void)o;
	return config_add_listener(c, text, why);
}

static int parse_to(struct config *c, const struct option *o, const char *text,
		    struct fault *why)
{
	(void)o;
	return config_add_backend(c, text, why);
}

static int parse_exec(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	(void)o;
	return config_add_command(c, text, why);
}

static int parse_allow(struct config *c, const struct option *o,
		       const char *text, struct fault *why)
{
	(void)o;
	return settings_add_rule(config_settings(c), text, true, why);
}

static int parse_deny(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	(void)o;
	return settings_add_rule(config_settings(c), text, false, why);
}

static int parse_rate(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	struct rate *rate = (void *)option_member(c, o);
	int err = rate_parse(rate, text);

	if (err == -ERANGE)
		return fault_set(why, -EINVAL,
				 "\"%s\" is out of range (1/m to %" PRIu64
				 "/s; 0: no limit)",
				 text, RATE_MOST);
	if (err < 0)
		return fault_set(why, err,
				 "\"%s\" is not a rate (try 10/s, 30/m, or 0 "
				 "for no limit)",
				 text);
	return 0;
}

static int parse_front(struct config *c, const struct option *o,
		       const char *text, struct fault *why)
{
	(void)o;
	return settings_add_front(config_settings(c), text, why);
}

static int parse_status(struct config *c, const struct option *o,
			const char *text, struct fault *why)
{
	(void)o;
	return config_set_status(c, text, why);
}

static int parse_proxy_version(struct config *c, const struct option *o,
			       const char *text, struct fault *why)
{
	static const char *const names[] = {
		[PROXY_NONE] = "off", [PROXY_V1] = "v1", [PROXY_V2] = "v2"};

	for (uint64_t version = PROXY_NONE; version <= PROXY_V2; version++) {
		if (strcmp(text, names[version]) != 0)
			continue;
		*option_member(c, o) = version;
		return 0;
	}
	return fault_set(why, -EINVAL,
			 "\"%s\" is no version of the PROXY protocol (try v1, "
			 "v2 or off)",
			 text);
}

static int parse_http(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	(void)o;
	return http_set(&c->http, text, why);
}

static int parse_http_host(struct config *c, const struct option *o,
			   const char *text, struct fault *why)
{
	(void)o;
	return http_add_host(&c->http, text, why);
}

static int parse_level(struct config *c, const struct option *o,
		       const char *text, struct fault *why)
{
	enum log_level level;

	if (log_level_parse(text, &level) < 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is not a log level (try error, warn, "
				 "info or debug)",
				 text);
	*option_member(c, o) = level;
	return 0;
}

static int parse_path(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	(void)o;
	if (!config_add_name(&c->paths, text))
		return fault_set(why, -ENOMEM, "out of memory");
	return 0;
}

static int parse_take(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	(void)o;
	return takes_add(&c->takes, text, why);
}

static int parse_log_format(struct config *c, const struct option *o,
			    const char *text, struct fault *why)
{
	bool json = strcmp(text, "json") == 0;

	if (!json && strcmp(text, "text") != 0)
		return fault_set(why, -EINVAL,
				 "\"%s\" is neither text nor json", text);
	*option_member(c, o) = json;
	return 0;
}

static int parse_log_to(struct config *c, const struct option *o,
			const char *text, struct fault *why)
{
	return log_to_parse((void *)option_member(c, o), text, why);
}

/* Whether there is such a user is seen when one is needed: the names are not at
 * hand when lowport reads its configuration again. */
static int parse_user(struct config *c, const struct option *o,
		      const char *text, struct fault *why)
{
	const char *colon = strchr(text, ':');
	char *copy;

	(void)o;
	if (text[0] == '\0' || colon == text || strpbrk(text, " \t/,;?*") ||
	    (colon && (colon[1] == '\0' || strchr(colon + 1, ':'))))
		return fault_set(why, -EINVAL,
				 "\"%s\" is no user (try nobody, or "
				 "nobody:GROUP)",
				 text);
	if (strcmp(text, "none") == 0) {
		free(c->user);
		c->user = NULL;
		return 0;
	}
	copy = strdup(text);
	if (!copy)
		return fault_set(why, -ENOMEM, "out of memory");
	free(c->user);
	c->user = copy;
	return 0;
}

static int parse_sandbox(struct config *c, const struct option *o,
			 const char *text, struct fault *why)
{
	static const char *const names[] = {[SANDBOX_OFF] = "off",
					    [SANDBOX_ON] = "on",
					    [SANDBOX_STRICT] = "strict"};

	for (uint64_t mode = SANDBOX_OFF; mode <= SANDBOX_STRICT; mode++) {
		if (strcmp(text, names[mode]) != 0)
			continue;
		*option_member(c, o) = mode;
		return 0;
	}
	return fault_set(why, -EINVAL, "\"%s\" is none of on, strict and off",
			 text);
}

/* "on" alone, as it is read where nothing is said, means whoever runs. */
static int parse_replace(struct config *c, const struct option *o,
			 const char *text, struct fault *why)
{
	*option_member(c, o) = 1;
	if (strcmp(text, "on") == 0)
		return 0;
	c->replaced = strdup(text);
	return c->replaced ? 0 : fault_set(why, -ENOMEM, "out of memory");
}

#define AT(name) offsetof(struct config, name)
#define OF(name) offsetof(struct settings, name)
#define DAY      UINT64_C(86400000)

const struct option options[] = {
	{"config", OPTION_ONCE, "FILE", true, parse_path, 0, 0, 0, NULL,
	 "read this, or each *.conf of a folder, as lowport.conf(5) has it (-c "
	 "for short); what is said here goes before what it says for all "
	 "relays"},
	{"replace", OPTION_ONCE, NULL, false, parse_replace, AT(replace), 0, 0,
	 NULL,
	 "take the listeners over from the lowport that runs: it lets its "
	 "connections finish for its --drain-timeout, and ends; "
	 "--replace=NAME says which one"},
	{"take", OPTION_ONCE, "SOURCE", true, parse_take, 0, 0, 0, NULL,
	 "take what systemd, systemd:NAME, launchd:NAME or fd:N hands over for "
	 "the listeners at the very addresses where it is bound, instead of "
	 "binding them; may be repeated"},
	{"listen", OPTION_GROUP, "SPEC", true, parse_listen, 0, 0, 0, NULL,
	 "take connections here; may be repeated"},
	{"to", OPTION_GROUP, "BACKEND", true, parse_to, 0, 0, 0, NULL,
	 "and forward them there; a repeated --to is tried when the one "
	 "before cannot be reached"},
	{"exec", OPTION_GROUP, "COMMAND", true, parse_exec, 0, 0, 0, NULL,
	 "start this for the first client, and forward to it; --to says where "
	 "it listens (auto, if there is none)"},
	{"stop-idle", OPTION_RELAY, "TIME", false, value_time, OF(stop_idle_ms),
	 0, 1000 * DAY, "10m",
	 "stop what --exec has started when nobody was connected for so long; "
	 "0: never"},
	{"exit-on-idle", OPTION_PROCESS, "TIME", false, value_time,
	 AT(exit_on_idle_ms), 0, 1000 * DAY, "0",
	 "end when nobody was connected for so long, and let systemd or "
	 "launchd start lowport for the next one; 0: never"},
	{"connect-timeout", OPTION_RELAY, "TIME", false, value_time,
	 OF(connect_timeout_ms), 1, DAY, "5s",
	 "how long one address of a backend may take to answer"},
	{"wait-for-backend", OPTION_RELAY, "TIME", false, value_time,
	 OF(wait_for_backend_ms), 0, DAY, "0",
	 "hold a client so long while no backend is there yet (it restarts, "
	 "say), instead of refusing it; 0: not at all"},
	{"max-waiting", OPTION_PROCESS, "N", false, value_number,
	 AT(max_waiting), 1, 1000000, "1000",
	 "hold at most so many, of all listeners; others are refused"},
	{"idle-timeout", OPTION_RELAY, "TIME", false, value_time,
	 OF(idle_timeout_ms), 0, 1000 * DAY, "0",
	 "end a connection on which no byte has moved for so long; 0: never"},
	{"half-close-timeout", OPTION_RELAY, "TIME", false, value_time,
	 OF(half_close_timeout_ms), 0, 1000 * DAY, "10m",
	 "the same, once one direction has ended; 0: never"},
	{"drain-timeout", OPTION_PROCESS, "TIME", false, value_time,
	 AT(drain_timeout_ms), 0, 1000 * DAY, "30s",
	 "on SIGTERM, how long open connections may take to finish"},
	{"proxy-protocol", OPTION_RELAY, "off|v1|v2", false,
	 parse_proxy_version, OF(send_proxy), 0, 0, "off",
	 "tell the backend the client's address, in a PROXY header"},
	{"accept-proxy", OPTION_RELAY, "CIDR|unix", true, parse_front, 0, 0, 0,
	 NULL,
	 "a proxy in front that is believed: its connections begin with a "
	 "PROXY header; may be repeated"},
	{"proxy-timeout", OPTION_RELAY, "TIME", false, value_time,
	 OF(proxy_timeout_ms), 1, DAY, "5s",
	 "how long that header may take to come"},
	{"max-connections", OPTION_PROCESS, "N", false, value_number_or_auto,
	 AT(max_connections), 1, 1000000, "auto",
	 "at most so many at a time, the backlog holds the rest; auto: what "
	 "the descriptor limit carries"},
	{"allow", OPTION_RELAY, "CIDR", true, parse_allow, 0, 0, 0, NULL,
	 "let clients of this network in (10.0.0.0/8, fd00::/8, 127.0.0.1). "
	 "Of --allow and --deny the first that fits decides; without one that "
	 "fits, clients are refused if there is any --allow, else let in"},
	{"deny", OPTION_RELAY, "CIDR", true, parse_deny, 0, 0, 0, NULL,
	 "refuse clients of this network, likewise"},
	{"max-connections-per-source", OPTION_RELAY, "N", false, value_number,
	 OF(max_per_source), 0, 1000000, "0",
	 "at most so many at a time from one IPv4 address or IPv6 /64, further "
	 "ones are refused; 0: no limit"},
	{"max-rate", OPTION_RELAY, "N/s|N/m", false, parse_rate, OF(max_rate),
	 0, 0, "0",
	 "at most so many new connections a second (minute) from one such "
	 "source, as many at once; 0: no limit"},
	{"threads", OPTION_PROCESS, "N", false, value_number_or_auto,
	 AT(threads), 1, 64, "auto",
	 "share the connections among so many; auto: one for each performance "
	 "core, at most 4"},
	{"keepalive", OPTION_RELAY, "TIME", false, value_seconds,
	 OF(keepalive_s), 0, UINT64_C(32767000), "60s",
	 "probe a peer that has been silent for so long; 0: never"},
	{"listener-check", OPTION_PROCESS, "TIME", false, value_time,
	 AT(listener_check_ms), 0, 1000 * DAY, "30s",
	 "look so often whether each listener still listens; 0: never"},
	{"backlog", OPTION_RELAY, "N", false, value_number, OF(backlog), 1,
	 65535, "4096",
	 "how many clients may wait to be accepted (the system caps it)"},
	{"unix-mode", OPTION_RELAY, "MODE", false, value_mode, OF(unix_mode), 0,
	 0777, "0600", "permissions of the socket files that unix:/path makes"},
	{"splice", OPTION_PROCESS, "auto|off", false, value_switch, AT(splice),
	 0, 0, "auto",
	 "let the kernel move bulk data by itself where it can (Linux)"},
	{"user", OPTION_PROCESS, "NAME[:GROUP]", false, parse_user, AT(user), 0,
	 0, "none",
	 "started as root: become this user for good once everything is open"},
	{"allow-root", OPTION_ONCE, NULL, false, value_on_off, AT(allow_root),
	 0, 0, NULL, "stay root, which nothing here needs"},
	{"sandbox", OPTION_PROCESS, "on|strict|off", false, parse_sandbox,
	 AT(sandbox), 0, 0, "on",
	 "once it serves, keep from lowport the files and system calls that it "
	 "has no use for (Linux, without --exec); strict: whoever tries one "
	 "ends it"},
	{"log-level", OPTION_PROCESS, "LEVEL", false, parse_level,
	 AT(log_level), 0, 0, "info", "error, warn, info or debug"},
	{"access-log", OPTION_RELAY, "on|off", false, value_switch,
	 OF(access_log), 0, 0, "on",
	 "one line for each connection when it has ended"},
	{"log-format", OPTION_PROCESS, "text|json", false, parse_log_format,
	 AT(log_json), 0, 0, "text",
	 "lines for people, or one JSON object a line"},
	{"log-to", OPTION_PROCESS, "stderr|FILE|syslog", false, parse_log_to,
	 AT(log_to), 0, 0, "stderr",
	 "where the log goes; SIGUSR2 opens a FILE anew, syslog:local0 names "
	 "the facility"},
	{"status", OPTION_PROCESS, "PATH|none", false, parse_status, AT(status),
	 0, 0, "auto",
	 "the socket that lowport status asks: a path, a name for one in the "
	 "runtime directory, or none"},
	{"http", OPTION_PROCESS, "ADDR:PORT|unix:/path", false, parse_http,
	 AT(http.at), 0, 0, "off",
	 "show here what lowport does: a page for a browser, /metrics for "
	 "Prometheus, /status.json and /healthz"},
	{"http-host", OPTION_PROCESS, "NAME", true, parse_http_host, 0, 0, 0,
	 NULL,
	 "a name that browsers may call it by there, beside localhost and its "
	 "address; may be repeated"},
	{"http-anywhere", OPTION_PROCESS, "on|off", false, value_on_off,
	 AT(http.anywhere), 0, 0, "off",
	 "let --http be at an address that other machines may reach; there is "
	 "no password"},
	{NULL, OPTION_PROCESS, NULL, false, NULL, 0, 0, 0, NULL, NULL},
};

const struct option *option_find(const char *name)
{
	for (const struct option *o = options; o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

const struct option *option_suggest(const char *name)
{
	const struct option *nearest = NULL;
	size_t least = SIZE_MAX;

	for (const struct option *o = options; o->name; o++) {
		size_t d = spelling_distance(name, o->name);

		if (d < least && spelling_resembles(name, o->name)) {
			least = d;
			nearest = o;
		}
	}
	return nearest;
}

#include "cli/brief.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *text;
} briefs[] = {
	{"config", "read this file, or folder (-c)"},
	{"replace", "take over from the one that runs"},
	{"take", "listen with what SOURCE hands over"},
	{"listen", "take connections here (repeatable)"},
	{"to", "forward them there; another --to: instead"},
	{"exec", "start this for the first client"},
	{"stop-idle", "stop it when unused for so long"},
	{"exit-on-idle", "end lowport when unused for so long"},
	{"connect-timeout", "for one address of a backend"},
	{"wait-for-backend", "hold clients while no backend is there"},
	{"max-waiting", "hold at most so many of them"},
	{"idle-timeout", "end connections without traffic"},
	{"half-close-timeout", "likewise, once one side has ended"},
	{"drain-timeout", "on SIGTERM, let connections finish"},
	{"proxy-protocol", "tell the backend who calls"},
	{"accept-proxy", "believe PROXY headers from there"},
	{"proxy-timeout", "how long such a header may take"},
	{"max-connections", "at most so many at a time"},
	{"allow", "let in clients of this network"},
	{"deny", "refuse clients of this network"},
	{"max-connections-per-source", "from one IPv4 or IPv6 /64"},
	{"max-rate", "new ones from one such source"},
	{"threads", "share connections among so many"},
	{"keepalive", "probe peers silent for so long"},
	{"listener-check", "see if listeners are alive so often"},
	{"backlog", "clients that may wait to be accepted"},
	{"unix-mode", "permissions of unix:/path listeners"},
	{"splice", "let the kernel move bulk data"},
	{"user", "as root: become this user"},
	{"allow-root", "stay root"},
	{"sandbox", "keep from it what it has no use for"},
	{"status", "the socket that lowport status asks"},
	{"http", "show there what lowport does"},
	{"http-host", "a name that it may be called by there"},
	{"http-anywhere", "let other machines reach --http"},
	{"log-format", "lines for people, or for programs"},
	{"log-to", "where the log goes"},
	{"log-level", "error, warn, info or debug"},
	{"access-log", "a line for each ended connection"},
};

/* How long the first part of a sentence is. */
static size_t clause(const char *text)
{
	static const char *const ends[] = {"; ", ": ", ". ", " (", ", "};
	size_t length = strlen(text);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = strstr(text, ends[i]);

		if (end && (size_t)(end - text) < length)
			length = (size_t)(end - text);
	}
	return length;
}

void brief_option(const struct option *o, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof(briefs) / sizeof(briefs[0]); i++)
		if (strcmp(briefs[i].name, o->name) == 0) {
			snprintf(buf, size, "%s", briefs[i].text);
			return;
		}
	snprintf(buf, size, "%.*s", (int)clause(o->help), o->help);
}

#include "sockets.h"

#include "property.h"
#include "standin.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* kern.ipc.somaxconn, which listen(fd, -1) comes to. */
enum { BACKLOG = 128 };

static bool says(plist_t dict, const char *key, const char *value)
{
	const char *text = property_string(dict, key);

	return text && strcasecmp(text, value) == 0;
}

static int socket_type(plist_t dict)
{
	if (says(dict, "SockType", "dgram"))
		return SOCK_DGRAM;
	if (says(dict, "SockType", "seqpacket"))
		return SOCK_SEQPACKET;
	return SOCK_STREAM;
}

static void add_fd(struct socket_entry *e, int fd)
{
	e->fds = realloc(e->fds, (e->count + 1) * sizeof(*e->fds));
	if (!e->fds)
		abort();
	e->fds[e->count++] = fd;
}

/* bind() and listen(). What fails is said in the log and nowhere else. */
static void make_passive(int fd, const struct socket_entry *e,
			 const struct sockaddr *at, socklen_t length,
			 bool both_families)
{
	int on = 1, only = !both_families;

	if (at->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, at, length) < 0)
		standin_log("%s: bind(): %s", e->name, strerror(errno));
	else if (socket_type(e->dict) != SOCK_DGRAM && listen(fd, BACKLOG) < 0)
		standin_log("%s: listen(): %s", e->name, strerror(errno));
}

static void open_address(struct socket_entry *e, const struct addrinfo *ai,
			 bool both_families)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC,
			ai->ai_protocol);

	if (fd < 0) {
		standin_log("%s: socket(): %s", e->name, strerror(errno));
		return;
	}
	if (property_bool(e->dict, "SockPassive", true))
		make_passive(fd, e, ai->ai_addr, ai->ai_addrlen, both_families);
	else if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		standin_log("%s: connect(): %s", e->name, strerror(errno));
	add_fd(e, fd);
}

static void open_internet(struct socket_entry *e)
{
	bool both = says(e->dict, "SockFamily", "IPv4v6");
	bool passive = property_bool(e->dict, "SockPassive", true);
	const char *node = property_string(e->dict, "SockNodeName");
	const char *service = property_string(e->dict, "SockServiceName");
	struct addrinfo hints = {.ai_socktype = socket_type(e->dict)}, *found;
	char number[24];
	int err;

	if (!service) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)property_number(
				 e->dict, "SockServiceName", 0));
		service = number;
	}
	if (passive)
		hints.ai_flags = AI_PASSIVE;
	if (says(e->dict, "SockFamily", "IPv4"))
		hints.ai_family = AF_INET;
	else if (both || says(e->dict, "SockFamily", "IPv6"))
		hints.ai_family = AF_INET6;
	if (says(e->dict, "SockProtocol", "TCP"))
		hints.ai_protocol = IPPROTO_TCP;
	else if (says(e->dict, "SockProtocol", "UDP"))
		hints.ai_protocol = IPPROTO_UDP;
	err = getaddrinfo(node, service, &hints, &found);
	if (err != 0) {
		standin_log("%s: getaddrinfo(): %s", e->name,
			    gai_strerror(err));
		return;
	}
	for (const struct addrinfo *ai = found; ai; ai = ai->ai_next)
		open_address(e, ai, both);
	freeaddrinfo(found);
}

static void open_path(struct socket_entry *e, const char *path, uid_t owner)
{
	int fd = socket(AF_UNIX, socket_type(e->dict) | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	uint64_t mode = property_number(e->dict, "SockPathMode", 0);
	mode_t before;

	if (fd < 0)
		return;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	before = umask(077);
	make_passive(fd, e, (const struct sockaddr *)&sun, sizeof(sun), false);
	umask(before);
	if (mode > 0 && chmod(path, (mode_t)mode) < 0)
		standin_log("%s: chmod(): %s", e->name, strerror(errno));
	owner = (uid_t)property_number(e->dict, "SockPathOwner", owner);
	if (geteuid() == 0 &&
	    chown(path, owner,
		  (gid_t)property_number(e->dict, "SockPathGroup",
					 (uint64_t)-1)) < 0)
		standin_log("%s: chown(): %s", e->name, strerror(errno));
	add_fd(e, fd);
}

struct opening {
	struct sockets *sockets;
	uid_t owner;
};

static void open_entry(struct opening *o, const char *name, plist_t dict)
{
	struct sockets *s = o->sockets;
	struct socket_entry *e;
	const char *path;

	if (plist_get_node_type(dict) != PLIST_DICT)
		return;
	s->at = realloc(s->at, (s->count + 1) * sizeof(*s->at));
	if (!s->at)
		abort();
	e = &s->at[s->count++];
	*e = (struct socket_entry){.name = strdup(name), .dict = dict};
	path = property_string(dict, "SockPathName");
	if (path)
		open_path(e, path, o->owner);
	else
		open_internet(e);
}

static void open_member(void *data, const char *name, plist_t value)
{
	if (plist_get_node_type(value) != PLIST_ARRAY) {
		open_entry(data, name, value);
		return;
	}
	for (uint32_t i = 0; i < plist_array_get_size(value); i++)
		open_entry(data, name, plist_array_get_item(value, i));
}

void sockets_open(struct sockets *s, plist_t dict, uid_t owner)
{
	struct opening o = {.sockets = s, .owner = owner};

	*s = (struct sockets){0};
	property_each(dict, open_member, &o);
}

bool socket_can_wake(int fd)
{
	int value = 0;
	socklen_t length = sizeof(value);

	getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length);
	if (value == SOCK_DGRAM)
		return true;
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length);
	return value != 0;
}

char *sockets_describe(const struct sockets *s)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (size_t i = 0; out && i < s->count; i++) {
		for (size_t j = 0; j < s->at[i].count; j++)
			fprintf(out, "%s%d", j > 0 ? " " : "", s->at[i].fds[j]);
		fprintf(out, "=%s\n", s->at[i].name);
	}
	if (!out || fclose(out) != 0)
		abort();
	return text;
}

void sockets_set_active(struct sockets *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (!name || strcmp(s->at[i].name, name) == 0)
			s->at[i].active = name != NULL;
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		for (size_t j = 0; j < s->at[i].count; j++)
			close(s->at[i].fds[j]);
		free(s->at[i].fds);
		free(s->at[i].name);
	}
	free(s->at);
	*s = (struct sockets){0};
}

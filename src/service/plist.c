#include "service/plist.h"

#include "base/num.h"
#include "os/file.h"

#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <plist/plist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Descriptors: launchd's soft limit is 256, which is 120 connections. */
enum { NUMBER_OF_FILES = 10240 };

static void set_string(plist_t dict, const char *key, const char *value)
{
	plist_dict_set_item(dict, key, plist_new_string(value));
}

enum { NODE_TEXT = INET6_ADDRSTRLEN + IF_NAMESIZE + 1 };

/* The address alone, as getaddrinfo() reads it. */
static void print_node(const struct addr *a, char node[NODE_TEXT])
{
	char name[IF_NAMESIZE];
	size_t length;

	inet_ntop(a->family, a->ip, node, INET6_ADDRSTRLEN);
	length = strlen(node);
	if (a->scope > 0 && if_indextoname(a->scope, name))
		snprintf(node + length, NODE_TEXT - length, "%%%s", name);
}

/* Always a node and a family: without a node launchd listens on every address,
 * without a family a name may become two sockets. */
static plist_t socket_entry(const struct agent_socket *s)
{
	plist_t entry = plist_new_dict();
	char node[NODE_TEXT], port[8];

	print_node(&s->addr, node);
	snprintf(port, sizeof(port), "%u", s->addr.port);
	set_string(entry, "SockType", "stream");
	set_string(entry, "SockFamily",
		   s->addr.family == AF_INET6 ? "IPv6" : "IPv4");
	set_string(entry, "SockNodeName", node);
	set_string(entry, "SockServiceName", port);
	return entry;
}

static plist_t sockets(const struct agent *a)
{
	plist_t dict = plist_new_dict();

	for (size_t i = 0; i < a->socket_count; i++)
		plist_dict_set_item(dict, a->sockets[i].name,
				    socket_entry(&a->sockets[i]));
	return dict;
}

static plist_t program_arguments(const struct agent *a)
{
	plist_t array = plist_new_array();

	plist_array_append_item(array, plist_new_string(a->program));
	for (size_t i = 0; i < a->argument_count; i++)
		plist_array_append_item(array,
					plist_new_string(a->arguments[i]));
	return array;
}

static plist_t session_types(void)
{
	plist_t array = plist_new_array();

	plist_array_append_item(array, plist_new_string("Aqua"));
	plist_array_append_item(array, plist_new_string("Background"));
	return array;
}

char *plist_write(const struct agent *a, enum plist_kind kind, const char *user)
{
	plist_t root = plist_new_dict(), limits = plist_new_dict();
	char *xml = NULL, *copy = NULL;
	uint32_t length;

	set_string(root, "Label", a->label);
	plist_dict_set_item(root, "ProgramArguments", program_arguments(a));
	if (user)
		set_string(root, "UserName", user);
	if (a->socket_count > 0)
		plist_dict_set_item(root, "Sockets", sockets(a));
	if (a->keep_alive) {
		plist_dict_set_item(root, "RunAtLoad", plist_new_bool(1));
		plist_dict_set_item(root, "KeepAlive", plist_new_bool(1));
	}
	set_string(root, "ProcessType", "Interactive");
	plist_dict_set_item(root, "ExitTimeOut",
			    plist_new_uint(a->exit_timeout_s));
	plist_dict_set_item(limits, "NumberOfFiles",
			    plist_new_uint(NUMBER_OF_FILES));
	plist_dict_set_item(root, "SoftResourceLimits", limits);
	set_string(root, "StandardErrorPath", a->log);
	if (kind == PLIST_AGENT)
		plist_dict_set_item(root, "LimitLoadToSessionType",
				    session_types());
	plist_to_xml(root, &xml, &length);
	plist_free(root);
	if (xml)
		copy = strdup(xml);
	free(xml);
	return copy;
}

/* The value of a string member; the caller frees it. NULL if it has none. */
static char *get_string(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	char *value = NULL;

	if (node && plist_get_node_type(node) == PLIST_STRING)
		plist_get_string_val(node, &value);
	return value;
}

/* launchd.plist(5): a string or an integer. 0 if it is no port. */
static uint16_t get_port(plist_t dict, const char *key)
{
	plist_t node = plist_dict_get_item(dict, key);
	char *text = get_string(dict, key);
	uint64_t port = 0;

	if (text && num_parse(text, 10, 1, UINT16_MAX, &port) < 0)
		port = 0;
	if (node && plist_get_node_type(node) == PLIST_UINT)
		plist_get_uint_val(node, &port);
	free(text);
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool read_socket(struct agent_socket *s, const char *name, plist_t entry)
{
	char *node = get_string(entry, "SockNodeName");
	uint16_t port = get_port(entry, "SockServiceName");
	bool fine = node && port > 0 && addr_parse_ip(&s->addr, node) == 0;

	if (fine) {
		snprintf(s->name, sizeof(s->name), "%s", name);
		s->addr.port = port;
	}
	free(node);
	return fine;
}

static void read_sockets(struct agent *a, plist_t dict)
{
	plist_dict_iter iter = NULL;

	plist_dict_new_iter(dict, &iter);
	while (a->socket_count < AGENT_SOCKETS_MAX) {
		struct agent_socket *s = &a->sockets[a->socket_count];
		char *key = NULL;
		plist_t entry = NULL;

		plist_dict_next_item(dict, iter, &key, &entry);
		if (!entry)
			break;
		if (plist_get_node_type(entry) == PLIST_DICT &&
		    read_socket(s, key, entry))
			a->socket_count++;
		free(key);
	}
	free(iter);
}

static int read_arguments(struct agent *a, plist_t array, struct fault *why)
{
	uint32_t count = plist_array_get_size(array);
	int err = 0;

	for (uint32_t i = 1; i < count && err == 0; i++) {
		plist_t node = plist_array_get_item(array, i);
		char *text = NULL;

		if (plist_get_node_type(node) != PLIST_STRING)
			continue;
		plist_get_string_val(node, &text);
		err = agent_add_argument(a, text, why);
		free(text);
	}
	return err;
}

static int read_root(struct agent *a, plist_t root, struct fault *why)
{
	plist_t node;

	if (plist_get_node_type(root) != PLIST_DICT)
		return fault_set(why, -EINVAL, "%s: not a dictionary", a->file);
	node = plist_dict_get_item(root, "Sockets");
	if (node && plist_get_node_type(node) == PLIST_DICT)
		read_sockets(a, node);
	node = plist_dict_get_item(root, "ExitTimeOut");
	if (node && plist_get_node_type(node) == PLIST_UINT)
		plist_get_uint_val(node, &a->exit_timeout_s);
	node = plist_dict_get_item(root, "ProgramArguments");
	if (node && plist_get_node_type(node) == PLIST_ARRAY)
		return read_arguments(a, node, why);
	return 0;
}

/* libplist ends the program when it is asked for a string with a zero in it. As
 * XML it gives all bytes. */
static bool has_zeroes(plist_t root)
{
	char *xml = NULL;
	uint32_t length = 0;
	bool has;

	plist_to_xml(root, &xml, &length);
	has = !xml || memchr(xml, '\0', length);
	free(xml);
	return has;
}

int plist_read(struct agent *a, struct fault *why)
{
	plist_t root = NULL;
	size_t length;
	char *text;
	int err = file_read(a->file, &text, &length);

	if (err < 0)
		return fault_set(why, err, "%s: %s", a->file, strerror(-err));
	/* Not plist_from_memory(): it took another argument in 2.3. */
	if (plist_is_binary(text, (uint32_t)length))
		plist_from_bin(text, (uint32_t)length, &root);
	else
		plist_from_xml(text, (uint32_t)length, &root);
	free(text);
	if (!root)
		return fault_set(why, -EINVAL, "%s: not a property list",
				 a->file);
	if (has_zeroes(root))
		err = fault_set(why, -EINVAL,
				"%s: there is a zero byte in one of its "
				"strings",
				a->file);
	else
		err = read_root(a, root, why);
	plist_free(root);
	return err;
}

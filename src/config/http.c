#include "config/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char forms[] = "try 127.0.0.1:9100, [::1]:9100 or unix:/path";

int http_set(struct config_http *h, const char *text, struct fault *why)
{
	int err;

	spec_free_listener(&h->at);
	h->at = (struct listener_spec){0};
	if (strcmp(text, "off") == 0)
		return 0;
	if (strspn(text, "0123456789") == strlen(text) && text[0] != '\0')
		return fault_set(why, -EINVAL,
				 "\"%s\" does not say on which address (try "
				 "127.0.0.1:%s)",
				 text, text);
	err = spec_parse_listener(&h->at, text, why);
	if (err < 0)
		return err == -ENOMEM
			       ? err
			       : fault_set(why, err,
					   "\"%s\" is not an address and a "
					   "port (%s)",
					   text, forms);
	if (!h->at.request.both_families &&
	    (h->at.source->argument == LISTEN_ADDRESS ||
	     h->at.source->argument == LISTEN_PATH))
		return 0;
	spec_free_listener(&h->at);
	h->at = (struct listener_spec){0};
	return fault_set(why, -EINVAL, "\"%s\" is not served over HTTP (%s)",
			 text, forms);
}

static bool is_host(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";
	struct addr ip;

	return addr_parse_ip(&ip, text) == 0 ||
	       (text[0] != '\0' && text[strspn(text, letters)] == '\0');
}

int http_add_host(struct config_http *h, const char *text, struct fault *why)
{
	char **more;

	if (!is_host(text))
		return fault_set(why, -EINVAL,
				 "\"%s\" is not a host name (try "
				 "status.example.com, without a port)",
				 text);
	fault_set(why, 0, "out of memory");
	more = realloc(h->hosts, (h->host_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	h->hosts = more;
	more[h->host_count] = strdup(text);
	if (!more[h->host_count])
		return -ENOMEM;
	h->host_count++;
	return 0;
}

int http_check(const struct config_http *h, struct fault *why)
{
	const struct addr *at = &h->at.request.addr;

	if (!h->at.text || at->family == AF_UNIX || addr_is_loopback(at) ||
	    h->anywhere)
		return 0;
	return fault_set(why, -EINVAL,
			 "\"%s\" can be reached from other machines, and tells "
			 "whoever asks who is connected (try 127.0.0.1:%u; if "
			 "it is meant so, add --http-anywhere on)",
			 h->at.text, at->port);
}

void http_free(struct config_http *h)
{
	for (size_t i = 0; i < h->host_count; i++)
		free(h->hosts[i]);
	free(h->hosts);
	spec_free_listener(&h->at);
	*h = (struct config_http){0};
}

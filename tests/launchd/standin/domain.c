#include "domain.h"

#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct choice {
	struct choice *next;
	uid_t uid; /* 0: system */
	bool disabled;
	char label[256];
};

static struct choice *choices;

bool target_parse(struct target *t, const char *text)
{
	static const char *const kinds[] = {"system", "user/", "gui/"};
	unsigned long uid = 0;
	char *end;
	int kind = DOMAIN_GUI;

	while (kind >= 0 &&
	       strncmp(text, kinds[kind], strlen(kinds[kind])) != 0)
		kind--;
	if (kind < 0)
		return false;
	end = (char *)text + strlen(kinds[kind]);
	if (kind != DOMAIN_SYSTEM) {
		const char *digits = end;

		uid = strtoul(digits, &end, 10);
		if (end == digits)
			return false;
	}
	if (*end != '\0' && *end != '/')
		return false;
	*t = (struct target){.kind = (enum domain_kind)kind, .uid = (uid_t)uid};
	snprintf(t->domain, sizeof(t->domain), "%.*s", (int)(end - text), text);
	snprintf(t->label, sizeof(t->label), "%s", *end == '/' ? end + 1 : end);
	return true;
}

const char *domain_words(const struct target *t, char buf[64])
{
	if (t->kind == DOMAIN_SYSTEM)
		return "system";
	snprintf(buf, 64, "%s%u",
		 t->kind == DOMAIN_GUI ? "user gui: " : "uid: ",
		 (unsigned)t->uid);
	return buf;
}

bool domain_exists(const struct target *t)
{
	const char *at = standin.domains;
	size_t kind = strcspn(t->domain, "/");

	while (*at != '\0') {
		size_t n = strcspn(at, " ");

		if ((n == kind || n == strlen(t->domain)) &&
		    strncmp(at, t->domain, n) == 0)
			return true;
		at += n + strspn(at + n, " ");
	}
	return false;
}

const char *domain_session(const struct target *t)
{
	static const char *const sessions[] = {"System", "Background", "Aqua"};

	return sessions[t->kind];
}

static struct choice *find_choice(const struct target *t)
{
	struct choice *c = choices;

	while (c && (c->uid != t->uid || strcmp(c->label, t->label) != 0))
		c = c->next;
	return c;
}

bool domain_is_disabled(const struct target *t)
{
	const struct choice *c = find_choice(t);

	return c && c->disabled;
}

void domain_set_disabled(const struct target *t, bool disabled)
{
	struct choice *c = find_choice(t);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			abort();
		c->next = choices;
		c->uid = t->uid;
		memcpy(c->label, t->label, sizeof(c->label));
		choices = c;
	}
	c->disabled = disabled;
}

void domain_each_choice(const struct target *t,
			void (*see)(void *data, const char *label,
				    bool disabled),
			void *data)
{
	for (const struct choice *c = choices; c; c = c->next)
		if (c->uid == t->uid)
			see(data, c->label, c->disabled);
}

void domain_forget_choices(void)
{
	while (choices) {
		struct choice *c = choices;

		choices = c->next;
		free(c);
	}
}

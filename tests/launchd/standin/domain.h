#ifndef STANDIN_DOMAIN_H
#define STANDIN_DOMAIN_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * gui/UID, user/UID and system, the services in them, and which of those the
 * user has switched off.
 */

enum domain_kind { DOMAIN_SYSTEM, DOMAIN_USER, DOMAIN_GUI };

struct target {
	enum domain_kind kind;
	uid_t uid;
	char domain[32];
	char label[256]; /* empty: the domain itself */
};

/* Returns false if text is no target. */
bool target_parse(struct target *t, const char *text);

/* As launchctl calls it in a sentence: "user gui: 501". */
const char *domain_words(const struct target *t, char buf[64]);

/* LOWPORT_STANDIN_DOMAINS says which exist: kinds (gui) or domains (gui/501),
 * with spaces between. */
bool domain_exists(const struct target *t);

/* The name of its session for LimitLoadToSessionType. */
const char *domain_session(const struct target *t);

/* A user's choice holds for gui/UID and user/UID alike. */
bool domain_is_disabled(const struct target *t);
void domain_set_disabled(const struct target *t, bool disabled);

/* Call see for each label of which t's user has said something. */
void domain_each_choice(const struct target *t,
			void (*see)(void *data, const char *label,
				    bool disabled),
			void *data);

void domain_forget_choices(void);

#endif

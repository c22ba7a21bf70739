#include "control/answer.h"

#include "base/text.h"
#include "control/render.h"

#include <errno.h>

/* Another's words do not reach the terminal as they are. */
static cJSON *refuse(cJSON *o, struct fault *why)
{
	cJSON_Delete(o);
	fault_escape(why);
	return NULL;
}

cJSON *answer_read(const char *text, const char *from, struct fault *why)
{
	/* No lowport writes another; whoever prints it prints no commands. */
	cJSON *o = text_is_plain(text) ? cJSON_Parse(text) : NULL;
	const char *error;

	if (!cJSON_IsObject(o)) {
		fault_set(why, -EPROTO,
			  "%s: that is no answer of a lowport (is the socket "
			  "another program's?)",
			  from);
		return refuse(o, why);
	}
	error = answer_string(o, "error");
	if (error[0] == '\0')
		return o;
	fault_set(why, -EPROTO, "%s: %s", from, error);
	return refuse(o, why);
}

cJSON *answer_read_status(const char *text, const char *from, struct fault *why)
{
	cJSON *o = answer_read(text, from, why);

	if (!o || answer_number(o, "format") == RENDER_JSON_FORMAT)
		return o;
	fault_set(why, -EPROTO,
		  "%s: this is lowport %s, which does not understand the "
		  "status of lowport %s (use the program that runs there, or "
		  "restart it)",
		  from, LOWPORT_VERSION, answer_string(o, "version"));
	return refuse(o, why);
}

/* Above this a double is no whole number any more. */
static const double NUMBER_MOST = 9007199254740992.0;

uint64_t answer_number(const cJSON *o, const char *name)
{
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, name);

	if (!cJSON_IsNumber(n) || !(n->valuedouble > 0))
		return 0;
	return n->valuedouble < NUMBER_MOST ? (uint64_t)n->valuedouble
					    : (uint64_t)NUMBER_MOST;
}

const char *answer_string(const cJSON *o, const char *name)
{
	const cJSON *s = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsString(s) && s->valuestring ? s->valuestring : "";
}

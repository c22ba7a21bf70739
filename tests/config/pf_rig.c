#include "config/pf_rig.h"

#include "base/words.h"
#include "config/args.h"
#include "config/pf_write.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct pf pf;
static char *relays, *said;

static void fail_args(const char *text)
{
	fail_msg("the install line is refused: %s", text);
}

/* As `lowport install` reads it: an if: there is for names.h to resolve. */
static void check_install_line(char *line)
{
	struct config config;
	struct fault why;
	char **words;
	int count = 0;

	if (words_split(line, &words, &why) < 0)
		fail_msg("%s: %s", line, why.text);
	while (words[count])
		count++;
	assert_true(count > 2);
	assert_string_equal(words[0], "lowport");
	assert_string_equal(words[1], "install");
	config_init(&config);
	args_read(&config, count - 2, words + 2, fail_args);
	assert_int_equal(config.group_count, 1);
	config_free(&config);
	words_free(words);
}

static void check_install_lines(void)
{
	size_t length;
	char *text = NULL, *line, *rest;
	FILE *f = open_memstream(&text, &length);

	pf_write_install(&pf, f);
	fclose(f);
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		check_install_line(line);
	free(text);
}

static void check_relay(struct config *c, const struct pf_relay *r)
{
	struct rules rules = {.count = 0};
	char text[PF_LISTENER_TEXT];
	struct fault why;

	for (size_t i = 0; i < r->listener_count; i++)
		if (!r->listeners[i].dropped &&
		    config_add_listener(
			    c, pf_listener_print(&r->listeners[i], text),
			    &why) < 0)
			fail_msg("listen: %s", why.text);
	if (config_add_backend(c, r->to, &why) < 0)
		fail_msg("to: %s", why.text);
	for (size_t i = 0; i < r->client_count; i++)
		if (rules_add(&rules, r->clients[i].net, !r->clients[i].deny,
			      &why) < 0)
			fail_msg("allow or deny: %s", why.text);
	rules_free(&rules);
}

static void check_relays(void)
{
	struct config c;

	config_init(&c);
	for (size_t i = 0; i < pf.relay_count; i++)
		if (pf_relay_is_needed(&pf.relays[i]))
			check_relay(&c, &pf.relays[i]);
	config_free(&c);
	for (size_t i = 0; i < pf.relay_count; i++)
		for (size_t j = 0; j < i; j++)
			if (pf_relay_is_needed(&pf.relays[i]) &&
			    pf_relay_is_needed(&pf.relays[j]))
				assert_string_not_equal(pf.relays[i].name,
							pf.relays[j].name);
}

static void print_relay(const struct pf_relay *r, FILE *f)
{
	char text[PF_LISTENER_TEXT];

	for (size_t i = 0; i < r->listener_count; i++)
		if (!r->listeners[i].dropped)
			fprintf(f, "%s ",
				pf_listener_print(&r->listeners[i], text));
	fprintf(f, "> %s", r->to);
	for (size_t i = 0; i < r->client_count; i++)
		fprintf(f, " %c%s", r->clients[i].deny ? '-' : '+',
			r->clients[i].net);
	fputc('\n', f);
}

static void free_all(void)
{
	pf_free(&pf);
	free(relays);
	free(said);
	relays = said = NULL;
}

void pf_given_bytes(const char *text, size_t length)
{
	/* Of exactly that size, so that a byte too far is noticed. */
	char *copy = malloc(length > 0 ? length : 1);
	size_t size;
	FILE *f;

	assert_non_null(copy);
	memcpy(copy, text, length);
	free_all();
	assert_int_equal(pf_read(&pf, "pf.conf", copy, length), 0);
	free(copy);
	check_relays();
	check_install_lines();
	f = open_memstream(&relays, &size);
	for (size_t i = 0; i < pf.relay_count; i++)
		if (pf_relay_is_needed(&pf.relays[i]))
			print_relay(&pf.relays[i], f);
	fclose(f);
	f = open_memstream(&said, &size);
	for (size_t i = 0; i < pf.message_count; i++)
		fprintf(f, "%s\n", pf.messages[i].text);
	fclose(f);
}

void pf_given(const char *text)
{
	pf_given_bytes(text, strlen(text));
}

const struct pf *pf_result(void)
{
	return &pf;
}

const char *pf_relays(void)
{
	return relays;
}

const char *pf_said(void)
{
	return said;
}

int pf_end(void **state)
{
	(void)state;
	free_all();
	return 0;
}

void assert_becomes(const char *rules, const char *wanted)
{
	pf_given(rules);
	if (said[0] != '\0' || strcmp(relays, wanted) != 0)
		fail_msg("%s\ncomes to:\n%sinstead of:\n%sand is said:\n%s",
			 rules, relays, wanted, said);
}

void assert_left_out(const char *rules, const char *why)
{
	pf_given(rules);
	if (strcmp(relays, "") != 0 || !strstr(said, why))
		fail_msg("%s\nis said:\n%sinstead of:\n%s\nand comes to:\n%s",
			 rules, said, why, relays);
	assert_int_equal(pf.mistakes, 0);
}

void assert_mistake(const char *text, const char *wanted)
{
	pf_given(text);
	if (pf.mistakes == 0 || !strstr(said, wanted))
		fail_msg("%s\nis said:\n%sinstead of:\n%s", text, said, wanted);
}

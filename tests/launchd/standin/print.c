#include "print.h"

#include "property.h"

#include <stdlib.h>
#include <sys/wait.h>

static const char *state(const struct job *j)
{
	if (j->leaving || j->kill_ms > 0)
		return "SIGTERMed";
	if (j->pid > 0)
		return "running";
	return j->wanted ? "spawn scheduled" : "not running";
}

static void print_arguments(const struct job *j, FILE *out)
{
	const char **arguments = property_strings(j->root, "ProgramArguments");

	if (!arguments)
		return;
	fputs("\targuments = {\n", out);
	for (const char **a = arguments; *a; a++)
		fprintf(out, "\t\t%s\n", *a);
	fputs("\t}\n\n", out);
	free(arguments);
}

static void print_path(const struct job *j, const char *key, const char *as,
		       FILE *out)
{
	const char *path = property_string(j->root, key);

	if (path)
		fprintf(out, "\t%s path = %s\n", as, path);
}

static void print_variable(void *out, const char *key, plist_t value)
{
	if (plist_get_node_type(value) == PLIST_STRING)
		fprintf(out, "\t\t%s => %s\n", key,
			plist_get_string_ptr(value, NULL));
}

static void print_exit(const struct job *j, FILE *out)
{
	if (!j->has_exited)
		fputs("\tlast exit code = (never exited)\n", out);
	else if (WIFSIGNALED(j->status))
		fprintf(out, "\tlast terminating signal = %s: %d\n",
			WTERMSIG(j->status) == 9 ? "Killed" : "Terminated",
			WTERMSIG(j->status));
	else if (WEXITSTATUS(j->status) == 78)
		fputs("\tlast exit code = 78: EX_CONFIG\n", out);
	else
		fprintf(out, "\tlast exit code = %d\n", WEXITSTATUS(j->status));
}

static void print_string(const struct socket_entry *e, const char *key,
			 const char *as, FILE *out)
{
	const char *value = property_string(e->dict, key);

	if (value)
		fprintf(out, "\t\t\t%s = %s\n", as, value);
}

/* A socket that could not be bound looks no different: measured on a Mac, a
 * port that was taken changes nothing in this. */
static void print_socket(const struct socket_entry *e, FILE *out)
{
	const char *type = property_string(e->dict, "SockType");
	const char *family = property_string(e->dict, "SockFamily");
	bool both = family && (family[4] == 'v' || family[4] == 'V');

	fprintf(out, "\t\t\"%s\" = {\n\t\t\ttype = %s\n", e->name,
		type ? type : "stream");
	print_string(e, "SockPathName", "path", out);
	print_string(e, "SockNodeName", "node", out);
	if (property_number(e->dict, "SockServiceName", 0) > 0)
		fprintf(out, "\t\t\tservice name = %u\n",
			(unsigned)property_number(e->dict, "SockServiceName",
						  0));
	print_string(e, "SockServiceName", "service name", out);
	fputs("\t\t\tsockets = {\n", out);
	for (size_t i = 0; i < e->count; i++)
		fprintf(out, "\t\t\t\t%d (no bytes to read)\n", e->fds[i]);
	fprintf(out,
		"\t\t\t}\n\t\t\tactive = %d\n\t\t\tpassive = %d\n"
		"\t\t\tbonjour = 0\n\t\t\tipv4v6 = %d\n"
		"\t\t\treceive_packet_info = 0\n\t\t}\n",
		e->active, property_bool(e->dict, "SockPassive", true), both);
}

static void print_sockets(const struct job *j, FILE *out)
{
	if (j->sockets.count == 0)
		return;
	fputs("\n\tsockets = {\n", out);
	for (size_t i = 0; i < j->sockets.count; i++)
		print_socket(&j->sockets.at[i], out);
	fputs("\t}\n", out);
}

void print_job(const struct job *j, FILE *out)
{
	plist_t variables = property_dict(j->root, "EnvironmentVariables");

	fprintf(out, "%s/%s = {\n", j->name.domain, j->name.label);
	fprintf(out, "\tactive count = %d\n", j->pid > 0);
	fprintf(out, "\tpath = %s\n", j->path);
	fprintf(out, "\ttype = %s\n",
		j->name.kind == DOMAIN_SYSTEM ? "LaunchDaemon" : "LaunchAgent");
	fprintf(out, "\tstate = %s\n\n", state(j));
	fprintf(out, "\tprogram = %s\n", job_program(j->root));
	print_arguments(j, out);
	print_path(j, "StandardOutPath", "stdout", out);
	print_path(j, "StandardErrorPath", "stderr", out);
	if (variables) {
		fputs("\n\tenvironment = {\n", out);
		property_each(variables, print_variable, out);
		fprintf(out, "\t\tXPC_SERVICE_NAME => %s\n\t}\n\n",
			j->name.label);
	}
	fprintf(out, "\tdomain = %s\n", j->name.domain);
	fprintf(out, "\tminimum runtime = %u\n", (unsigned)job_throttle_s(j));
	fprintf(out, "\texit timeout = %u\n", (unsigned)job_exit_timeout_s(j));
	fprintf(out, "\truns = %u\n", j->runs);
	if (j->pid > 0)
		fprintf(out, "\tpid = %d\n", (int)j->pid);
	if (j->pid > 0 && j->reason)
		fprintf(out, "\timmediate reason = %s\n", j->reason);
	print_exit(j, out);
	print_sockets(j, out);
	fputs("}\n", out);
}

static void print_choice(void *out, const char *label, bool disabled)
{
	fprintf(out, "\t\t\"%s\" => %s\n", label,
		disabled ? "disabled" : "enabled");
}

void print_disabled(const struct target *t, FILE *out)
{
	fputs("\tdisabled services = {\n", out);
	domain_each_choice(t, print_choice, out);
	fputs("\t}\n", out);
}

void print_domain(const struct target *t, FILE *out)
{
	fprintf(out, "%s = {\n\ttype = %s\n\tservices = {\n", t->domain,
		t->kind == DOMAIN_SYSTEM ? "system"
		: t->kind == DOMAIN_GUI  ? "login"
					 : "user");
	for (const struct job *j = jobs; j; j = j->next) {
		char last[16] = "-";

		if (j->name.kind != t->kind || j->name.uid != t->uid)
			continue;
		if (j->has_exited)
			snprintf(last, sizeof(last), "%d",
				 WIFSIGNALED(j->status)
					 ? -WTERMSIG(j->status)
					 : WEXITSTATUS(j->status));
		fprintf(out, "\t\t%8d %6s \t%s\n", (int)j->pid, last,
			j->name.label);
	}
	fputs("\t}\n", out);
	print_disabled(t, out);
	fputs("}\n", out);
}

#include "process/nginx.h"

#include "process/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

void nginx_need(void)
{
	program_need("nginx", "nginx-light");
}

/* Readable for nginx whoever it is. */
FILE *nginx_file(const char *name)
{
	FILE *f = fopen(program_file(name), "w");

	assert_non_null(f);
	return f;
}

/* It takes the sockets that NGINX names instead of opening them (the way it
 * upgrades). */
void nginx_start(int listener)
{
	static const char *const env[] = {"NGINX=3;", NULL};
	struct proc_options opt = {.fds = &listener,
				   .fd_count = 1,
				   .env = env,
				   .drop = geteuid() == 0};
	const char *dir = program_file("");
	FILE *f = nginx_file("nginx.conf");

	fprintf(f,
		"daemon off;\n"
		"worker_processes 1;\n"
		"pid %snginx.pid;\n"
		"error_log stderr;\n"
		"events { }\n"
		"http {\n"
		"	access_log off;\n"
		"	client_body_temp_path %stemp;\n"
		"	proxy_temp_path %stemp;\n"
		"	fastcgi_temp_path %stemp;\n"
		"	uwsgi_temp_path %stemp;\n"
		"	scgi_temp_path %stemp;\n"
		"	server {\n"
		"		listen %s;\n"
		"		root %s;\n"
		"	}\n"
		"}\n",
		dir, dir, dir, dir, dir, dir, peer_where(listener), dir);
	fclose(f);
	proc_start((const char *const[]){"nginx", "-e", "stderr", "-p", dir,
					 "-c", program_file("nginx.conf"),
					 NULL},
		   &opt);
}

/* Another program, which finds lowport by pkg-config: it relays one connection
 * to the port that it is told of, and ends. */
#include <lowport.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void on_finish(uv_async_t *finish)
{
	relay_drain(finish->data, 0, NULL);
	uv_close((uv_handle_t *)finish, NULL);
}

static void on_ended(void *data, const struct record *what)
{
	char text[RECORD_TEXT];

	puts(record_print(what, text));
	uv_async_send(data);
}

int main(int argc, char *argv[])
{
	struct relay_backend to = {0};
	struct relay_route route = {.backends = &to, .count = 1};
	struct relay_options opt;
	struct sockaddr_storage ss;
	socklen_t length = sizeof(ss);
	uv_async_t finish;
	struct relay *relay;
	struct addr at;
	char text[ADDR_TEXT];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 2 || addr_parse(&to.addr, argv[1]) < 0 ||
	    addr_parse(&at, "127.0.0.1:0") < 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	length = addr_to_sockaddr(&at, &ss);
	if (bind(fd, (struct sockaddr *)&ss, length) < 0 ||
	    listen(fd, SOMAXCONN) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return 1;
	length = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &length);
	addr_from_sockaddr(&at, (struct sockaddr *)&ss, length);

	relay_defaults(&opt, 1024);
	opt.ended = on_ended;
	opt.data = &finish;
	if (relay_new(&relay, uv_default_loop(), &opt) < 0 ||
	    uv_async_init(uv_default_loop(), &finish, on_finish) < 0 ||
	    relay_listen(relay, fd, &at, &route) < 0)
		return 1;
	finish.data = relay;
	puts(addr_print(&at, text));
	fflush(stdout);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	relay_free(relay);
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	return uv_loop_close(uv_default_loop()) < 0;
}

#include "knock.h"

#include "peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cm.h"

int knock_at(const struct addr *where)
{
	int fd = peer_connect(where), err;

	assert_true(fd >= 0);
	err = peer_send(fd, 1, 0, 1);
	if (err == 0)
		err = peer_take(fd, 1, 0, 1);
	if (err == 0)
		return fd;
	assert_int_equal(err, -ECONNRESET);
	close(fd);
	return -1;
}

int knock(const struct rig *r)
{
	return knock_at(&r->front);
}

bool knock_is_let_in(const struct rig *r)
{
	int fd = knock(r);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct rig *knock_rig(const struct row *row, const struct relay_door *door)
{
	struct rig *r = rig_new(row);

	r->route.door = door;
	rig_start(r);
	rig_echo(r);
	return r;
}

bool knock_has_address(const struct row *row)
{
	return row->client_family != AF_UNIX;
}

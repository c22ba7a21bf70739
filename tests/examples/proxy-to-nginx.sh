# shellcheck shell=sh disable=SC2154 # part of play.sh
packages() { echo "nginx nginx-light"; }

nginx_has_workers() { pgrep -P "$(cat /run/nginx.pid)" >"$room/pgrep.out"; }

# An nginx that runs already, with nothing in it. Until it has workers it forgets
# what it is told to do.
before() {
	for place in /etc/nginx /var/log/nginx /var/lib/nginx; do
		[ ! -d $place ] || mount -t tmpfs place $place
	done
	mkdir -p /etc/nginx/conf.d
	cat >/etc/nginx/nginx.conf <<-END
		events { }
		http { include /etc/nginx/conf.d/*.conf; }
	END
	nginx >"$room/nginx.log" 2>&1 || fail "no nginx"
	await nginx_has_workers || fail "nginx has no workers"
}

after() {
	! curl -sS http://127.0.0.1:8080/ >"$room/ask.out" 2>"$room/ask.log" ||
		fail "nginx does not need the header"
}

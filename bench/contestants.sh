# shellcheck shell=sh
# Who takes part. One row each: name, kind (own, rival, or other), what it is;
# and a function relay_NAME that becomes the relay: it listens on port $1 of
# 127.0.0.1 and goes out to port $2, or to the Unix socket $3. It is run with
# its own folder as the current one.
#
# Each has one worker and the settings of its documentation, but for limits,
# which are raised to what the descriptors carry, and timeouts. $as makes it an
# ordinary user of its own, $pin keeps it on the relays' cores; both may be
# empty.

contestants() {
	cat <<'END'
direct         other no relay: the client connects to the server
kernel         other the kernel's redirect (nft, with connection tracking)
lowport_splice own   lowport
lowport_copy   own   lowport --splice off, as on a Mac
lowport_two    own   lowport with two workers
lowport_unix   own   lowport, the backend on a Unix socket
lowport_before own   the lowport of --before
haproxy_splice rival HAProxy with splicing
haproxy_copy   rival HAProxy
socket_proxyd  rival systemd-socket-proxyd
nginx_stream   rival nginx stream
socat          rival socat
END
}

# Why $1 cannot take part on this machine; nothing if it can.
lacks() {
	case $1 in
	direct | lowport_splice | lowport_copy | lowport_unix) ;;
	kernel) lacks_kernel ;;
	lowport_two)
		[ -n "$one_worker" ] ||
			echo "this lowport has no --threads" ;;
	lowport_before)
		[ -n "$before" ] || echo "no --before" ;;
	haproxy_*) needs haproxy ;;
	nginx_stream)
		needs nginx
		[ -n "$(stream_module)" ] || has_stream ||
			echo "this nginx has no stream module" ;;
	socket_proxyd)
		needs systemd-socket-activate
		[ -n "$(socket_proxyd)" ] ||
			echo "systemd-socket-proxyd is not installed" ;;
	socat) needs socat ;;
	esac
}

needs() {
	command -v "$1" >/dev/null || echo "$1 is not installed"
}

lacks_kernel() {
	if [ "$net" != own ]; then
		echo "no right to make a network namespace here"
	elif ! command -v nft >/dev/null; then
		echo "nft is not installed"
	elif [ -z "$kernel_net" ]; then
		echo "nft was refused: $(head -n 1 "$work/nft.log")"
	fi
}

relay_lowport_splice() {
	# shellcheck disable=SC2086 # $as, $pin and $one_worker: words, or none
	exec $pin $as "$work/lowport" run --listen "127.0.0.1:$1" \
		--to "127.0.0.1:$2" --access-log off $one_worker
}

relay_lowport_copy() {
	# shellcheck disable=SC2086
	exec $pin $as "$work/lowport" run --listen "127.0.0.1:$1" \
		--to "127.0.0.1:$2" --access-log off $one_worker --splice off
}

relay_lowport_two() {
	# shellcheck disable=SC2086
	exec $pin $as "$work/lowport" run --listen "127.0.0.1:$1" \
		--to "127.0.0.1:$2" --access-log off --threads 2
}

relay_lowport_unix() {
	# shellcheck disable=SC2086
	exec $pin $as "$work/lowport" run --listen "127.0.0.1:$1" \
		--to "unix:$3" --access-log off $one_worker
}

relay_lowport_before() {
	# shellcheck disable=SC2086
	exec $pin $as "$work/before" run --listen "127.0.0.1:$1" \
		--to "127.0.0.1:$2" --access-log off
}

# $3: what splices. Beside its connections it reserves descriptors for
# pipes, a quarter as many.
relay_haproxy() {
	maxconn=$((most * 4 / 5 - 50))
	cat >haproxy.cfg <<END
global
	nbthread 1
	maxconn $maxconn
defaults
	mode tcp
	maxconn $maxconn
	timeout connect 5s
	timeout client 1h
	timeout server 1h
	$3
listen relay
	bind 127.0.0.1:$1 backlog 4096
	server backend 127.0.0.1:$2
END
	# shellcheck disable=SC2086
	exec $pin $as haproxy -db -f haproxy.cfg
}

relay_haproxy_splice() {
	relay_haproxy "$1" "$2" "option splice-request
	option splice-response"
}

relay_haproxy_copy() {
	relay_haproxy "$1" "$2" ""
}

socket_proxyd() {
	find /lib/systemd /usr/lib/systemd -maxdepth 1 \
		-name systemd-socket-proxyd 2>/dev/null | head -n 1
}

relay_socket_proxyd() {
	# shellcheck disable=SC2086
	exec $pin $as systemd-socket-activate -l "127.0.0.1:$1" \
		"$(socket_proxyd)" --connections-max="$most" "127.0.0.1:$2"
}

has_stream() {
	nginx -V 2>&1 | grep -q -- '--with-stream\( \|$\)'
}

stream_module() {
	find /usr/lib/nginx/modules /usr/lib64/nginx/modules \
		-name ngx_stream_module.so 2>/dev/null | head -n 1
}

relay_nginx_stream() {
	cat >nginx.conf <<END
$(stream_module | sed 's/.*/load_module &;/')
daemon off;
user $(id -un) $(id -gn);
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {
	worker_connections $((2 * most + 100));
}
stream {
	server {
		listen 127.0.0.1:$1 backlog=4096;
		proxy_pass 127.0.0.1:$2;
		proxy_timeout 1h;
	}
}
END
	# shellcheck disable=SC2086
	exec $pin $as nginx -p . -e stderr -c nginx.conf
}

relay_socat() {
	# shellcheck disable=SC2086
	exec $pin $as socat \
		"TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork,backlog=4096" \
		"TCP:127.0.0.1:$2"
}

# shellcheck shell=sh disable=SC2154 # part of play.sh
# Two machines with a cable between them, and a WireGuard tunnel along it.
packages() {
	echo "wireguard-go wireguard-go"
	echo "wg wireguard-tools"
}

fetch() { [ -c /dev/net/tun ] || skip "/dev/net/tun"; }

on_peer() { nsenter --net=/run/netns/peer "$@"; }

# tunnel DEVICE NUMBER OTHER-DEVICE OTHER-NUMBER: its end on this machine, or,
# with "on" set to on_peer, on that one.
tunnel() {
	$on wireguard-go "$1" >"$room/$1.log" 2>&1 || fail "no tunnel"
	$on wg set "$1" private-key "$room/$1.key" listen-port 51820 \
		peer "$(cat "$room/$3.pub")" allowed-ips 10.8.0.0/24 \
		endpoint "192.0.2.$4:51820"
	$on ip address add "10.8.0.$2/24" dev "$1"
	$on ip link set "$1" up
}

before() {
	for device in wg0 wg1; do
		(umask 077; wg genkey >"$room/$device.key")
		wg pubkey <"$room/$device.key" >"$room/$device.pub"
	done
	ip netns add peer
	ip link add near type veth peer name far netns peer
	ip address add 192.0.2.1/24 dev near
	ip link set near up
	on_peer ip address add 192.0.2.2/24 dev far
	on_peer ip link set far up
	on='' tunnel wg0 1 wg1 2
	on=on_peer tunnel wg1 2 wg0 1
}

# Nobody listens there: what curl ends with 7 for.
closed() {
	status=0
	"$@" curl -sS -m 5 "$address" >"$room/ask.out" 2>"$room/ask.log" ||
		status=$?
	[ $status = 7 ]
}

after() {
	for address in 192.0.2.1 127.0.0.1; do
		closed || fail "open to this machine: $address"
	done
	address=192.0.2.1
	closed on_peer || fail "open beside the tunnel"
}

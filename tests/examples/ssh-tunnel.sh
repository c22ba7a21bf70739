# shellcheck shell=sh disable=SC2154,SC2086 # part of play.sh
# The machine "server" is here too: a real sshd on 127.0.0.2, and a web server
# on its port 3000. The keys are made for this once.
packages() {
	echo "ssh openssh-client"
	echo "sshd openssh-server"
}

new_key() { ssh-keygen -q -t ed25519 -N '' -C '' -f "$1"; }

before() {
	install -d "$room/sshd" "$room/www" /run/sshd
	install -d -o $user -g $user -m 700 "$home/.ssh"
	new_key "$room/sshd/key"
	as_you ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
	as_you cp .ssh/id_ed25519.pub .ssh/authorized_keys
	echo "server $(cat "$room/sshd/key.pub")" >"$home/.ssh/known_hosts"
	echo "on the server" >"$room/www/where.txt"
	cat >"$room/sshd/config" <<-END
		ListenAddress 127.0.0.2:22
		HostKey $room/sshd/key
		PidFile $room/sshd/pid
		PasswordAuthentication no
		KbdInteractiveAuthentication no
	END
	"$(command -v sshd)" -f "$room/sshd/config" -E "$room/sshd.log"
	python3 -m http.server -d "$room/www" 3000 >"$room/www.log" 2>&1 &
	await curl -s -o "$room/www.got" http://127.0.0.1:3000/where.txt ||
		fail "no web server on port 3000"
}

ask() {
	as_you curl -sS http://127.0.0.1/where.txt \
		>"$room/ask.out" 2>"$room/ask.log"
}

# The tunnel is down, up again, and lowport is the same one.
after() {
	pkill -x ssh
	await refused || fail "there is no tunnel, and yet: $(cat "$room"/ask.*)"
	type_it "$room/steps/01"
	await ask || fail "the tunnel is up again, and lowport does not use it"
	[ "$(lowport_pid)" = "$pid" ] || fail "it is another lowport"
}

# Reset, as by a server without an app: not an empty answer.
refused() { ! ask && grep -q 'Connection reset' "$room/ask.log"; }

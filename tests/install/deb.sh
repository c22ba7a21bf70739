#!/bin/sh
# The packages beside this script: installed, used and taken out again. For a
# bare Debian that may be spoilt: ./dev package makes one.
set -eu
cd "$(dirname "$0")"
program=$(echo "$PWD"/lowport_*.deb)
library=$(echo "$PWD"/liblowport-dev_*.deb)

fail() {
	echo "deb: $*" >&2
	exit 1
}

get() { apt-get install -qq -y --no-install-recommends "$@" >/dev/null; }

# All files there are, but for those that a package manager keeps for itself.
files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp \
		-o -path /var/cache -o -path /var/log -o -path /root \
		-o -path '/var/lib/dpkg/*-old' -o -path /var/lib/apt \) \
		-prune -o -print | sort
}

# gone FILE...: none of what a package had is there still.
gone() {
	for file; do
		[ -d "$file" ] || [ ! -e "$file" ] || fail "left behind: $file"
	done
}

apt-get update -qq
get curl python3
apt-get satisfy -qq -y --no-install-recommends \
	"$(dpkg-deb -f "$program" Depends), $(dpkg-deb -f "$library" Depends)" \
	>/dev/null
files >/tmp/before
get "$program"
echo "installed: $(dpkg-query -W lowport)"
[ -z "$(dpkg --verify lowport)" ] || fail "$(dpkg --verify lowport)"
[ ! -s /var/lib/dpkg/info/lowport.conffiles ] || fail "it has conffiles"
! ldd /usr/bin/lowport | grep 'not found' || fail "libraries are missing"
lowport --version
# A bare Debian leaves documentation out; the package has it.
for file in man/man1/lowport.1.gz man/man5/lowport.conf.5.gz \
	bash-completion/completions/lowport zsh/vendor-completions/_lowport \
	fish/vendor_completions.d/lowport.fish; do
	dpkg -L lowport | grep -qx "/usr/share/$file" || fail "no $file"
done

# As a user without rights, with a real backend and a real client.
scrap=$(mktemp -d)
chmod 755 "$scrap"
mkfifo "$scrap/backend" "$scrap/relay"
echo 'carried by the package' >"$scrap/page"
python3 -B -u -m http.server --bind 127.0.0.1 --directory "$scrap" 0 \
	>"$scrap/backend" 2>/dev/null &
backend=$!
trap 'kill $backend' EXIT
read -r _ _ _ _ _ port _ <"$scrap/backend"
setpriv --reuid 65534 --regid 65534 --clear-groups \
	lowport run --listen 127.0.0.1:0 --to "127.0.0.1:$port" \
	2>"$scrap/relay" &
relay=$!
exec 3<"$scrap/relay"
address=
while [ -z "$address" ] && read -r line <&3; do
	echo "$line"
	address=$(echo "$line" | grep -oE '127\.0\.0\.1:[0-9]+' | head -n 1)
done
answer=$(curl -sS --noproxy '*' --max-time 20 "http://$address/page")
[ "$answer" = 'carried by the package' ] || fail "curl got: $answer"
kill $relay
wait $relay || fail "it ended with $?"
exec 3<&-
echo "carried a page as user 65534, ended with 0"

get "$library"
[ "$(dpkg-query -W -f '${Version}' liblowport-dev)" = \
	"$(dpkg-query -W -f '${Version}' lowport)" ] || fail "two versions"
[ -f /usr/include/lowport.h ] || fail "no lowport.h"
# shellcheck disable=SC2046 # one word for each file
set -- $(dpkg -L lowport liblowport-dev | grep '^/')
dpkg --remove lowport liblowport-dev >/dev/null
gone "$@"
dpkg --purge lowport liblowport-dev >/dev/null 2>&1
! dpkg-query -W lowport 2>/dev/null || fail "dpkg still knows it"
files >/tmp/after
diff /tmp/before /tmp/after || fail "purged, and yet (>) left behind"
echo "removed and purged: nothing is left"

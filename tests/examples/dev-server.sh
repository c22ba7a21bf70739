# shellcheck shell=sh disable=SC2154,SC2086 # part of play.sh
# A real Vite, fetched once from the npm registry, and a real browser.
browsers="chromium-headless-shell chromium chromium-browser google-chrome
	/usr/lib*/chromium*/headless_shell"

packages() {
	echo "node nodejs"
	echo "npm npm"
	echo "ss iproute2"
}

find_browser() {
	for browser in $browsers; do
		! command -v "$browser" || return 0
	done
	false
}

fetch() {
	node -e 'process.exit(parseInt(process.version.slice(1)) < 18 ? 1 : 0)' ||
		skip "node 18 or newer, for Vite"
	find_browser >/dev/null || skip "a browser (chromium-headless-shell)"
	mkdir -p "$work"
	cp "$here"/app/* "$work"
	cmp -s "$work/package-lock.json" "$work/fetched" && return
	(cd "$work" && timeout 60 npm ci --no-audit --no-fund \
		--fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 2000) \
		>"$work.log" 2>&1 ||
		skip "Vite from the npm registry, see $work.log:" \
			"$(grep -m 1 'npm ERR\|npm error' "$work.log")"
	cp "$work/package-lock.json" "$work/fetched"
}

before() {
	cp -R "$work/." "$home"
	chown -R $user:$user "$home"
}

vite_listens() {
	ss -Hltn 'sport = :5173' | awk '{ print $4 }' | paste -sd ' '
}

# First on the one family that Vite chose, then on the other.
after() {
	case $(vite_listens) in
	'[::1]:5173') other=127.0.0.1 ;;
	127.0.0.1:5173) other=::1 ;;
	*) fail "Vite listens on: $(vite_listens)" ;;
	esac
	cp "$here/browser.mjs" "$here/../support/devtools.mjs" "$room"
	as_you timeout 60 node "$room/browser.mjs" "$(find_browser)" \
		http://127.0.0.1/ "npm run dev -- --host $other" ||
		fail "see above"
	case $(vite_listens) in
	"$other:5173" | "[$other]:5173") ;;
	*) fail "Vite listens on: $(vite_listens)" ;;
	esac
}

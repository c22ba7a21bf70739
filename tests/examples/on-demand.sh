# shellcheck shell=sh disable=SC2154,SC2086 # part of play.sh
# The app ends with lowport.

no_app() { ! pgrep -x python3 >/dev/null; }

# The app is lowport's child, and nobody but you.
after() {
	app=$(pgrep -x -P "$pid" python3) || fail "lowport has no app"
	[ "$(ps -o uid= -p "$app" | tr -d ' ')" = $user ] ||
		fail "the app runs as $(ps -o user= -p "$app")"
}

at_end() {
	await no_app || fail "the app goes on without lowport"
}

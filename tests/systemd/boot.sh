#!/bin/sh
# Plays a script on a machine that a real systemd has booted, in namespaces of
# its own: nothing of this one is changed.
# usage: boot.sh LOWPORT SCRIPT
# Exits with 77, saying what is missing, where no systemd can be booted.
set -eu
lowport=$1
script=$2
PATH=$PATH:/usr/sbin:/sbin
patience=300 # tenths of a second, for it to boot

skip() {
	echo "skipped, for want of $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip root
for program in unshare nsenter setpriv ip curl python3 systemctl; do
	command -v $program >/dev/null || skip "$program"
done
systemd=/lib/systemd/systemd
[ -x $systemd ] || skip "$systemd"

room=$(mktemp -d "${TMPDIR:-/tmp}/lowport-systemd-XXXXXX")
cgroups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$cgroups" ] || skip "a cgroup2 file system"
group=$cgroups/${room##*/}
starter=

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	[ -z "$starter" ] || kill -KILL "$starter" 2>/dev/null || :
	wait 2>/dev/null || :
	for try in 1 2 3 4 5 6 7 8 9 10; do
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
		[ -d "$group" ] || break
		sleep 0.$try
	done
	rm -rf "$room"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$group" 2>/dev/null || skip "rights over $cgroups"

# What it boots from: this system's files, but /etc/systemd/system, /usr/local,
# /home, /run, /var/log and /dev are its own.
cp "$lowport" "$room/lowport"
mkdir "$room/dev"
cat >"$room/inside.sh" <<'END'
set -e
room=$1
systemd=$2
own() {
	mount -t tmpfs -o "mode=${2:-755}" tmpfs "$1"
}
mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sysfs /sys 2>/dev/null || :
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# The devices that anybody may have.
own "$room/dev"
mkdir "$room/dev/shm" "$room/dev/pts"
for node in null zero full random urandom tty; do
	: >"$room/dev/$node"
	mount --bind "/dev/$node" "$room/dev/$node"
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$room/dev/pts"
ln -s pts/ptmx "$room/dev/ptmx"
ln -s /proc/self/fd "$room/dev/fd"
: >"$room/dev/console"
mount --rbind "$room/dev" /dev
# Names that the system's own may not have.
for file in passwd group; do
	cp "/etc/$file" "$room/$file"
done
echo 'ann:x:20001:20001:Ann:/home/ann:/bin/sh' >>"$room/passwd"
echo 'ann:x:20001:' >>"$room/group"
mount --bind "$room/passwd" /etc/passwd
mount --bind "$room/group" /etc/group
cp "$room/lowport" /dev/shm/lowport
script=$(cat "$room/script.sh")
for folder in /etc/systemd/system /usr/local /home /run /var/log \
	/var/lib/systemd; do
	own $folder
done
own /tmp 1777
mkdir -p /usr/local/bin /home/ann /run/lock /run/user/20001
install -m 755 /dev/shm/lowport /usr/local/bin/lowport
rm /dev/shm/lowport
printf '%s\n' "$script" >/run/script.sh
chown 20001:20001 /home/ann /run/user/20001
chmod 700 /home/ann /run/user/20001
# What a machine has that this is not.
for unit in systemd-udevd.service systemd-udev-trigger.service \
	systemd-udevd-kernel.socket systemd-udevd-control.socket \
	systemd-networkd.service systemd-networkd.socket \
	systemd-logind.service console-getty.service getty.target \
	systemd-timesyncd.service systemd-modules-load.service \
	systemd-sysctl.service systemd-sysusers.service \
	proc-sys-fs-binfmt_misc.automount dev-hugepages.mount \
	dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	sys-kernel-config.mount systemd-remount-fs.service \
	systemd-random-seed.service systemd-update-utmp.service \
	systemd-journal-flush.service systemd-tmpfiles-setup-dev.service \
	systemd-tmpfiles-setup.service local-fs.target swap.target \
	cryptsetup.target; do
	ln -s /dev/null "/etc/systemd/system/$unit"
done
printf '[Unit]\nRequires=sockets.target\nAllowIsolate=yes\n' \
	>/etc/systemd/system/play.target
ip link set lo up
exec env -i container=lowport PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	"$systemd" --system --unit=play.target --log-target=journal \
	--show-status=no
END
cat "${0%/*}/steps.sh" "$script" >"$room/script.sh"
sh -c 'echo $$ >"$1/cgroup.procs"
	exec unshare --pid --fork --kill-child --mount --cgroup --net --ipc \
		--uts sh "$2/inside.sh" "$2" "$3"' \
	sh "$group" "$room" $systemd >"$room/log" 2>&1 </dev/null &
starter=$!

inside() {
	init=$(cat "/proc/$starter/task/$starter/children" 2>/dev/null) || :
	init=${init%% *}
	[ -n "$init" ] || return 1
	nsenter -t "$init" -a -- "$@"
}

ready() {
	inside systemctl is-active play.target
}

while ! ready >/dev/null 2>&1; do
	kill -0 $starter 2>/dev/null && [ $((patience -= 1)) -gt 0 ] ||
		skip "a systemd that boots here: $(tail -n 3 "$room/log")"
	sleep 0.1
done
inside env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	ASAN_OPTIONS=detect_leaks=0 sh /run/script.sh

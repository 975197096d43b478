#!/bin/bash
# Shows that `make demo` and `make test` work on a Debian 12 with nothing but git, make and a shell.
#
#   scripts/check_fresh_machine.sh FOLDER [root] [sudo] [neither]
#
# Run as root, with debootstrap installed and 12 GB free. FOLDER (new) receives one minimal Debian
# per account, each with a clone of this repository's HEAD:
#   root     make demo, make demo again (which must install nothing), make test
#   sudo     a plain user who may use sudo: make demo, make test
#   neither  a plain user without sudo: make demo must stop and name what to run
# MIRROR names the Debian mirror (http://deb.debian.org/debian).
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "chroot needs root" >&2; exit 2; }
# mounts made here vanish with this process
[ -n "${SAITHE_PRIVATE_MOUNTS:-}" ] || SAITHE_PRIVATE_MOUNTS=1 exec unshare --mount "$0" "$@"

repository=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
accounts=("$@")
[ $# -gt 0 ] || accounts=(neither sudo root)
user=maria

make_base() {
  [ -e "$folder/base/usr/bin/make" ] && return
  debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$folder/base" \
    "${MIRROR:-http://deb.debian.org/debian}" >"$folder/debootstrap.log"
  # how this machine reaches its mirror: proxy, certificates, name server
  grep -ls Acquire:: /etc/apt/apt.conf.d/* | xargs -r cp -t "$folder/base/etc/apt/apt.conf.d"
  cp /etc/resolv.conf "$folder/base/etc/resolv.conf"
}

# in_root ACCOUNT COMMAND...: runs a command in the account's Debian, as its user, in the clone
in_root() {
  local account=$1 who=0:0 home=/root
  shift
  if [ "$account" != root ]; then who=1000:1000; home=/home/$user; fi
  chroot --userspec="$who" "$folder/$account" /usr/bin/env -i HOME="$home" TERM=dumb LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/sh -c 'cd "$HOME/saithe" && exec "$@"' sh "$@" </dev/null
}

prepare() {
  local account=$1 root="$folder/$1" home
  [ ! -e "$root" ] || { echo "$root exists already; name a new folder" >&2; exit 2; }
  cp -a "$folder/base" "$root"
  mount -t proc proc "$root/proc"
  home=$root/root
  if [ "$account" != root ]; then
    chroot "$root" useradd --create-home --uid 1000 "$user"
    home=$root/home/$user
  fi
  if [ "$account" = sudo ]; then
    chroot "$root" sh -c 'apt-get -q update && apt-get -qy install --no-install-recommends sudo' \
      >"$folder/sudo-install.log" 2>&1
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
  fi
  git -c safe.directory='*' clone --quiet --no-hardlinks "$repository" "$home/saithe"
  [ "$account" = root ] || chroot "$root" chown -R 1000:1000 "/home/$user/saithe"
}

# step ACCOUNT TARGET LOG: runs make and says how long it took
step() {
  local started=$SECONDS
  if ! in_root "$1" make "$2" >"$3" 2>&1; then
    echo "FAILED: make $2 as $1 (see $3)" >&2
    tail -n 25 "$3" >&2
    exit 1
  fi
  echo "as $1: make $2 passed in $((SECONDS - started)) s"
}

installed() { chroot "$1" dpkg-query -W | wc -l; }

check_neither() {
  local log=$folder/neither-demo.log before
  before=$(installed "$folder/neither")
  if in_root neither make demo >"$log" 2>&1; then
    echo "FAILED: make demo passed without packages, root and sudo" >&2
    exit 1
  fi
  grep -q 'apt-get update && apt-get install -y --no-install-recommends .*cmake' "$log"
  [ "$before" = "$(installed "$folder/neither")" ]
  echo "as a user without sudo: make demo stopped and named the line to run"
}

check_account() {
  local account=$1 before
  step "$account" demo "$folder/$account-demo.log"
  grep 'The report: ' "$folder/$account-demo.log"
  before=$(installed "$folder/$account")
  step "$account" demo "$folder/$account-demo-again.log"
  ! grep -q 'apt-get' "$folder/$account-demo-again.log"
  [ "$before" = "$(installed "$folder/$account")" ]
  step "$account" test "$folder/$account-test.log"
  grep -E 'tests passed|skipped in' "$folder/$account-test.log"
}

make_base
for account in "${accounts[@]}"; do
  prepare "$account"
  if [ "$account" = neither ]; then check_neither; else check_account "$account"; fi
done
echo "all passed; logs in $folder"

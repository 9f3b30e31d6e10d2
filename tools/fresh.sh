#!/usr/bin/env bash
# Runs README's commands in a new, minimal Debian system, where nothing else is installed. Needs root and debootstrap.
#
#   tools/fresh.sh SUITE [STEP...]     SUITE: bookworm, trixie, sid, ...; without a STEP, all of them:
#
#   refused   as an ordinary user, without the packages: `make demo` prints the command that installs them
#   demo      as root, without the packages: `make demo` installs them and prints images a second
#   install   as an ordinary user, with the packages that README names: `pip install path/to/the/checkout`
#   test      the same, with `make test`
#
# PYTHON=python3.15 uses another Python of the suite. MIRROR=... sets debootstrap's mirror. Inside, apt's options for http
# and for dates, pip's index, the proxies, and the certificate of PIP_CERT or SSL_CERT_FILE are those of this system. Root
# file systems are in build/fresh: SUITE-base, which is kept for the next run, and a copy of it for each step. Mounts end
# with this script, however it ends.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:?name a suite of Debian, such as bookworm}
PYTHON=${PYTHON:-python3}
if [[ $(id -u) != 0 ]] || ! command -v debootstrap >/dev/null; then
  echo "This script needs root and debootstrap: apt-get install debootstrap" >&2
  exit 1
fi
if [[ ! ${FRESH_INSIDE:-} ]]; then
  FRESH_INSIDE=1 exec unshare --mount --pid --fork --kill-child tools/fresh.sh "$@"
fi

mkdir -p build/fresh
roots=$(realpath build/fresh) && base=$roots/$suite-base
checkout=/home/reader/vary

# A root that holds nothing of vary's, and what reaches the registries.
make_base() {
  [[ ! -e $base/made ]] || return 0
  rm -rf "$base"
  echo "== $suite: a minimal root"
  debootstrap --variant=minbase "$suite" "$base" ${MIRROR:+"$MIRROR"} >"$base.log" 2>&1 ||
    { tail -n 20 "$base.log" >&2; exit 1; }
  apt-config dump | grep -iE '^Acquire::(https?|Check-[a-z-]+)(::| )' >"$base/etc/apt/apt.conf.d/90outside" || true
  local certificate=${PIP_CERT:-${SSL_CERT_FILE:-}}
  [[ ! $certificate ]] || cp "$certificate" "$base/etc/outside.pem"
  chroot "$base" useradd --create-home --shell /bin/bash reader
  touch "$base/made"
}

# Sets `root`: a copy of the base with this checkout, as git lists it and with what is not committed yet.
make_root() {
  root=$roots/$suite-$1
  rm -rf "$root"
  cp -a "$base" "$root"
  mkdir "$root$checkout"
  git ls-files -z --cached --others --exclude-standard --deduplicate | while IFS= read -r -d '' file; do
    [[ ! -e $file ]] || printf '%s\0' "$file"
  done | tar --create --null --files-from=- | tar --extract --no-same-owner --directory="$root$checkout"
  chroot "$root" chown -R reader: "$checkout"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
}

# Run a command line in the root, in the checkout: inside USER COMMAND.
inside() {
  echo "== $suite, $1: $2"
  local variables=(PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8)
  while IFS= read -r line; do
    variables+=("$line")
  done < <(env | grep -iE '^(PIP_INDEX_URL|PIP_TRUSTED_HOST|PIP_DEFAULT_TIMEOUT|https?_proxy|no_proxy)=')
  [[ ! -e $root/etc/outside.pem ]] || variables+=(PIP_CERT=/etc/outside.pem)
  local home=/root
  [[ $1 == root ]] || home=/home/$1
  chroot "$root" env -i "${variables[@]}" HOME="$home" setpriv --reuid="$1" --regid="$1" --init-groups \
    bash -euo pipefail -c "cd $checkout && $2"
}

as_root_install() {
  inside root "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $1 >/dev/null"
}

# The packages of README's table, for the Python that was asked for.
readme_packages() {
  sed -n 's/^| Debian, Ubuntu | `sudo apt-get install \(.*\)` |$/\1/p' README.md | sed "s/python3-/$PYTHON-/g" | grep .
}

expect() {
  grep -qE "$1" "$root.log" || { echo "fresh: no '$1' in $root.log" >&2; exit 1; }
}

step_refused() {
  as_root_install make
  if inside reader "make PYTHON=$PYTHON demo" >"$root.log" 2>&1; then
    echo "fresh: make demo went through without its packages" >&2
    exit 1
  fi
  cat "$root.log"
  expect 'apt-get install .*g\+\+ .*libjpeg-dev'
}

step_demo() {
  as_root_install make
  inside root "time make PYTHON=$PYTHON demo" 2>&1 | tee "$root.log"
  expect '^Sheet: ' && expect ' images/s: '
}

step_install() {
  as_root_install "$(readme_packages)"
  inside reader "$PYTHON -m venv ~/own && time ~/own/bin/pip install --quiet $checkout && cd / && ~/own/bin/vary --version && ~/own/bin/python -m vary transforms Rotate" 2>&1 |
    tee "$root.log"
  expect 'angle'
}

step_test() {
  as_root_install "$(readme_packages)"
  inside reader "time make PYTHON=$PYTHON test" 2>&1 | tee "$root.log"
  expect '[0-9]+ passed'
}

make_base
shift
for step in ${*:-refused demo install test}; do
  make_root "$step"
  "step_$step"
  echo "== $suite, $step: as it should be"
done

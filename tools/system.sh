#!/usr/bin/env bash
# Checks for the system packages that vary needs. If some are missing, it installs them with apt-get or dnf if it runs as
# root, and else prints the command.
#
#   tools/system.sh            packages for a build: Python, a C++ compiler, headers. Fails if something is missing.
#   tools/system.sh checks     packages for optional checks. Never fails: without them, these checks are skipped.
#
# PYTHON and CXX name the Python and the compiler to check. This file has the only list of system packages.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
PYTHON=${PYTHON:-python3} CXX=${CXX:-g++}

named=$(basename "$PYTHON")  # python3.12 has packages of that name; "python" or a path belongs to python3 here
[[ $named =~ ^python3(\.[0-9]+)?$ ]] || named=python3

compiles() { "$CXX" -x c++ -fsyntax-only "${@:2}" - <<<"$1"; }
has_python() { command -v "$PYTHON"; }
has_venv() { "$PYTHON" -c 'import ensurepip, venv'; }
has_compiler() { compiles '#include <cstdio>'; }
has_python_headers() { compiles '#include <Python.h>' "-I$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')"; }
has_jpeg_headers() { compiles $'#include <cstdio>\n#include <jpeglib.h>' "-I$(brew --prefix jpeg-turbo)/include"; }
has_valgrind() { command -v valgrind; }
has_emulator() { [[ $(uname -m) != x86_64 ]] || command -v qemu-x86_64; }

# test | what it is | package of apt-get | of dnf | of brew
build="
has_python|Python|$named|$named|python
has_venv|Python's venv|$named-venv|$named|python
has_compiler|a C++ compiler|g++|gcc-c++|gcc
has_python_headers|Python's headers|$named-dev|$named-devel|python
has_jpeg_headers|libjpeg-turbo's headers|libjpeg-dev|libjpeg-turbo-devel|jpeg-turbo"
checks="
has_valgrind|valgrind|valgrind|valgrind|valgrind
has_emulator|an emulator of other processors|qemu-user|qemu-user|qemu"

for manager in apt-get dnf brew none; do
  command -v "$manager" >/dev/null && break
done

# Sets `what`, the missing things of a list in words, and `packages`, their names in this system's package manager.
find_missing() {
  local test name debian fedora macos package
  what="" packages=""
  while IFS='|' read -r test name debian fedora macos; do
    [[ $test ]] || continue
    "$test" >/dev/null 2>&1 && continue
    what+="${what:+, }$name"
    case $manager in apt-get) package=$debian ;; dnf) package=$fedora ;; brew) package=$macos ;; none) package=$name ;; esac
    [[ " $packages " == *" $package "* ]] || packages+="${packages:+ }$package"
  done <<<"$1"
}

install_missing() {
  [[ $what && $(id -u) == 0 && $manager =~ ^(apt-get|dnf)$ ]] || return 0
  echo "Missing: $what. You are root, so this installs them: $manager install $packages"
  # shellcheck disable=SC2086  # several packages
  case $manager in
    apt-get) apt-get -qq update && apt-get -qq install -y --no-install-recommends $packages >/dev/null ;;
    dnf) dnf -q -y install $packages >/dev/null ;;
  esac </dev/null || echo "$manager failed." >&2
  find_missing "$1"
}

cure() {
  case $manager in
    none) echo "Install them with your system's package manager." ;;
    brew) echo "Install them: brew install $packages" ;;
    *) echo "Install them: $(command -v sudo >/dev/null && echo "sudo ")$manager install $packages" ;;
  esac
}

if [[ ${1:-} == checks ]]; then
  find_missing "$checks"
  install_missing "$checks"
  [[ -z $what ]] || echo "Missing: $what; checks that need them are skipped. $(cure)"
  exit 0
fi
find_missing "$build"
install_missing "$build"
if [[ $what ]]; then
  echo "Missing: $what. $(cure)" >&2
  [[ $PYTHON == python3 ]] || echo "This was checked for $PYTHON; to use another Python: make PYTHON=..." >&2
  exit 1
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "vary needs Python 3.11 or newer, and this is $("$PYTHON" -V). To use another: make PYTHON=python3.12" >&2
  exit 1
}

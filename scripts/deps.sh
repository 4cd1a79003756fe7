#!/bin/sh
# Installs the Debian or Ubuntu packages of the named groups; does nothing where all are there.
#   usage: deps.sh GROUP...     (build, test, fuzz)
set -eu

packages_of() {
  case $1 in
    build) echo "g++ make cmake ninja-build pkg-config libfmt-dev libcli11-dev nlohmann-json3-dev libboost-dev
                 libpcre2-dev libedit-dev" ;;
    test) echo "libgtest-dev libgmock-dev libbenchmark-dev clang-format-19 clang-tidy-19 shellcheck python3 ccache curl
                libopenmpi-dev openmpi-bin g++-aarch64-linux-gnu qemu-user valgrind" ;;
    fuzz) echo "clang-19 libclang-rt-19-dev" ;;
    *) echo "deps.sh: no group $1; the groups are build, test and fuzz" >&2; return 1 ;;
  esac
}

wanted=
for group in "$@"; do
  wanted="$wanted $(packages_of "$group")"
done

if ! command -v apt-get > /dev/null; then
  # shellcheck disable=SC2086  # a list of words
  echo "deps.sh knows Debian and Ubuntu only. Elsewhere, install what they call:" $wanted >&2
  exit 1
fi

missing=
for package in $wanted; do
  case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) in
    installed) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
  sudo=sudo
  command -v sudo > /dev/null || { echo "deps.sh: to install$missing, run it as root" >&2; exit 1; }
fi
echo "Installing:$missing" >&2
$sudo apt-get update -qq -o Acquire::Retries=3
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 $missing

#!/bin/sh
# Installs Debian packages where they are missing and this is Debian or Ubuntu as root; elsewhere it names them.
# With --optional in front, going without them is said and is no failure.
optional=""
[ "$1" = "--optional" ] && { optional=yes; shift; }
missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in "$@"; do
        # 64-bit time_t gave some libraries a new name (libglib2.0-0t64), which provides the old one.
        dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
else
    echo "Glimpse needs the system libraries of these Debian packages; install your system's: $*"
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing system packages:$missing"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing && exit 0
fi
if [ -n "$optional" ]; then
    echo "Some tests are left out without these system packages: sudo apt-get install$missing"
    exit 0
fi
echo "Glimpse needs system packages that are missing; install them first: sudo apt-get install$missing"
exit 1

#!/usr/bin/env bash
# Install the packages of a list that are missing; do nothing, and need no rights, when all are there.
# Usage: scripts/install_system_packages.sh scripts/apt-packages.txt
set -euo pipefail

list=${1:?usage: install_system_packages.sh LIST}
mapfile -t wanted < <(grep -vE '^[[:space:]]*(#|$)' "$list")

if ! command -v apt-get >/dev/null; then
    echo "This is not Debian or Ubuntu: install the equivalents of ${wanted[*]} yourself." >&2
    exit 0
fi

missing=()
for package in "${wanted[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done

# Debian splits venv out of its own python3; other Pythons bring it along.
if [ "$(command -v python3)" = /usr/bin/python3 ] && ! /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then
    missing+=(python3-venv)
fi

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Missing packages: ${missing[*]}. Install them as root and run make again." >&2; exit 1; }
    sudo=sudo
fi
echo "Installing system packages: ${missing[*]}"
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

#!/usr/bin/env bash
# Print the Debian or Ubuntu packages that hold the shared libraries used by the programs and libraries under DIR.
# Their names differ between releases (libspdlog1, libspdlog1.10, ...), so an image asks instead of guessing.
#   needed_packages.sh DIR
set -euo pipefail

libraries=$(find "$1" -type f -executable -exec ldd {} + 2>/dev/null | awk '$3 ~ /^\// {print $3}' | sort -u)
for library in $libraries; do
    # merged /usr: the package database may know the file by either path
    real=$(realpath "$library")
    { dpkg -S "$real" || dpkg -S "${real#/usr}" || dpkg -S "$library"; } 2>/dev/null || true
done | cut -d: -f1 | sort -u

#!/usr/bin/env bash
# clang-tidy over the library, its engines and the program, with the rules of .clang-tidy.
# Files are read in bunches, as in `make sanitize`: the headers of a bunch are parsed once, and findings in its files
# are reported as those in headers are. A bunch is made of #include "FILE.cpp", which is not to be reported.
# Usage: scripts/tidy.sh [FOLDER_FOR_BUILDS]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}/tidy

command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed: apt install clang-tidy" >&2; exit 1; }
cmake -S . -B "$build" -G Ninja -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 -DFCN_EDGE_LIBTORCH=OFF \
    -DFCN_EDGE_BUILD_TESTS=OFF >/dev/null
sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" | sort -u |
    xargs -P "${JOBS:-$(nproc)}" -n 1 clang-tidy --quiet --checks=-bugprone-suspicious-include -p "$build"

#!/usr/bin/env bash
# clang-tidy over the C++ files of a build folder's compile_commands.json, with the rules of .clang-tidy.
# Usage: scripts/tidy.sh [BUILD_FOLDER] [FILE_PATTERN]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
pattern=${2:-cpp_runtime/}

command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed: apt install clang-tidy" >&2; exit 1; }
# Generated files and GoogleTest's macros are not ours to tidy.
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" |
    grep -F "$pattern" | grep -vE "^$PWD/$build|/tests/" | sort -u)
printf '%s\n' "${files[@]}" | xargs -r -P "${JOBS:-$(nproc)}" -n 1 clang-tidy --quiet -p "$build"

#!/usr/bin/env bash
# Build the fuzz targets under AddressSanitizer and UBSan and run each for some seconds; the first finding ends it.
# With libFuzzer where clang++ has it, else with GCC and the small driver of cpp_runtime/fuzz.
# Usage: scripts/fuzz.sh [SECONDS_PER_TARGET] [FOLDER_FOR_BUILDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
folder=${2:-build}

# Print the first clang++ that can link libFuzzer, or nothing.
find_clang() {
    local scratch compiler
    scratch=$(mktemp -d)
    echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$scratch/try.cpp"
    for compiler in "${CLANGXX:-clang++}" clang++-{20,19,18,17,16,15,14}; do
        if "$compiler" -fsanitize=fuzzer,address "$scratch/try.cpp" -o "$scratch/try" 2>/dev/null; then
            echo "$compiler"
            break
        fi
    done
    rm -r "$scratch"
}

compiler=$(find_clang)
options=(-G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" -DFCN_EDGE_LIBTORCH=OFF
    -DFCN_EDGE_BUILD_EXAMPLES=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
    -DFCN_EDGE_SANITIZE="address,undefined" -DFCN_EDGE_FUZZ=ON)
if [ -n "$compiler" ]; then
    build=$folder/fuzz
    options+=(-DCMAKE_CXX_COMPILER="$compiler" -DFCN_EDGE_OPENVINO=OFF -DFCN_EDGE_BUILD_TESTS=OFF)
else
    build=$folder/asan # the build of `make sanitize`, with the same options
fi
cmake -S . -B "$build" "${options[@]}" >/dev/null
targets=(manifest drift png report command_line http_request)
cmake --build "$build" -- "${targets[@]/#/fuzz_}"

for target in "${targets[@]}"; do
    echo "fuzz_$target: $seconds s with ${compiler:-the driver, g++}"
    # New inputs of libFuzzer go into the first folder; the committed seeds are only read.
    mkdir -p "$build/corpus/$target"
    "$build/fuzz_$target" -max_total_time="$seconds" -seed="${FUZZ_SEED:-1}" -print_final_stats=1 \
        -artifact_prefix="$build/" "$build/corpus/$target" "cpp_runtime/fuzz/corpus/$target" \
        >"$build/$target.log" 2>&1 || { tail -40 "$build/$target.log"; exit 1; }
    grep -hE 'no failure|number_of_executed_units|DONE' "$build/$target.log"
done

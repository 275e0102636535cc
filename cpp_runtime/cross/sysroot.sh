#!/usr/bin/env bash
# Unpack Debian's arm64 packages that everything here is built with into a folder of their own, as the sysroot of
# aarch64.cmake, and OpenVINO's aarch64 wheel into FOLDER/opt. Needs no root and installs nothing; some 2 GB.
# Usage: cpp_runtime/cross/sysroot.sh FOLDER
set -euo pipefail
folder=$(realpath -m "${1:?usage: cpp_runtime/cross/sysroot.sh FOLDER}")
packages=(libavcodec-dev libavformat-dev libavutil-dev libcli11-dev libgtest-dev libopencv-dev
    libpng-dev libspdlog-dev libssl-dev libstdc++-12-dev libswscale-dev nlohmann-json3-dev)
openvino=${OPENVINO_VERSION:-$(sed -n 's/^openvino==//p' "$(dirname "$0")/../../constraints.txt")}

mkdir -p "$folder"/{apt/lists/partial,apt/archives/partial,opt}
: >"$folder/apt/status"
apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/apt"
    -o Dir::State::status="$folder/apt/status" -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache="$folder/apt")
"${apt[@]}" update
"${apt[@]}" --download-only --no-install-recommends -y install "${packages[@]}" >/dev/null
for package in "$folder"/apt/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
# Absolute links would lead to this machine's own files.
find "$folder/usr/lib" "$folder/lib" -xtype l -lname '/*' 2>/dev/null | while read -r link; do
    ln -sfr "$folder$(readlink "$link")" "$link"
done

python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
    --platform manylinux_2_35_aarch64 --platform manylinux_2_31_aarch64 --dest "$folder/apt" "openvino==$openvino"
python3 -m zipfile -e "$folder"/apt/openvino-*.whl "$folder/opt"
echo "$folder is ready: cmake --toolchain cpp_runtime/cross/aarch64.cmake -DCMAKE_SYSROOT=$folder"

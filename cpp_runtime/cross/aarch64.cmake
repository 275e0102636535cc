# Cross-build for 64-bit ARM (Jetson, Raspberry Pi 4 and 5, other boards) with Debian's compiler:
#
#   apt install g++-aarch64-linux-gnu qemu-user-static
#   cpp_runtime/cross/sysroot.sh build/arm64-root
#   cmake -S . -B build/arm64 -G Ninja --toolchain $PWD/cpp_runtime/cross/aarch64.cmake \
#     -DCMAKE_SYSROOT=$PWD/build/arm64-root -DOpenVINO_DIR=$PWD/build/arm64-root/opt/openvino/cmake \
#     -DFCN_EDGE_LIBTORCH=OFF
#   cmake --build build/arm64 && ctest --test-dir build/arm64
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Programs are this machine's, everything else is the board's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

# ctest runs the unit tests through QEMU where it is installed.
find_program(QEMU qemu-aarch64-static qemu-aarch64)
if(QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${QEMU} -L ${CMAKE_SYSROOT})
endif()

# The TensorRT engine, libfcn_edge_tensorrt.so, where TensorRT and CUDA are found, and TensorRT-RTX's,
# libfcn_edge_tensorrt_rtx.so, where its SDK is named. Nothing here is required: without them the same sources are
# compiled and run on the stand-in of tests/nvinfer_double only.
#
#   -DTensorRT_ROOT=DIR      an unpacked TensorRT 10.3 to 11.x; a Jetson or an apt install needs no option
#   -DTensorRTRTX_ROOT=DIR   an unpacked TensorRT-RTX SDK
#   -DCUDAToolkit_ROOT=DIR   CUDA, if it is not where nvcc or /usr/local/cuda says
set(nvidia_sources
  src/backends/tensorrt.cpp
  src/backends/tensorrt_builder.cpp
  src/backends/tensorrt_cuda.cpp
  src/backends/tensorrt_library.cpp
  src/backends/tensorrt_options.cpp
  src/backends/tensorrt_store.cpp
  src/cache_folder.cpp
  src/sha256.cpp)

# NAME of the backend, the SDK's folder (may be empty), and the names of its two libraries
function(fcn_edge_add_nvidia_backend name root infer parser)
  find_path(${name}_INCLUDE NvInfer.h HINTS ${root} PATH_SUFFIXES include)
  find_path(${name}_PARSER_INCLUDE NvOnnxParser.h HINTS ${root} PATH_SUFFIXES include)
  find_library(${name}_LIBRARY ${infer} HINTS ${root} PATH_SUFFIXES lib lib64)
  find_library(${name}_PARSER_LIBRARY ${parser} HINTS ${root} PATH_SUFFIXES lib lib64)
  if(NOT (${name}_INCLUDE AND ${name}_PARSER_INCLUDE AND ${name}_LIBRARY AND ${name}_PARSER_LIBRARY))
    message(STATUS "Engine ${name}: not built (NvInfer.h, NvOnnxParser.h or their libraries not found)")
    return()
  endif()
  find_package(CUDAToolkit QUIET)
  if(NOT TARGET CUDA::cudart)
    message(STATUS "Engine ${name}: not built (TensorRT is here, CUDA is not: give -DCUDAToolkit_ROOT=DIR)")
    return()
  endif()
  fcn_edge_add_backend(${name} SOURCES ${nvidia_sources}
    LIBRARIES ${${name}_LIBRARY} ${${name}_PARSER_LIBRARY} CUDA::cudart OpenSSL::Crypto nlohmann_json::nlohmann_json)
  target_include_directories(fcn_edge_${name} SYSTEM PRIVATE ${${name}_INCLUDE} ${${name}_PARSER_INCLUDE}
                                                             ${CUDAToolkit_INCLUDE_DIRS})
  message(STATUS "Engine ${name}: ${${name}_INCLUDE}, CUDA ${CUDAToolkit_VERSION}")
endfunction()

fcn_edge_add_nvidia_backend(tensorrt "${TensorRT_ROOT}" nvinfer nvonnxparser)
if(TensorRTRTX_ROOT)
  fcn_edge_add_nvidia_backend(tensorrt_rtx "${TensorRTRTX_ROOT}" tensorrt_rtx tensorrt_onnxparser_rtx)
endif()

if(NOT FCN_EDGE_BUILD_TESTS)
  return()
endif()

find_package(GTest REQUIRED)
include(GoogleTest)
list(TRANSFORM nvidia_sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
set(nvidia_tests ${CMAKE_CURRENT_SOURCE_DIR}/tests)
add_executable(tensorrt_tests
  ${nvidia_sources} ${CMAKE_CURRENT_SOURCE_DIR}/src/error.cpp
  ${nvidia_tests}/nvinfer_double/cuda_double.cpp
  ${nvidia_tests}/nvinfer_double/nvinfer_double.cpp
  ${nvidia_tests}/backends/tensorrt_test.cpp
  ${nvidia_tests}/backends/tensorrt_store_test.cpp
  ${nvidia_tests}/backends/tensorrt_refusal_test.cpp)
set_target_properties(tensorrt_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/tests)
target_include_directories(tensorrt_tests PRIVATE src include ${CMAKE_CURRENT_BINARY_DIR}/include
                                                  tests tests/nvinfer_double)
target_link_libraries(tensorrt_tests PRIVATE fcn_edge_options OpenSSL::Crypto nlohmann_json::nlohmann_json
                                             GTest::gtest GTest::gtest_main fcn_edge_sanitizer_rules)
# Always under the sanitizers, whatever the rest of the build has: a missing free or a bad pointer fails the test.
# Not in a cross-build: QEMU does not run them.
if(NOT FCN_EDGE_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  target_compile_options(tensorrt_tests PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(tensorrt_tests PRIVATE -fsanitize=address,undefined)
endif()
gtest_discover_tests(tensorrt_tests DISCOVERY_TIMEOUT 60 DISCOVERY_MODE PRE_TEST)

# The LibTorch engine, libfcn_edge_libtorch.so, for bundles of target torchscript and aoti, where PyTorch's C++ side
# is found: -DTorch_DIR, a system install, or the torch package of .venv. -DFCN_EDGE_LIBTORCH=OFF leaves it out.
option(FCN_EDGE_LIBTORCH "Build the LibTorch engine where PyTorch is found" ON)
if(NOT FCN_EDGE_LIBTORCH)
  return()
endif()

if(NOT Torch_DIR)
  execute_process(
    COMMAND ${CMAKE_SOURCE_DIR}/.venv/bin/python -c
            "import importlib.util as u, pathlib as p; print(p.Path(u.find_spec('torch').origin).parent / 'share/cmake/Torch')"
    OUTPUT_VARIABLE torch_cmake OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed)
    set(Torch_DIR ${torch_cmake})
  endif()
endif()
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(STATUS "Engine libtorch: not built (PyTorch not found: give -DTorch_DIR=<folder of TorchConfig.cmake>)")
  return()
endif()

fcn_edge_add_backend(libtorch SOURCES src/backends/libtorch.cpp LIBRARIES ${TORCH_LIBRARIES})
target_include_directories(fcn_edge_libtorch SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
message(STATUS "Engine libtorch: PyTorch ${Torch_VERSION} in ${Torch_DIR}")

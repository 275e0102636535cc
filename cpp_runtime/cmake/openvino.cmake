# Find OpenVINO: -DOpenVINO_DIR, a system install, or the Python wheel of .venv or python3. The wheel carries
# headers, libraries and a CMake package; only its place has to be asked for.
if(NOT OpenVINO_DIR)
  find_package(OpenVINO QUIET COMPONENTS Runtime)
endif()

if(NOT OpenVINO_FOUND AND NOT OpenVINO_DIR)
  foreach(python ${CMAKE_SOURCE_DIR}/.venv/bin/python python3)
    execute_process(
      COMMAND ${python} -c
              "import importlib.util as u, pathlib as p; print(p.Path(u.find_spec('openvino').origin).parent / 'cmake')"
      OUTPUT_VARIABLE wheel_cmake OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed)
      set(OpenVINO_DIR ${wheel_cmake} CACHE PATH "Folder of OpenVINOConfig.cmake" FORCE)
      break()
    endif()
  endforeach()
endif()

find_package(OpenVINO QUIET COMPONENTS Runtime)
if(NOT OpenVINO_FOUND)
  message(FATAL_ERROR "OpenVINO not found. Install it (.venv/bin/pip install openvino), or give "
                      "-DOpenVINO_DIR=<folder of OpenVINOConfig.cmake>.")
endif()
message(STATUS "OpenVINO ${OpenVINO_VERSION} in ${OpenVINO_DIR}")

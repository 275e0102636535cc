# fcn_edge_options: what every target of ours is compiled with. Headers of others are SYSTEM and stay silent.
add_library(fcn_edge_options INTERFACE)
target_compile_options(fcn_edge_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

# Loops over pixels are worth vectorising even in a build with debug information.
target_compile_options(fcn_edge_options INTERFACE $<$<CONFIG:RelWithDebInfo>:-O3>)

# In a bunch of files a local name may be another file's constant; builds file by file find what truly shadows.
if(CMAKE_UNITY_BUILD)
  target_compile_options(fcn_edge_options INTERFACE -Wno-shadow)
endif()

if(FCN_EDGE_SANITIZE)
  target_compile_options(fcn_edge_options INTERFACE -fsanitize=${FCN_EDGE_SANITIZE} -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  # The checks inserted hide from GCC what is initialised; it warns inside std::regex and std::function.
  target_compile_options(fcn_edge_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(fcn_edge_options INTERFACE -fsanitize=${FCN_EDGE_SANITIZE})
  target_compile_definitions(fcn_edge_options INTERFACE FCN_EDGE_SANITIZED)
endif()

# libFuzzer steers by what a mutation reaches, so all the code has to tell.
if(FCN_EDGE_FUZZ AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(fcn_edge_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What every program and test of a sanitizer build is linked with besides; nothing in other builds.
add_library(fcn_edge_sanitizer_rules INTERFACE)
if(FCN_EDGE_SANITIZE)
  target_sources(fcn_edge_sanitizer_rules INTERFACE ${CMAKE_CURRENT_LIST_DIR}/../sanitizers/suppressions.cpp)
endif()

# cmake --install build --prefix /usr/local: program, library, engines, headers, CMake package, pkg-config.
include(CMakePackageConfigHelpers)

set(engine_dir ${CMAKE_INSTALL_LIBDIR}/fcn_edge)  # where libfcn_edge.so looks for its engines

install(TARGETS fcn_edge EXPORT fcn_edgeTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/fcn_edge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/include/fcn_edge/version.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fcn_edge)

get_property(engines GLOBAL PROPERTY FCN_EDGE_BACKENDS)
foreach(engine IN LISTS engines)
  install(TARGETS ${engine} LIBRARY DESTINATION ${engine_dir})
endforeach()

if(TARGET fcn-edge-stream)
  set_target_properties(fcn-edge-stream PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS fcn-edge-stream RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fcn_edge)
install(EXPORT fcn_edgeTargets NAMESPACE fcn_edge:: DESTINATION ${package_dir})
configure_package_config_file(cmake/fcn_edgeConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/fcn_edgeConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/fcn_edgeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fcn_edgeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/fcn_edgeConfigVersion.cmake
  DESTINATION ${package_dir})

# Relative, so that cmake --install --prefix PREFIX and a moved folder are right too.
file(RELATIVE_PATH prefix_from_pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/fcn_edge.pc.in ${CMAKE_CURRENT_BINARY_DIR}/fcn_edge.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fcn_edge.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What `cmake --install` puts where: the library with its headers, the files by which CMake
# (find_package) and pkg-config find it, and the program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(espalier_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Espalier)
set(espalier_doc_dir ${CMAKE_INSTALL_DATAROOTDIR}/doc/espalier)

# One include root; everything in it reads "espalier/…".
target_include_directories(espalier INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
get_target_property(published espalier ESPALIER_PUBLISHED)
foreach(path IN LISTS published)
  cmake_path(SET destination ${CMAKE_INSTALL_INCLUDEDIR}/espalier/${path})
  cmake_path(GET destination PARENT_PATH destination)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${path}")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${path}" DESTINATION ${destination} FILES_MATCHING PATTERN *.h)
  else()
    install(FILES "${PROJECT_SOURCE_DIR}/${path}" DESTINATION ${destination})
  endif()
endforeach()

# A component of the package is an export set of its own, so that asking for one brings no other.
set(espalier_components training)
install(TARGETS espalier EXPORT Espalier-training)
install(EXPORT Espalier-training NAMESPACE espalier:: DESTINATION ${espalier_package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/EspalierConfig.cmake.in
  ${PROJECT_BINARY_DIR}/EspalierConfig.cmake INSTALL_DESTINATION ${espalier_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/EspalierConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/EspalierConfig.cmake
  ${PROJECT_BINARY_DIR}/EspalierConfigVersion.cmake DESTINATION ${espalier_package_dir})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE espalier_pc_to_prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/espalier.pc.in ${PROJECT_BINARY_DIR}/espalier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/espalier.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION ${espalier_doc_dir})
if(TARGET espalier_cli)
  # Wherever the prefix is moved to, the program finds the library beside it.
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_BINDIR}
    OUTPUT_VARIABLE bin_to_lib)
  set_target_properties(espalier_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
  install(TARGETS espalier_cli)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs/" DESTINATION ${espalier_doc_dir}/examples)
endif()

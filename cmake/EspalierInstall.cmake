# What `cmake --install` puts where: the library with its headers, the files by which CMake
# (find_package) and pkg-config find it, and the program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(espalier_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Espalier)
set(espalier_doc_dir ${CMAKE_INSTALL_DATAROOTDIR}/doc/espalier)

# A component of the package is an export set of its own, so that asking for one brings no other.
# One include root; everything in it reads "espalier/…".
set(espalier_components training runtime)
set(espalier_target_training espalier)
set(espalier_target_runtime espalier_runtime)
foreach(component IN LISTS espalier_components)
  set(library ${espalier_target_${component}})
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  get_target_property(published ${library} ESPALIER_PUBLISHED)
  foreach(path IN LISTS published)
    cmake_path(SET destination ${CMAKE_INSTALL_INCLUDEDIR}/espalier/${path})
    cmake_path(GET destination PARENT_PATH destination)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${path}")
      # The runtime's own headers are its component's.
      install(DIRECTORY "${PROJECT_SOURCE_DIR}/${path}" DESTINATION ${destination}
        FILES_MATCHING PATTERN *.h PATTERN compress/runtime EXCLUDE)
    else()
      install(FILES "${PROJECT_SOURCE_DIR}/${path}" DESTINATION ${destination})
    endif()
  endforeach()
  install(TARGETS ${library} EXPORT Espalier-${component})
  install(EXPORT Espalier-${component} NAMESPACE espalier:: DESTINATION ${espalier_package_dir})
endforeach()
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

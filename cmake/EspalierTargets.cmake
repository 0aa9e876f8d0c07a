# How a folder becomes a target.
#
# Every include in the project reads "espalier/<folder>/<file>", in the tree and installed. So that
# a folder can only include what lies below it, each target has an include root of its own under
# the build folder, with links to the folders and files it publishes and nothing else; a target sees
# its own root and those of the targets it links. An upward include finds no file.

# espalier_include_root(<target> <scope> <path>…): shows these paths of the source tree to the target
# and, with scope PUBLIC, to those that link it.
function(espalier_include_root target scope)
  set(root "${PROJECT_BINARY_DIR}/include/${target}.${scope}")
  foreach(path IN LISTS ARGN)
    cmake_path(GET path PARENT_PATH parent)
    file(MAKE_DIRECTORY "${root}/espalier/${parent}")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/${path}" "${root}/espalier/${path}" SYMBOLIC)
  endforeach()
  target_include_directories(${target} ${scope} "$<BUILD_INTERFACE:${root}>")
endfunction()

# espalier_folder(<target> PUBLISH <path>… [HIDE <path>…] [SOURCES <glob>…]): an object library from
# the sources of the current folder that match the globs (default: all below it). HIDE names paths
# that only the target itself may include.
function(espalier_folder target)
  cmake_parse_arguments(arg "" "" "PUBLISH;HIDE;SOURCES" ${ARGN})
  if(arg_SOURCES)
    file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  endif()
  add_library(${target} OBJECT ${sources})
  espalier_include_root(${target} PUBLIC ${arg_PUBLISH})
  espalier_include_root(${target} PRIVATE ${arg_HIDE})
  espalier_settings(${target})
endfunction()

# What every target of ours is compiled with. Nothing of this reaches a program that links us.
function(espalier_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Werror=return-type
    # GCC 12 sees an overlap in std::string that is not there (its bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endfunction()

# How a folder becomes a target, and how the targets become the library.
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

# espalier_folder(<target> PUBLISH <path>… [HIDE <path>…] [SOURCES <glob>…] [EXCEPT <glob>…]): an
# object library from the sources of the current folder that match the globs (default: all below it)
# and not those under EXCEPT. HIDE names paths that only the target itself may include.
function(espalier_folder target)
  cmake_parse_arguments(arg "" "" "PUBLISH;HIDE;SOURCES;EXCEPT" ${ARGN})
  if(arg_SOURCES)
    file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
  else()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cpp)
  endif()
  if(arg_EXCEPT)
    file(GLOB left_out CONFIGURE_DEPENDS ${arg_EXCEPT})
    list(REMOVE_ITEM sources ${left_out})
  endif()
  add_library(${target} OBJECT ${sources})
  espalier_include_root(${target} PUBLIC ${arg_PUBLISH})
  espalier_include_root(${target} PRIVATE ${arg_HIDE})
  set_target_properties(${target} PROPERTIES ESPALIER_PUBLISHED "${arg_PUBLISH}")
  espalier_settings(${target})
endfunction()

# espalier_library(<library> HEADER <path>… PUBLISH <target>… [HIDE <target>…]): the shared library
# espalier::<library> from the objects of folder targets. Who links it sees the given headers and what
# the targets under PUBLISH publish, through one include root that looks as it does when installed
# (the library's property ESPALIER_PUBLISHED), and inherits nothing else but the need for C++20.
function(espalier_library library)
  cmake_parse_arguments(arg "" "" "HEADER;PUBLISH;HIDE" ${ARGN})
  set(published ${arg_HEADER})
  foreach(folder IN LISTS arg_PUBLISH)
    get_target_property(paths ${folder} ESPALIER_PUBLISHED)
    list(APPEND published ${paths})
  endforeach()
  add_library(${library} SHARED)
  add_library(espalier::${library} ALIAS ${library})
  target_link_libraries(${library} PRIVATE ${arg_PUBLISH} ${arg_HIDE})
  target_compile_features(${library} INTERFACE cxx_std_20)
  espalier_include_root(${library} INTERFACE ${published})
  # Before 1.0 each minor version may break the binary interface.
  set_target_properties(${library} PROPERTIES VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} ESPALIER_PUBLISHED "${published}")
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

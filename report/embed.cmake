# Writes a C++ file that holds text files as constants of namespace espalier::report:
#
#   cmake -D OUT=page_files.cpp -D FILES="page_css=page.css;page_js=page.js" -P embed.cmake
#
# Raw strings take the texts as they are.
set(delimiter "espalier~page")

set(code "// Written by embed.cmake.\n#include \"espalier/report/page_files.h\"\n\nnamespace espalier::report {\n\n")
foreach(pair IN LISTS FILES)
  string(REGEX MATCH "^([a-z_]+)=(.*)$" matched "${pair}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" text)
  string(FIND "${text}" ")${delimiter}\"" collision)
  if(NOT collision EQUAL -1)
    message(FATAL_ERROR "${CMAKE_MATCH_2} holds ')${delimiter}\"', which ends a string in embed.cmake")
  endif()
  string(APPEND code "const std::string_view ${name} = R\"${delimiter}(${text})${delimiter}\";\n\n")
endforeach()
string(APPEND code "}  // namespace espalier::report\n")
file(WRITE "${OUT}" "${code}")

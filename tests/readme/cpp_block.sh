#!/bin/sh
# Prints the NUMBER-th C++ block of a Markdown file; complains if there is none.
#   cpp_block.sh FILE NUMBER
awk -v wanted="$2" '
  /^```cpp/ { ++number; inside = 1; next }
  /^```/ { inside = 0 }
  inside && number == wanted { print; found = 1 }
  END { if (!found) { print "no C++ block " wanted > "/dev/stderr"; exit 1 } }' "$1"

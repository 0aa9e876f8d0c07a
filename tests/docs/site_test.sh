#!/bin/sh
# Builds the site, if the programs for it are there: every page gets in, every link and file is found.
#   site_test.sh SOURCES FOLDER
for program in mkdocs doxygen; do
  command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
rm -rf "$2"
"$1/scripts/docs" "$2" || exit 1
for page in index.html for-designers.html reference/index.html source/compress/pruner.h.html search_index.js; do
  [ -s "$2/$page" ] || { echo "there is no $page"; exit 1; }
done

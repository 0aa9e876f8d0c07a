#!/bin/sh
# The project apps/embed-c as a user builds it, on a generated file.
#
#   embed_c_test.sh PATH-OF-write_c_checks CMAKE
set -u
here=$(dirname "$(realpath "$0")")
write=$(realpath "$1") cmake=$2
if ! command -v cc >/dev/null; then
  echo 'skipped: no C compiler (cc)'
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
"$write" . || exit 1
{ "$cmake" -G Ninja -S "$here/../../apps/embed-c" -B build "-DNETWORK_FOLDER=$folder/embed" -DCMAKE_C_FLAGS=-Werror &&
  "$cmake" --build build; } >log 2>&1 || { cat log; exit 1; }
build/classify embed/picture.pgm >out 2>&1 || { echo 'classify failed:'; cat out; exit 1; }
grep -q "^embed/picture.pgm: class $(cat embed/class), " out || { echo "not class $(cat embed/class):"; cat out; exit 1; }

# What is no picture, and one of another size.
printf 'P5\n27 28\n255\n' >other.pgm
for file in embed/network.c other.pgm absent.pgm; do
  build/classify "$file" >out 2>err && { echo "$file was accepted"; exit 1; }
  grep -q "^classify: $file" err || { echo "$file:"; cat err; exit 1; }
done

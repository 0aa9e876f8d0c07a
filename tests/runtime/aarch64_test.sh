#!/bin/sh
# The runtime built for another processor gives the same: aarch64_test.sh SOURCE-ROOT WORK-FOLDER
# Exit status 77: there is no cross compiler or no emulator (scripts/install-deps --all).
set -eu
root=$1 work=$2
compiler=aarch64-linux-gnu-g++ emulator=qemu-aarch64
command -v $compiler >/dev/null && command -v $emulator >/dev/null ||
  { echo "skipped: there is no $compiler or no $emulator"; exit 77; }
mkdir -p "$work/include/espalier"
ln -sfn "$root/compress" "$work/include/espalier/compress"
# The flags of compress/runtime/CMakeLists.txt; kernels of x86-64 are empty files here.
set -- -std=c++17 -O2 -Wall -Wextra -Werror -Wno-psabi -ffp-contract=off -fno-exceptions -fno-rtti "-I$work/include"
for source in "$root"/compress/runtime/*.cpp "$root"/compress/runtime/*/*.cpp; do
  object="$work/$(basename "$source" .cpp).o"
  [ "$object" -nt "$source" ] && [ -z "$(find "$root/compress/runtime" -name '*.h' -newer "$object")" ] ||
    $compiler "$@" -c "$source" -o "$object"
done
$compiler "$@" -static "$root/tests/consumer/runtime/main.cpp" "$work"/*.o -o "$work/consumer"
for golden in "$root"/tests/runtime/data/*.esp; do
  seen=$($emulator "$work/consumer" "$golden") || { echo "$golden: $seen"; exit 1; }
  [ "$seen" = portable ] || { echo "$golden runs on $seen"; exit 1; }
done

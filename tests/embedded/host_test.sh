#!/bin/sh
# Generated C files: with every C compiler there is they compile without a warning and give the scores
# of the reference; with GCC also under the address and undefined behaviour sanitizers.
#
#   host_test.sh PATH-OF-write_c_checks
set -u
here=$(dirname "$(realpath "$0")")
write=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
"$write" . || exit 1

# check NAME COMPILER FLAG…: compiles all, runs it.
check() {
  name=$1
  shift
  "$@" -std=c99 -Wall -Wextra -pedantic -Werror ./*.c "$here/main.c" -o "$name" || { echo "$*: does not compile"; exit 1; }
  "./$name" >out 2>&1 || { echo "$*: wrong"; cat out; exit 1; }
  grep 'networks are right' out
}

found=
for compiler in gcc clang clang-14 cc; do
  command -v "$compiler" >/dev/null || continue
  [ "$compiler" = cc ] && [ -n "$found" ] && continue
  found="$found $compiler"
  check "with-$compiler" "$compiler" -O1
done
if [ -z "$found" ]; then
  echo 'skipped: no C compiler (gcc, clang or cc)'
  exit 77
fi
# The smallest of programs tells whether the sanitizers are installed.
mkdir tried
echo 'int main(void) { return 0; }' >tried/main.c
if gcc -fsanitize=address,undefined tried/main.c -o tried/main 2>/dev/null; then
  check sanitized gcc -g -fsanitize=address,undefined -fno-sanitize-recover=all
else
  echo 'not run: the sanitizers of gcc are not installed'
fi
# No name but the function's is seen by other files, and none of a C library is wanted.
${found##* } -std=c99 -Os -ffreestanding -c lenet5.c -o lenet5.o || exit 1
names=$(nm -g lenet5.o | grep -v '_GLOBAL_OFFSET_TABLE_' | awk '{print $NF}')
[ "$names" = lenet5_run ] || { echo "lenet5.c has or wants these names: $names"; exit 1; }
includes=$(grep -h '^#include' ./*.c | grep -v '"' | sort -u)
[ "$includes" = '#include <stdint.h>' ] || { echo "includes: $includes"; exit 1; }

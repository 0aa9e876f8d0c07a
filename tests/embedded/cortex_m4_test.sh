#!/bin/sh
# Generated C files on an emulated Cortex-M4: they compile without a warning, give the scores of the
# reference, and LeNet-5 with 2 % of its weights is small.
#
#   cortex_m4_test.sh PATH-OF-write_c_checks
set -u
here=$(dirname "$(realpath "$0")")
write=$(realpath "$1")
for tool in arm-none-eabi-gcc arm-none-eabi-size qemu-system-arm; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: needs $tool (scripts/install-deps --all)"
    exit 77
  fi
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
"$write" . || exit 1

# compile FILE…: into objects here.
compile() {
  arm-none-eabi-gcc -std=gnu99 -mcpu=cortex-m4 -mthumb -Os -ffreestanding -Wall -Wextra -c "$@" || exit 1
}
for file in ./*.c; do
  case $file in
    *_check.c | ./check_all.c) compile "$file" ;;
    *) arm-none-eabi-gcc -std=c99 -mcpu=cortex-m4 -mthumb -Os -ffreestanding -Wall -Wextra -pedantic -Werror \
      -c "$file" || exit 1 ;;
  esac
done
compile "$here/cortex_m4/startup.c" "$here/cortex_m4/main.c"
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -nostdlib -T "$here/cortex_m4/link.ld" ./*.o -lgcc -o checks.elf || exit 1
timeout 250 qemu-system-arm -machine mps2-an386 -cpu cortex-m4 -nographic -semihosting-config enable=on,target=native \
  -kernel checks.elf >out 2>&1 </dev/null || { echo 'wrong, or not at an end after 250 s:'; cat out; exit 1; }
grep 'networks are right' out || { cat out; exit 1; }

size=$(arm-none-eabi-size lenet5.o | awk 'NR == 2 { print $1 + $2 + $3 }')
arena=$(sed -n 's/^#define LENET5_ARENA_BYTES //p' lenet5.h)
echo "LeNet-5, 98 % sparse, 8 bits: $size bytes of code and constants, $arena bytes of arena"
[ "$size" -le 40000 ] || { echo 'more than 40,000 bytes'; exit 1; }
[ "$arena" -le 20000 ] || { echo 'an arena of more than 20,000 bytes'; exit 1; }

#!/bin/sh
# What the runtime's shared library weighs and needs: library_test.sh LIBRARY
set -eu
fail() { echo "$1"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strip -o "$work/stripped.so" "$1"
size=$(stat -c %s "$work/stripped.so")
echo "stripped: $size bytes"
# With sanitizers or without optimisation it is another library.
nm -D "$1" | grep -q -E '__(asan|ubsan|tsan)' && exit 0
[ "$size" -le 400000 ] || fail "the stripped library has more than 400,000 bytes"
nm "$1" | c++filt >"$work/symbols"
grep -q 'espalier::runtime::load' "$work/symbols" || fail "there are no symbols to look at"
if grep -iE 'eigen|dnnl|yaml|fmt::|omp_|GOMP|espalier::(nn|compress|Tensor)' "$work/symbols"; then
  fail "there are symbols of something else"
fi
if nm -D --undefined-only "$1" | grep -E '__cxa_throw|_ZTI'; then fail "it throws"; fi
needed=$(objdump -p "$1" | sed -n 's/ *NEEDED *//p')
for library in $needed; do
  case $library in
    libc.so.*|libm.so.*|libstdc++.so.*|libgcc_s.so.*|ld-linux*) ;;
    *) fail "it needs $library" ;;
  esac
done

#!/bin/sh
# Takes a trained network to one file and uses the file, as a user does.
#
#   export_test.sh PATH-OF-PROGRAM
. "$(dirname "$0")/as_user.sh"

good float.yaml <<'YAML'
compress:
  AGPruner:
    config: [{final_sparsity: 0.9, scope: global, end_epoch: 2}]
YAML
good int8.yaml <<'YAML'
compress:
  AGPruner:
    config: [{final_sparsity: 0.9, scope: global, end_epoch: 2}]
  QATQuantizer: {}
YAML
expect 0 'test accuracy' train float.yaml --out float
expect 0 'test accuracy' train int8.yaml --out int8

# --- The file --------------------------------------------------------------------------------------
expect 0 'Examples:' export --help
expect 0 'with float32' export float -o float.esp
expect 0 'with integers' export int8 -o int8.esp
grep -q 'instead of  1,066,440 bytes' out || fail "no word of what it was: $(cat out)"
[ "$(wc -c <int8.esp)" -lt 60000 ] || fail "a tenth of the weights takes $(wc -c <int8.esp) bytes"
expect 0 'with integers' export int8 --to esp --out again
cmp int8.esp again || fail 'two exports differ'

head -c 1000 int8.esp >short.esp
expect 0 'int8.esp' info int8.esp
grep -q '^fc1 .* 8 bits .* 235,200 ' out || fail "no row of fc1: $(cat out)"
# The bytes of all layers and what is beside them are those of the file, up to rounding.
awk -v file="$(wc -c <int8.esp)" '{ gsub(",", "") } /^all/ { all = $NF } /^beside/ { all += $3 + $7 + 9 + 5 }
  END { exit !(all > file - 12 && all < file + 12) }' out || fail "the bytes do not add up: $(cat out)"
expect 0 'float32' info float.esp
expect 1 'short' info short.esp

# --- What it answers ---------------------------------------------------------------------------------
printf 'P5 28 28 255\n' >digit.pgm
head -c 784 /dev/zero | tr '\0' '\177' >>digit.pgm
expect 0 'digit.pgm' run int8.esp digit.pgm
expect 0 'nine' run float.esp digit.pgm --top 10 --names zero,one,two,three,four,five,six,seven,eight,nine
expect 2 '2 names' run int8.esp digit.pgm --names a,b
expect 2 'top must be an integer in [1, 10]' run int8.esp digit.pgm --top 11
expect 1 'cannot open none.png' run int8.esp none.png
expect 1 'digit.pgm' run digit.pgm digit.pgm
expect 1 'short.esp' run short.esp digit.pgm
expect 2 'a picture' run int8.esp

expect 0 'images_per_second=' bench infer --net int8.esp --seconds 0.1
expect 0 'latency_us=' bench infer --net float --batch 8 --threads 2 --seconds 0.1
expect 2 'needs a network' bench infer
expect 2 'none.esp' bench infer --net none.esp

# --- Proved --------------------------------------------------------------------------------------------
expect 0 'verdict     passed' verify int8.esp int8
grep -q 'byte for byte' out || fail "not the run's bytes: $(cat out)"
grep -q '^linear .* fc1 .* equal$' out || fail "no equal codes: $(cat out)"
expect 0 'float32' verify float.esp float --pictures 3
"$program" verify float.esp int8 >out 2>err
[ $? -eq 1 ] || fail "another run's file is verified: $(cat out)"
grep -q 'NOT what the run exports' out || fail "it does not say why: $(cat out)"
expect 2 'a file and the run' verify int8.esp
expect 2 'none.esp' verify none.esp int8

# --- C and ONNX -------------------------------------------------------------------------------------------
expect 0 'with integers' export int8 -o digits.c
grep -q 'void digits_run(const uint8_t' digits.c || fail 'no digits_run'
expect 0 'written' export int8 --to c --name other -o digits.c
grep -q 'void other_run(const uint8_t' digits.c || fail 'no other_run'
expect 2 "digits.h' is where the header goes" export int8 --to c -o digits.h
expect 1 'quantize' export float -o float.c
[ -e float.c ] && fail 'a file in spite of the error'
"$program" export float -o float.onnx >out 2>err
code=$?
if [ $code -eq 0 ]; then
  grep -q 'float.onnx' out || fail "no word of the file: $(cat out)"
else
  grep -q 'libonnx-dev' err || fail "a build without ONNX does not say what is missing: $(cat err)"
fi

# --- Wrong -------------------------------------------------------------------------------------------------
expect 2 '-o net.esp' export int8
expect 2 '.esp, .c and .onnx' export int8 -o net.bin
expect 2 "not 'exp'; did you mean 'esp'?" export int8 --to exp -o net
expect 2 '--name belongs' export int8 -o net.esp --name net
expect 2 'holds no run' export nowhere -o net.esp
expect 1 'no/such' export int8 -o no/such/net.esp
verdict

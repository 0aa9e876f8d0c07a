#!/bin/sh
# Builds the program in this folder against the library and runs it.
#
#   consumer_test.sh installed|sources BUILD-FOLDER WORK-FOLDER CMAKE COMPILER FLAGS [CMAKE-OPTION…]
#
# BUILD-FOLDER is the one of the library; FLAGS are those that everything is compiled with (sanitizers).
set -eu
here=$(dirname "$(realpath "$0")")
way=$1 build=$2 work=$(realpath -m "$3") cmake=$4 compiler=$5 common=$6
shift 6

fail() { echo "$1"; exit 1; }

case $way in
  installed)
    rm -rf "$work"
    "$cmake" --install "$build" --prefix "$work/first" >/dev/null
    mv "$work/first" "$work/prefix"  # an installed library may be moved
    "$work"/prefix/bin/espalier --version || fail "the installed program does not start"
    find "$work/prefix/include" | grep -E 'backend|autograd/ops/' && fail "private headers are installed"
    set -- "-DCMAKE_PREFIX_PATH=$work/prefix" "$@"
    ;;
  sources)
    mkdir -p "$work"
    set -- "-DESPALIER_SOURCE=$here/../.." "$@"
    ;;
esac

"$cmake" -G Ninja -S "$here" -B "$work/build" "-DCMAKE_CXX_COMPILER=$compiler" "-DCMAKE_CXX_FLAGS=$common" \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring failed"; }
"$cmake" --build "$work/build" >"$work.log" 2>&1 || { cat "$work.log"; fail "building failed"; }

# Where to find the headers, the language, and what CMake itself says: no flag, macro or thread beyond.
flags=$(grep '"command"' "$work/build/compile_commands.json" | grep 'main\.cpp' | grep -o ' -[^ ]*' |
  grep -vE '^ -(I|isystem$|o$|c$|std=(gnu|c)\+\+(20|2a)$)' | grep -vxF "$(printf ' %s\n' ${common:--none})" || true)
[ -z "$flags" ] || fail "the program is compiled with$flags"
"$work/build/consumer" || fail "the program failed"

[ "$way" = installed ] || exit 0
# A program that runs exported networks and knows nothing of training.
"$cmake" -G Ninja -S "$here/runtime" -B "$work/runtime" "-DCMAKE_CXX_COMPILER=$compiler" \
  "-DCMAKE_CXX_FLAGS=$common" "$@" >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring for the runtime failed"; }
"$cmake" --build "$work/runtime" >"$work.log" 2>&1 || { cat "$work.log"; fail "building with the runtime failed"; }
for golden in "$here"/../runtime/data/*.esp; do
  "$work/runtime/consumer" "$golden" || fail "$golden does not run"
done
find "$work/prefix/include" -path '*runtime/*/*' | grep . && fail "the runtime's private headers are installed"
# The examples: from code, and as a plugin from YAML.
"$cmake" -G Ninja -S "$here/../../apps/examples" -B "$work/examples" "-DCMAKE_CXX_COMPILER=$compiler" \
  "-DCMAKE_CXX_FLAGS=$common" "$@" >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring the examples failed"; }
"$cmake" --build "$work/examples" >"$work.log" 2>&1 || { cat "$work.log"; fail "building the examples failed"; }
mkdir -p "$work/run"
for source in "$here"/../../apps/examples/*.cpp; do
  program=$(basename "$source" .cpp)
  [ "$program" != plugin ] || continue
  code=0
  # Threads that wait for one another must not spin where other tests run on the same cores.
  (cd "$work/run" && GOMP_SPINCOUNT=5000 "$work/examples/$program") >"$work.log" 2>&1 || code=$?
  if [ "$code" = 77 ]; then
    cat "$work.log"
    continue
  fi
  [ "$code" = 0 ] || { cat "$work.log"; fail "the example $program failed"; }
  "$here/expected_output.sh" "$here/../../docs/lessons/examples.md" "$program" <"$work.log" ||
    fail "docs/lessons/examples.md shows another output of $program"
done
cd "$work"
cat >custom.yaml <<'YAML'
model: lenet300
data: {name: synthetic, limit: 200}
batch: 100
epochs: 2
seed: 7
optimizer: {SGD: {lr: 0.05, momentum: 0.9}}
compress:
  HalfTheRows: {config: [{support_op: fc1}]}
  TernaryQuantizer: {config: [{support_op: [fc1, fc2]}]}
  CallLog: {config: [{support_op: fc3, log: calls.txt}]}
YAML
rm -rf runs calls.txt
prefix/bin/espalier train custom.yaml --plugin examples/libcustom.so --out runs/custom >"$work.log" ||
  { cat "$work.log"; fail "training with the plugin failed"; }
prefix/bin/espalier info runs/custom | grep -E 'fc1 .*(5[0-9]|6[0-9]|7[0-9]|8[0-9])\.[0-9] %' ||
  { prefix/bin/espalier info runs/custom; fail "half of the rows of fc1 are not zero"; }
cat >expected.txt <<'CALLS'
update_epoch 0
quantize_weight fc3
step
quantize_weight fc3
step
CALLS
# What comes before the first epoch is left out: the display may look at a weight.
sed -n '/update_epoch 0/,$p' calls.txt | head -5 >seen.txt
diff seen.txt expected.txt ||
  fail "the quantizer is not called in the order that the examples name"
grep -c '^step$' calls.txt | grep -qx 4 || fail "there are not four steps in two epochs of two"
# A program that links the runtime alone, and one made of a generated C file: both answer as the
# program itself does.
cat >int8.yaml <<'YAML'
model: lenet300
data: {name: synthetic, limit: 500}
batch: 50
epochs: 1
seed: 7
optimizer: {SGD: {lr: 0.05, momentum: 0.9}}
compress: {QATQuantizer: {}}
YAML
prefix/bin/espalier train int8.yaml --out runs/int8 >"$work.log" || { cat "$work.log"; fail "training failed"; }
prefix/bin/espalier export runs/int8 -o net.esp >"$work.log" || { cat "$work.log"; fail "no net.esp"; }
mkdir -p generated
prefix/bin/espalier export runs/int8 -o generated/network.c >"$work.log" || { cat "$work.log"; fail "no network.c"; }
"$cmake" -G Ninja -S "$here/../../apps/embed" -B "$work/embed" "-DCMAKE_CXX_COMPILER=$compiler" \
  "-DCMAKE_CXX_FLAGS=$common" "$@" >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring apps/embed failed"; }
"$cmake" --build "$work/embed" >"$work.log" 2>&1 || { cat "$work.log"; fail "building apps/embed failed"; }
grep -q warning "$work.log" && { cat "$work.log"; fail "apps/embed compiles with warnings"; }
"$cmake" -G Ninja -S "$here/../../apps/embed-c" -B "$work/embed-c" "-DNETWORK_FOLDER=$work/generated" \
  >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring apps/embed-c failed"; }
"$cmake" --build "$work/embed-c" >"$work.log" 2>&1 || { cat "$work.log"; fail "building apps/embed-c failed"; }
for seed in 1 2 3; do
  { printf 'P5\n# a comment\n28 28 255\n'
    awk -v n=$seed 'BEGIN { for (i = 0; i < 784; ++i) { n = (n * 75 + 74) % 65537; printf "%c", 33 + n % 94 } }'
  } >"$seed.pgm"
done
prefix/bin/espalier run net.esp 1.pgm 2.pgm 3.pgm | awk '{ print $1 ": class " $2 }' >expected.txt
for program in "embed/classify net.esp" embed-c/classify; do
  $program 1.pgm 2.pgm 3.pgm | sed 's/, score.*//' >seen.txt
  diff seen.txt expected.txt || fail "$program answers otherwise than espalier run"
done
# What is not there is refused in words.
cat >"$work/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(Wrong LANGUAGES NONE)
find_package(Espalier ${wanted_version} REQUIRED COMPONENTS ${wanted})
CMAKE
for wanted in "training;teleport:no component 'teleport'; it has: training"; do
  "$cmake" -G Ninja -S "$work" -B "$work/wrong" "-Dwanted=${wanted%%:*}" "-DCMAKE_PREFIX_PATH=$work/prefix" \
    >"$work.log" 2>&1 && fail "a component that does not exist was found"
  tr -s '\n ' ' ' <"$work.log" | grep -q "${wanted#*:}" || { cat "$work.log"; fail "the error is unclear"; }
done
"$cmake" -G Ninja -S "$work" -B "$work/old" -Dwanted=training -Dwanted_version=9.0 "-DCMAKE_PREFIX_PATH=$work/prefix" \
  >"$work.log" 2>&1 && fail "version 9.0 was found"
exit 0

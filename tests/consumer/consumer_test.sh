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
# The examples: from code, and as a plugin from YAML.
"$cmake" -G Ninja -S "$here/../../apps/examples" -B "$work/examples" "-DCMAKE_CXX_COMPILER=$compiler" \
  "-DCMAKE_CXX_FLAGS=$common" "$@" >"$work.log" 2>&1 || { cat "$work.log"; fail "configuring the examples failed"; }
"$cmake" --build "$work/examples" >"$work.log" 2>&1 || { cat "$work.log"; fail "building the examples failed"; }
for program in custom_algorithms call_order; do
  "$work/examples/$program" >"$work.log" || { cat "$work.log"; fail "the example $program failed"; }
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

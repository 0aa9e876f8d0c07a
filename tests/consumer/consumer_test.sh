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

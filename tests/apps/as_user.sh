# Using the program `espalier` as a user does. Sourced by the tests beside it, with the program's path
# as first argument; they then stand in an empty folder that is removed at the end.
set -u
program=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# judge CODE TEXT GOT WHAT: the program, whose output is in the files out and err, should have ended
# with CODE and, on failure, said one line with TEXT on standard error; otherwise TEXT is on standard
# output.
judge() {
  [ "$3" -eq "$1" ] || fail "$4: exit code $3, not $1: $(cat err)"
  if [ "$1" -eq 0 ]; then
    grep -qF -- "$2" out || fail "$4: '$2' is not in: $(cat out)"
    return
  fi
  [ "$(wc -l <err)" -eq 1 ] || fail "$4: not one line on standard error: $(cat err)"
  grep -q '^espalier: ' err || fail "$4: no 'espalier: ' before: $(cat err)"
  grep -qF -- "$2" err || fail "$4: '$2' is not in: $(cat err)"
}

# expect CODE TEXT ARGUMENT…: runs the program and judges it.
expect() {
  code=$1 text=$2
  shift 2
  "$program" "$@" >out 2>err
  judge "$code" "$text" $? "espalier $*"
}

# good FILE: a configuration that trains in a moment; lines of standard input are added.
good() {
  cat >"$1" <<'YAML'
model: lenet300
data: {name: synthetic, limit: 1000}
batch: 50
epochs: 3
seed: 7
threads: 2
optimizer: {SGD: {lr: 0.05, momentum: 0.9}}
YAML
  cat >>"$1"
}

# edited FILE SED-SCRIPT: that configuration with a compress section, changed.
edited() {
  good "$1" <<'YAML'
compress:
  AGPruner:
    config:
      - {initial_sparsity: 0, final_sparsity: 0.9, start_epoch: 0, end_epoch: 2, frequency: 1}
YAML
  sed -i "$2" "$1"
}

# The last thing a test does.
verdict() {
  [ "$failures" -eq 0 ] || exit 1
  echo 'all as it should be'
}

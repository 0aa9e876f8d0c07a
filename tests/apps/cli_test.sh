#!/bin/sh
# Uses the program `espalier` as a user does: what it prints, where, and its exit codes.
#
#   cli_test.sh PATH-OF-PROGRAM
#
# Needs no data files: the trainings learn made-up pictures.
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

# expect CODE TEXT ARGUMENT…: the program ends with CODE and, on failure, says one line with TEXT on
# standard error; otherwise TEXT is on standard output.
expect() {
  code=$1 text=$2
  shift 2
  "$program" "$@" >out 2>err
  got=$?
  [ "$got" -eq "$code" ] || fail "espalier $*: exit code $got, not $code: $(cat err)"
  if [ "$code" -eq 0 ]; then
    grep -qF -- "$text" out || fail "espalier $*: '$text' is not in: $(cat out)"
    return
  fi
  [ "$(wc -l <err)" -eq 1 ] || fail "espalier $*: not one line on standard error: $(cat err)"
  grep -q '^espalier: ' err || fail "espalier $*: no 'espalier: ' before: $(cat err)"
  grep -qF -- "$text" err || fail "espalier $*: '$text' is not in: $(cat err)"
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

# edited FILE SED-SCRIPT: the good configuration, changed.
edited() {
  good "$1" <pruning.part
  sed -i "$2" "$1"
}

cat >pruning.part <<'YAML'
compress:
  AGPruner:
    config:
      - {initial_sparsity: 0, final_sparsity: 0.9, start_epoch: 0, end_epoch: 2, frequency: 1}
YAML
good good.yaml <pruning.part
good plain.yaml </dev/null

# --- Help and listings -------------------------------------------------------------------------
expect 0 'Examples:' --help
expect 0 'espalier ' --version
for command in train evaluate info bench; do expect 0 'Examples:' $command --help; done
expect 0 'Examples:' bench train --help
expect 0 'AGPruner' info
expect 0 'lenet300' info good.yaml

# --- The command line is wrong -----------------------------------------------------------------
expect 2 'which command'
expect 2 "did you mean 'train'?" trian good.yaml
expect 2 "there is no option '--epoks'; did you mean '--epochs'?" train good.yaml --epoks 3
expect 2 'argument' train good.yaml --epochs
expect 2 '--epochs: epochs must be an integer in [1, 1000000], not 0' train good.yaml --epochs 0
expect 2 '--epochs: epochs must be' train good.yaml --epochs many
expect 2 '--lr: lr must be a number above 0' train good.yaml --lr -1
expect 2 '--threads: threads must be' train good.yaml --threads 0
expect 2 'one CONFIG.yaml' train
expect 2 'one CONFIG.yaml' train good.yaml plain.yaml
expect 2 'none.yaml' train none.yaml
expect 2 'none.yaml' info none.yaml
expect 2 'compresses nothing' train plain.yaml --with-dense
expect 2 "lenet5" bench train --net lenet6
expect 2 '--batch: batch must be' bench train --batch 0
expect 2 'train' bench trian

# --- The configuration is wrong: where, and what was meant ---------------------------------------
edited bad.yaml 's/^epochs: 3/epochs: 3\nepochz: 3/'
expect 2 "bad.yaml:5:1: unknown key 'epochz' in the configuration; did you mean 'epochs'?" \
  train bad.yaml
edited bad.yaml 's/^epochs: 3/epochs: three/'
expect 2 'bad.yaml:4:9: epochs must be an integer' train bad.yaml
edited bad.yaml 's/^model: .*/model: lenet30/'
expect 2 "bad.yaml:1:8: model must be one of" train bad.yaml
grep -qF "did you mean 'lenet300'?" err || fail "no near model name in: $(cat err)"
edited bad.yaml 's/^model: .*//'
expect 2 "missing key 'model'" train bad.yaml
edited bad.yaml 's/name: synthetic/name: fashion-mnits/'
expect 2 "did you mean 'fashion-mnist'?" train bad.yaml
edited bad.yaml 's/limit: 1000/limit: 1000, hold_out: 1000/'
expect 2 'bad.yaml:2:' train bad.yaml
edited bad.yaml 's/SGD/SDG/'
expect 2 "bad.yaml:7:13: there is no optimizer named 'SDG'; did you mean 'SGD'?" train bad.yaml
edited bad.yaml 's/momentum: 0.9/momentum: 1.5/'
expect 2 'momentum must be a number in [0, 1)' train bad.yaml
good bad.yaml <<'YAML'
schedule: {one_cicle: {warmup: 0.2}}
YAML
expect 2 "did you mean 'one_cycle'?" train bad.yaml
edited bad.yaml 's/final_sparsity: 0.9/final_sparsity: 1.5/'
expect 2 'final_sparsity must be a number in [0, 1), not 1.5' train bad.yaml
edited bad.yaml 's/frequency/frequncy/'
expect 2 "unknown key 'frequncy' in AGPruner rule 1; did you mean 'frequency'?" train bad.yaml
edited bad.yaml 's/AGPruner/AGPrunner/'
expect 2 "did you mean 'AGPruner'?" train bad.yaml
edited bad.yaml 's/frequency: 1/frequency: 1, support_op: fc9/'
expect 2 "fc9" train bad.yaml
[ -e runs ] && fail 'a wrong configuration left something in runs/'

# --- Failures ----------------------------------------------------------------------------------
expect 1 'no longer a number' train good.yaml --lr 1e9 --out diverged
[ -e diverged ] && fail 'a training without a finished epoch left its folder behind'
edited files.yaml 's/name: synthetic.*/name: mnist}/'
expect 1 'empty-folder' train files.yaml --data empty-folder

# Two pictures of 2×2 in MNIST's format: the model takes 28×28.
mkdir tiny
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abcdefgh' >tiny/train-images-idx3-ubyte
printf '\0\0\10\1\0\0\0\2\0\1' >tiny/train-labels-idx1-ubyte
cp tiny/train-images-idx3-ubyte tiny/t10k-images-idx3-ubyte
cp tiny/train-labels-idx1-ubyte tiny/t10k-labels-idx1-ubyte
expect 2 'files.yaml:1:8: model lenet300 takes pictures of 28×28×1, but those of mnist are 2×2×1' \
  train files.yaml --data tiny
edited files.yaml 's/name: synthetic.*/name: mnist, limit: 3}/'
expect 2 'files.yaml:2:' train files.yaml --data tiny

# --- A training that prunes ----------------------------------------------------------------------
expect 0 'AGPruner rule 1: fc1, fc2, fc3' train good.yaml
grep -q '  3/3 .* 90\.0 %' out || fail "the last row does not say 90 %: $(cat out)"
grep -q "$(printf '\r')" out && fail 'a carriage return in piped output'
grep -q "$(printf '\033')" out && fail 'an escape sequence in piped output'
[ -s err ] && fail "a training that went well complains: $(cat err)"
awk 'length($0) > 84 { exit 1 }' out || fail 'a line is wider than the page'  # bytes, × takes two
run=runs/good
for file in config.yaml metrics.jsonl model.safetensors; do
  [ -s "$run/$file" ] || fail "there is no $run/$file"
done
[ "$(wc -l <"$run/metrics.jsonl")" -eq 3 ] || fail 'metrics.jsonl has not one line for each epoch'
for key in epoch step train_loss test_accuracy sparsity layers learning_rate images_per_second \
  seconds; do
  [ "$(grep -c "\"$key\":" "$run/metrics.jsonl")" -eq 3 ] || fail "metrics.jsonl lacks $key"
done
# 235,200 + 30,000 + 1,000 weights: 0.9 of each layer is a whole number.
tail -n 1 "$run/metrics.jsonl" | grep -q '"epoch":2,.*"sparsity":0\.9,.*"fc1":0\.9,' ||
  fail "the last line is not sparse as asked for: $(tail -n 1 "$run/metrics.jsonl")"
accuracy=$(tail -n 1 "$run/metrics.jsonl" | sed 's/.*"test_accuracy":\([0-9.]*\).*/\1/')
awk "BEGIN { exit !($accuracy > 0.9) }" || fail "it learned too little: $accuracy"
expect 0 '26,620' info $run
expect 0 '3 of 3 epochs' info $run

# --- The same again is the same --------------------------------------------------------------
expect 0 'runs/good-2' train good.yaml
cmp runs/good/model.safetensors runs/good-2/model.safetensors || fail 'same seed, other weights'
cmp runs/good/config.yaml runs/good-2/config.yaml || fail 'same configuration, other config.yaml'
expect 0 'again' train runs/good/config.yaml --out again
cmp runs/good/model.safetensors again/model.safetensors || fail 'config.yaml gives other weights'
expect 0 'other' train good.yaml --seed 8 --out other
cmp -s again/model.safetensors other/model.safetensors && fail 'another seed, same weights'

# --- Folders -------------------------------------------------------------------------------------
expect 2 "'again' already holds a run" train good.yaml --out again
expect 2 'is a file' train good.yaml --out good.yaml
mkdir nothing
expect 2 'holds no run' info nothing

# --- Beside the dense network --------------------------------------------------------------------
expect 0 'difference' train good.yaml --with-dense --epochs 2 --out pair
grep -q '^dense .* 266,200 of 266,200 ' out || fail "no dense row: $(cat out)"
grep -q '^compressed .* 26,620 of 266,200 ' out || fail "no compressed row: $(cat out)"
grep -q 'compress' pair/dense/config.yaml && fail 'the dense run has a compress section'
expect 0 'alone' train plain.yaml --epochs 2 --out alone
cmp alone/model.safetensors pair/dense/model.safetensors || fail 'dense is not what it is alone'
expect 0 'difference' info pair

# --- Held-out pictures, Adam, a schedule ---------------------------------------------------------
good held.yaml <<'YAML'
schedule: cosine
YAML
sed -i 's/limit: 1000/limit: 1000, hold_out: 200/; s/SGD: .*/Adam}/' held.yaml
expect 0 'validation accuracy' train held.yaml --out held --lr 0.002
grep -q '800 training and 200 held-out validation' out || fail "wrong counts: $(cat out)"
grep -q 'test accuracy' out && fail 'held-out pictures are called a test'
grep -q '"validation_accuracy":' held/metrics.jsonl || fail 'metrics lack validation_accuracy'
grep -q 'test_accuracy' held/metrics.jsonl && fail 'metrics say test_accuracy'
grep -q 'lr: 0.002' held/config.yaml || fail '--lr is not in config.yaml'

# --- Pictures of one's own, augmented ------------------------------------------------------------
mkdir -p pictures/dark pictures/light
for number in 1 2 3 4 5 6 7 8 9; do
  for copy in a b c d; do
    printf 'P5\n2 2\n255\n%s' "12$number " >"pictures/dark/$number$copy.pgm"
    printf 'P5\n2 2\n255\n%s' "zy${number}z" >"pictures/light/$number$copy.pgm"
  done
done
good own.yaml </dev/null
sed -i 's/^data: .*/data: {name: folder, dir: pictures, size: [28, 28], channels: 1, augment: {pad: 2, flip: true}}/' \
  own.yaml
expect 0 'folder: ' train own.yaml --out own
grep -q '"test_accuracy":1\b' own/metrics.jsonl || fail 'dark and light were not told apart'
expect 0 'own-2' train own/config.yaml --out own-2
cmp own/model.safetensors own-2/model.safetensors || fail 'augmentation is not reproducible'
sed 's/pad: 2/pad: 28/' own.yaml >bad.yaml
expect 2 'pad is 28' train bad.yaml
sed 's/pad: 2/padding: 2/' own.yaml >bad.yaml
expect 2 "unknown key 'padding' in augment" train bad.yaml
sed 's/dir: pictures, //' own.yaml >bad.yaml
expect 2 'need the key dir' train bad.yaml
printf 'P5\n2 2\n255\nabc' >pictures/dark/cut.pgm
expect 1 'pictures/dark/cut.pgm' train own.yaml --out cut

# --- A network written as layers ------------------------------------------------------------------
cat >tiny.yaml <<'YAML'
input: [12, 12, 1]
layers:
  - Conv2d: {out: 4, kernel: 3, stride: 2}
  - ReLU
  - Flatten
  - Linear: {out: 10}
YAML
edited layers.yaml 's/^model: .*/model: {file: tiny.yaml}/'
expect 0 '1,010' info tiny.yaml
grep -q 'tiny: ' out || fail "info does not name the network: $(cat out)"
expect 0 'images_per_second=' bench train --net tiny.yaml --batch 8 --threads 1 --seconds 0.1
expect 0 'test accuracy' train layers.yaml --epochs 1 --out runs/layers
rm tiny.yaml
expect 0 'fc1' info runs/layers
expect 0 'test accuracy' train runs/layers/config.yaml --out runs/layers-again
cmp runs/layers/model.safetensors runs/layers-again/model.safetensors ||
  fail 'config.yaml makes another network'
expect 2 "layers.yaml:1:15: there is no file 'tiny.yaml'" train layers.yaml
edited bad.yaml 's/^model: .*/model: {input: [8, 8, 1], layers: [Flatten, Linear: {out: 3}]}/'
expect 2 'bad.yaml:1:8: model network tells 3 classes apart, but synthetic has 10' train bad.yaml

# --- Bench ---------------------------------------------------------------------------------------
expect 0 'median' bench train --net lenet300 --batch 32 --threads 1 --seconds 0.6
tail -n 1 out | grep -qE '^images_per_second=[0-9]+$' || fail "bench ends with $(tail -n 1 out)"

[ "$failures" -eq 0 ] || exit 1
echo 'all as it should be'

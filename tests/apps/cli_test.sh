#!/bin/sh
# Uses the program `espalier` as a user does: what it prints, where, and its exit codes.
#
#   cli_test.sh PATH-OF-PROGRAM
#
# Needs no data files: the trainings learn made-up pictures.
. "$(dirname "$0")/as_user.sh"

edited good.yaml ''
good plain.yaml </dev/null

# --- Help and listings -------------------------------------------------------------------------
expect 0 'Examples:' --help
expect 0 'espalier ' --version
"$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort -u >listed
[ "$(wc -l <listed)" -ge 14 ] || fail "commands are missing in the list: $(cat listed)"
for command in $(cat listed); do
  expect 0 'Examples:' "$command" --help
  grep -q "^  espalier $command" out || fail "no example of $command: $(cat out)"
  cp out asked
  expect 0 'Examples:' help "$command"
  cmp out asked || fail "'espalier help $command' says something else"
done
for what in train infer; do expect 0 'Examples:' bench $what --help; done
expect 0 'AGPruner' info
expect 0 'lenet300' info good.yaml

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

# --- A schedule that training ends before ----------------------------------------------------------
edited short.yaml 's/end_epoch: 2/end_epoch: 9/'
expect 0 'unfinished  AGPruner rule 1 reaches its final sparsity in epoch 9' train short.yaml --out short
grep -qF 'train at least 9 epochs, or set end_epoch to 3' err || fail "no warning ahead: $(cat err)"

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

# --- From a trained network, and with a teacher -----------------------------------------------------
sed 's/start_epoch: 0/start_epoch: 1/; s/end_epoch: 2/end_epoch: 3/' good.yaml >late.yaml
expect 0 'start from' train late.yaml --from alone --out from
first=$(head -n 1 from/metrics.jsonl | sed 's/.*"test_accuracy":\([0-9.]*\).*/\1/')
awk "BEGIN { exit !($first > 0.85) }" || fail "it did not start from the trained network: $first"
mkdir -p elsewhere
{ cat plain.yaml; echo 'teacher: {run: ../alone, temperature: 2, weight: 0.7, start_epoch: 1}'; } \
  >elsewhere/taught.yaml
expect 0 '/alone: lenet300, test accuracy' train elsewhere/taught.yaml --out taught
grep -q 'temperature 2, weight 0.7, from epoch 1 on' out || fail "no teacher: $(cat out)"
cmp -s taught/model.safetensors again/model.safetensors && fail 'the teacher changed nothing'
expect 0 'taught-2' train taught/config.yaml --out taught-2
cmp taught/model.safetensors taught-2/model.safetensors || fail 'other weights from config.yaml'
expect 0 '/again: lenet300' train elsewhere/taught.yaml --teacher again --epochs 2 --out taught-3
grep -q 'temperature: 2' taught-3/config.yaml || fail '--teacher drops the options of the file'
expect 0 'learning rate' train late.yaml --teacher alone --dry-run --out nowhere
grep -q ' 1  *20 .* AGPruner rule 1: start' out || fail "no start in the plan: $(cat out)"
grep -q ' 0  *0 .* distillation begins' out || fail "no distillation in the plan: $(cat out)"
[ -e nowhere ] && fail '--dry-run leaves a folder'
expect 2 '--teacher: ' train good.yaml --teacher nowhere
expect 2 '--from: ' train good.yaml --from nowhere
edited bad.yaml 's/^model: .*/model: {name: mine, input: [28, 28, 1], layers: [Flatten, Linear: {name: fc1, out: 10}]}/'
expect 2 "model mine cannot start from these weights" train bad.yaml --from alone
grep -qF "'fc1.weight': 300×784, the model's is 10×784" err || fail "no layer is named: $(cat err)"

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
# The network tells ten classes apart, two of which have names.
expect 0 'own.esp' export own -o own.esp
expect 0 'dark' run own.esp pictures/dark/1a.pgm
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
expect 0 'weight gradient' bench train --net lenet5 --batch 8 --seconds 0.3 --profile --trace trace.json
awk 'length($0) > 84 { exit 1 }' out || fail 'a line of the profile is wider than the page'
grep -q '"name":"conv1 conv2d forward"' trace.json || fail 'the trace lacks conv1'
expect 0 'weight gradient' train good.yaml --epochs 1 --profile --out runs/profile
grep -q '"cat":"data"' runs/profile/trace.json || fail 'the trace of a training lacks its data'
expect 0 'B / A' bench train --net lenet300 --seconds 0.5 --ab threads=1 matmul=eigen,batch=2
echo 'LevelPruner: {config: [{sparsity: 0.5}]}' > level.yaml
expect 0 'images_per_second=' bench train --net lenet300 --batch 2 --seconds 0.1 --compress level.yaml
expect 0 'B / A' bench train --seconds 0.5 --ab net=lenet300 net=lenet300,compress=level.yaml
sed s/Level/Levl/ level.yaml > wrong.yaml
expect 2 "wrong.yaml:1:1: there is no algorithm named 'LevlPruner'; did you mean 'LevelPruner'" \
  bench train --compress wrong.yaml
expect 0 'weight gradient' info good.yaml --kernels
expect 0 'written     kernels.yaml' info good.yaml --tune kernels.yaml --threads 1
grep -qE '^matmul [0-9]+x300x784 a bT: ' kernels.yaml || fail "it tuned $(cat kernels.yaml)"
expect 0 'test accuracy' train good.yaml --epochs 1 --kernels kernels.yaml --out runs/tuned
grep -q '^kernels:' runs/tuned/config.yaml || fail 'a run does not record its kernels'
expect 0 'median' bench train --net lenet300 --batch 32 --threads 1 --seconds 0.6
tail -n 1 out | grep -qE '^images_per_second=[0-9]+$' || fail "bench ends with $(tail -n 1 out)"

verdict

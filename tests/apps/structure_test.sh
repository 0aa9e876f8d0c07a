#!/bin/sh
# Removes channels while training, and estimates statistics anew, as a user does.
#
#   structure_test.sh PATH-OF-PROGRAM
. "$(dirname "$0")/as_user.sh"

cat > shrinking.yaml <<'END'
model:
  input: [8, 8, 1]
  layers:
    - Conv2d: {name: conv, out: 32, kernel: 3}
    - BatchNorm2d
    - ReLU
    - Flatten
    - Linear: {name: fc, out: 10}
data: {name: synthetic, limit: 300}
batch: 20
epochs: 3
threads: 1
optimizer: {SGD: {lr: 0.05, momentum: 0.9}}
compress:
  L1FilterPruner: {config: [{sparsity: 0.5}]}
shrink: {every: 2}
END

expect 0 'L1FilterPruner rule 1: conv (whole channels)' train shrinking.yaml --out run
grep -qF 'channels removed: conv 32 → 16' out || fail "nothing was removed: $(cat out)"
[ "$(grep -c 'channels removed' out)" -eq 1 ] || fail 'channels were removed twice'
grep -qF 'fc excluded' out || grep -qF "its channels are the network's result" out ||
  fail "it does not say why fc is left out: $(cat out)"
expect 0 '6×6×16' info run
expect 0 'accuracy' evaluate run

expect 0 'Examples:' recalibrate --help
expect 0 'of 1 batch normalisations, over 15 batches' recalibrate run
expect 0 'accuracy' evaluate run-recalibrated
cmp -s run/model.safetensors run-recalibrated/model.safetensors && fail 'nothing is recalibrated'
expect 2 "'run-recalibrated' already holds a run" recalibrate run
expect 0 'over 3 batches' recalibrate run --batches 3 --out other
expect 2 'holds no run' recalibrate nowhere
sed '/BatchNorm2d/d' shrinking.yaml > plain.yaml
expect 0 'L1FilterPruner' train plain.yaml --out plain
expect 1 'has no batch normalisation' recalibrate plain

sed 's/L1FilterPruner:.*/LevelPruner: {config: [{sparsity: 0.5, granularity: filter}]}/' plain.yaml > biased.yaml
expect 0 'shrink has removed nothing: no filter is masked whole' train biased.yaml

sed '/compress:/,/L1Filter/d' shrinking.yaml > nothing.yaml
expect 2 "no section 'compress'" train nothing.yaml

verdict

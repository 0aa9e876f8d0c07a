#!/bin/sh
# Trainings that are killed or stopped, and go on, end in the same bytes as one that is left alone.
#
#   resume_test.sh PATH-OF-PROGRAM [KILLS [SEED]]
#
# KILLS processes (10) are killed at moments drawn from SEED (1). Needs no data files.
. "$(dirname "$0")/as_user.sh"
kills=${2:-10}
random=${3:-1}

# draw N: sets `drawn` to a number below N.
draw() {
  random=$(((random * 1103515245 + 12345) % 2147483648))
  drawn=$((random / 65536 % $1))
}

# same RUN RUN: equal weights, and equal metrics but for the times.
same() {
  cmp "$1/model.safetensors" "$2/model.safetensors" || fail "$2: other weights"
  for run in "$1" "$2"; do
    sed 's/,"images_per_second".*//' "$run/metrics.jsonl" >"$run.lines"
  done
  cmp "$1.lines" "$2.lines" || fail "$2: other metrics"
  if [ -e "$1/mask_history" ] || [ -e "$2/mask_history" ]; then
    cmp "$1/mask_history" "$2/mask_history" || fail "$2: other masks"
  fi
  if ls "$2"/*.partial-* >/dev/null 2>&1; then fail "$2: half a file is left"; fi
}

# config FILE OPTIMIZER SECONDS: 6 epochs of 40 steps, checkpoints every SECONDS.
config() {
  cat >"$1" <<YAML
model: lenet300
data: {name: synthetic, limit: 2000}
batch: 50
epochs: 6
seed: 7
threads: 2
optimizer: $2
schedule: cosine
checkpoint: {seconds: $3}
compress:
  AGPruner:
    config: [{final_sparsity: 0.9, unit: step, start_step: 20, end_step: 200, frequency: 7}]
YAML
}
config sgd.yaml '{SGD: {lr: 0.05, momentum: 0.9, weight_decay: 0.0005}}' 0.02
config adam.yaml '{Adam: {lr: 0.001}}' 30

# go_on NAME: the training of NAME.yaml in NAME-run, from wherever it stands, in the background.
# Without a report: a process that is killed while it writes one has ended its training.
go_on() {
  if [ -e "$1-run/config.yaml" ]; then
    "$program" train --resume "$1-run" --no-report >out 2>err &
  else
    "$program" train "$1.yaml" --out "$1-run" --no-report >out 2>err &
  fi
}

# --- Killed at any moment -----------------------------------------------------------------------
for name in sgd adam; do expect 0 "run         $name" train $name.yaml --out $name; done
done_kills=0 ends=0
while [ "$done_kills" -lt "$kills" ]; do
  for name in sgd adam; do
    go_on $name
    process=$!
    draw 700
    sleep "0.$(printf '%03d' $((drawn + 50)))"
    kill -9 $process 2>/dev/null
    wait $process 2>/dev/null
    code=$?
    if [ $code -eq 0 ]; then
      same $name $name-run
      rm -r $name-run
      ends=$((ends + 1))
    elif [ $code -eq 137 ]; then
      done_kills=$((done_kills + 1))  # it had not ended by itself
    else
      fail "$name-run ends with $code: $(cat err)"
      rm -rf $name-run
    fi
  done
done
for name in sgd adam; do
  go_on $name
  wait $! || fail "$name-run does not go on: $(cat err)"
  same $name $name-run
  ends=$((ends + 1))
done
echo "$done_kills kills, $ends trainings came to their end"

# --- Stopped ------------------------------------------------------------------------------------
config long.yaml '{SGD: {lr: 0.05, momentum: 0.9, weight_decay: 0.0005}}' 30
for signal in INT TERM; do
  "$program" train long.yaml --out stopped >out 2>err &
  process=$!
  until [ -s stopped/metrics.jsonl ]; do sleep 0.02; done
  expect 2 "'stopped' is being trained by another process" train --resume stopped
  kill -$signal $process
  wait $process
  code=$?
  [ $code -eq 130 ] || fail "SIG$signal: exit code $code, not 130: $(cat out err)"
  [ -s stopped/checkpoint ] || fail "SIG$signal: no checkpoint"
  "$program" train --resume stopped >out 2>err || fail "does not go on: $(cat err)"
  grep -q '^goes on in epoch' out || fail "does not say where it goes on: $(cat out)"
  same sgd stopped
  expect 2 "'stopped' is complete, all 6 epochs are done" train --resume stopped
  [ $signal = TERM ] || rm -r stopped
done

# --- With a dense part --------------------------------------------------------------------------
expect 0 'difference' train long.yaml --with-dense --out pair
"$program" train long.yaml --with-dense --out half >out 2>err &
process=$!
until [ -s half/dense/metrics.jsonl ]; do sleep 0.02; done
kill -9 $process
wait $process 2>/dev/null
expect 0 'difference' train --resume half
same pair half
same pair/dense half/dense

# --- Wrong uses ---------------------------------------------------------------------------------
expect 2 "'nothing' holds no run" train --resume nothing
expect 2 '--epochs: a run goes on as it began' train --resume stopped --epochs 9
expect 2 'one too many' train --resume stopped long.yaml
expect 2 'synthetic data has no files' train --resume half --data somewhere

# --- No room on the disk ------------------------------------------------------------------------
"$program" train sgd.yaml --out full >out 2>err &
process=$!
until [ -s full/metrics.jsonl ]; do sleep 0.02; done
kill -9 $process
wait $process 2>/dev/null
cp full/checkpoint before
(
  ulimit -f 100
  exec "$program" train --resume full >out 2>err
)
code=$?
[ $code -eq 1 ] || fail "no room: exit code $code, not 1"
grep -q 'File too large' err || fail "no room: the message is $(cat err)"
cmp before full/checkpoint || fail 'no room: the checkpoint is not what it was'
expect 0 'goes on' train --resume full
same sgd full

# --- What the network is worth --------------------------------------------------------------------
expect 0 'most often taken for' evaluate sgd
expect 0 'row: what it is' evaluate sgd --batch 7
expect 0 '"samples":2000' evaluate sgd --json
accuracy=$(sed 's/.*"accuracy":\([0-9.]*\),"loss".*/\1/' out)
tail -n 1 sgd/metrics.jsonl | grep -qF "\"test_accuracy\":$accuracy," ||
  fail "evaluate says $accuracy, the training $(tail -n 1 sgd/metrics.jsonl)"
expect 2 'one RUN' evaluate
expect 2 'holds no run' evaluate nothing

verdict

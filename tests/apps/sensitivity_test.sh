#!/bin/sh
# Measures how sensitive the layers of a trained network are, as a user does.
#
#   sensitivity_test.sh PATH-OF-PROGRAM
. "$(dirname "$0")/as_user.sh"

good dense.yaml </dev/null
expect 0 'test accuracy' train dense.yaml --out run
cp run/model.safetensors before

# --- Tables and JSON -----------------------------------------------------------------------------
expect 0 'Examples:' sensitivity --help
expect 0 '100 training pictures that it is trained on too' sensitivity run
grep -q '^sparsity  0.1   0.2   0.3   0.4   0.5   0.6   0.7   0.8   0.9  0.95 $' out ||
  fail "no row of sparsities: $(cat out)"
grep -q '^bits    8     7     6     5     4     3     2 $' out || fail "no row of bits: $(cat out)"
[ "$(grep -c '^fc[123] ' out)" -eq 6 ] || fail "not two rows for each layer: $(cat out)"
grep '^fc' out | grep -q '[0-9]\*' || fail "nothing is marked: $(cat out)"
grep -q "$(printf '\r')" out && fail 'a carriage return in piped output'
awk 'length($0) > 84 { exit 1 }' out || fail 'a line is wider than the page'
cmp before run/model.safetensors || fail 'the weights have changed'
[ -e run/sensitivity_rules.yaml ] && fail 'rules without a goal'
cp run/sensitivity.json first
expect 0 '"held_out":false' sensitivity run --json --out again
cmp first again || fail 'the same measurement gives other figures'
[ "$(wc -l <out)" -eq 1 ] || fail 'JSON is not one line'
for key in format_version samples accuracy layers by_sparsity by_bits weights; do
  grep -q "\"$key\":" out || fail "the JSON lacks $key"
done

expect 0 'written     some.json' sensitivity run --layers 're:fc[12]' --samples 50 --out some.json
[ "$(grep -c '^fc[12] ' out)" -eq 4 ] || fail "not fc1 and fc2: $(cat out)"
grep -q '^fc3' out && fail 'fc3 was not asked for'
expect 0 'fc3' sensitivity run --layers '*3' --samples 50 --out some.json

# --- Held-out pictures: the accuracy is that of evaluate -----------------------------------------
sed 's/limit: 1000/limit: 1000, hold_out: 200/' dense.yaml >held.yaml
expect 0 'validation accuracy' train held.yaml --out held
expect 0 '200 held-out training pictures' sensitivity held
expect 0 '"samples":200' evaluate held --json
accuracy=$(sed 's/.*"accuracy":\([0-9.]*\),"loss".*/\1/' out)
grep -q "^ \"accuracy\": $accuracy,$" held/sensitivity.json ||
  fail "evaluate says $accuracy, sensitivity $(grep '^ "accuracy"' held/sensitivity.json)"

# --- Rules that reach a sparsity -----------------------------------------------------------------
expect 0 'written     run/sensitivity_rules.yaml' sensitivity run --target-sparsity 0.9
grep -q '^sparsity    90\.0[0-9] % in all' out || fail "90 % is not reached: $(cat out)"
grep -q '^accuracy .* with all of it at once' out || fail "no accuracy of the whole: $(cat out)"
grep -q '0\.99 *0\.995 $' out || fail "no sparser points for rules: $(cat out)"
grep -q '^# Found by: espalier sensitivity run --target-sparsity 0.9$' run/sensitivity_rules.yaml ||
  fail "the rules do not say where they are from: $(cat run/sensitivity_rules.yaml)"
grep -q '"rules": {' run/sensitivity.json || fail 'the JSON lacks the rules'
expect 0 'AGPruner rule 1: fc1' train dense.yaml --from run --compress run/sensitivity_rules.yaml --out pruned
grep -q '  3/3 .* 90\.0 %' out || fail "training does not reach the sparsity: $(cat out)"
# A pruned run is measured from the sparsity that it has.
expect 0 '"sparsity":0.9' sensitivity pruned --json
grep -q '"sparsity":0.9[0-9]*,"by_sparsity"' out || fail "the present sparsity is not there: $(cat out)"

expect 0 'written     drop.yaml' sensitivity run --max-drop 0.02 --rules drop.yaml --layers fc1
sed -n 's/^accuracy .*retrained; \([-+0-9.]*\).*/\1/p' out | awk '{ exit !($1 >= -2) }' ||
  fail "more than two points are lost: $(cat out)"
expect 0 'AGPruner rule 1: fc1' train dense.yaml --compress drop.yaml --out dropped

# --- What a user gets wrong ----------------------------------------------------------------------
expect 2 'two goals' sensitivity run --target-sparsity 0.9 --max-drop 0.1
expect 2 '--rules needs a goal' sensitivity run --rules some.yaml
expect 2 'target-sparsity must be' sensitivity run --target-sparsity 90
expect 2 'samples must be' sensitivity run --samples 0
expect 2 'has 1,000 training pictures' sensitivity run --samples 1001
expect 2 "is called 'fcc1'; did you mean 'fc1'?" sensitivity run --layers fcc1
expect 2 'is no regular expression' sensitivity run --layers 're:fc['
expect 2 'needs one RUN, not 0' sensitivity
expect 2 'holds no run' sensitivity dense.yaml
expect 2 "did you mean '--samples'" sensitivity run --sample 3
expect 2 'in (0, 0.995]' sensitivity run --target-sparsity 0.9999
expect 2 'there is no folder' sensitivity run --samples 10 --out nowhere/file.json

# --- Thresholds found while training -------------------------------------------------------------
good goal.yaml <<'YAML'
compress:
  SensitivityPruner:
    config:
      - {sparsity: 0.8, start_epoch: 2, end_epoch: 3, support_type: default}
YAML
expect 0 'thresholds  SensitivityPruner rule 1, for sparsity 0.8: fc1' train goal.yaml --out goal
grep -q '  3/3 .* 80\.[0-9] %' out || fail "the goal is not reached: $(cat out)"
expect 0 'thresholds' train goal/config.yaml --out goal-2
cmp goal/model.safetensors goal-2/model.safetensors || fail 'a search is not reproducible'
sed -i 's/start_epoch: 2/start_epoch: 0/' goal.yaml
expect 0 'thresholds' train goal.yaml --epochs 1 --out early
grep -q 'while the network still guessed' err || fail "no warning of an untrained network: $(cat err)"

verdict

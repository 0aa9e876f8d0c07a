#!/bin/sh
# What `espalier list` and `espalier explain` print, of the library's algorithms and of a plugin's.
#
#   explain_test.sh PATH-OF-PROGRAM PLUGIN
plugin=$(realpath "$2")
. "$(dirname "$0")/as_user.sh"

# says TEXT: it is in what was printed, whatever the line breaks.
says() {
  tr -s ' \n' ' ' <out | grep -qF -- "$1" || fail "'$1' is not in: $(cat out)"
}

# --- list ----------------------------------------------------------------------------------------
for command in list explain; do expect 0 'Examples:' $command --help; done
expect 0 'LevelPruner, AGPruner' list
for group in algorithms models layers optimizers schedules datasets; do
  grep -q "^$group " out || fail "list does not name $group"
  "$program" list $group >listed 2>err || fail "list $group: $(cat err)"
  [ "$(wc -l <listed)" -gt 2 ] || fail "list $group has nothing in it"
done
expect 0 'AGPruner' list algorithms
says 'AGPruner pruner raises the masked fraction'
says 'arXiv 1710.01878'
grep -q TopRows out && fail 'a plugin is listed that nobody named'
expect 0 'TopRows' list algorithms --plugin "$plugin"
says 'TopRows pruner keeps the first rows of each weight'
expect 0 '"algorithms": [' list algorithms --json
grep -q '"kind": "pruner"' out || fail "no kind in: $(cat out)"
expect 2 "there is no list of 'algoritms'; did you mean 'algorithms'?" list algoritms
expect 2 'none.so' list algorithms --plugin ./none.so
expect 2 'none.so' list algorithms --plugin ./none.so --plugin "$plugin"
expect 2 'one word' list models layers

# --- explain -------------------------------------------------------------------------------------
expect 0 'AGPruner' explain AGPruner
says 'final_sparsity a number in [0, 1) (required'
says 'end_step an integer in [0, 1000000000] (required, with unit: step)'
says 'masked_weights one of zero, freeze, train (default zero)'
says 'support_op a word or a list of words'
cp out named
for name in tfAGPruner torchAGPruner; do
  expect 0 'AGPruner' explain $name
  cmp out named || fail "$name is explained otherwise"
done
expect 0 'TopRows' explain TopRows --plugin "$plugin"
says 'keep a number in (0, 1] (required)'
says 'TopRows: config: - {keep: 0.5, support_type: default}'
for name in QAT_Quantizer QATquantizer; do
  expect 0 "also        QAT_Quantizer, QATquantizer" explain $name
done
expect 0 'lr' explain SGD
expect 0 'steps' explain warmup
expect 0 '"required": true' explain LevelPruner --json
expect 2 "there is nothing named 'AGPrunr' to explain; did you mean 'AGPruner'?" explain AGPrunr
expect 2 "see 'espalier list'" explain TopRows
expect 2 "'lenet5' is a model" explain lenet5
expect 2 'one NAME' explain
expect 2 'one NAME' explain SGD Adam
expect 2 'leave the rest out' explain SGD --markdown

# --- worked examples -----------------------------------------------------------------------------
expect 0 'worked example, --with ' explain LevelPruner
"$program" list algorithms --json | sed -n 's/.*"name": "\(.*\)",/\1/p' >algorithms
while read -r name; do
  "$program" explain "$name" >out 2>err || fail "explain $name: $(cat err)"
  numbers=$(sed -n 's/^worked example, --with \(.*\):$/\1/p' out)
  [ -n "$numbers" ] || fail "$name has no worked example"
  # What --with shows for the same numbers is that section, and nothing else.
  sed -n '/^worked example/,/^example:/p' out | sed -e '1,2d' -e '$d' -e 's/^  //' | sed '$d' >section
  "$program" explain "$name" --with "$numbers" >out 2>err || fail "$name --with: $(cat err)"
  cmp -s out section || fail "explain $name and --with $numbers differ: $(diff section out)"
done <algorithms
expect 0 '0.05' explain LevelPruner --with ' -0.4, +0.05,1e-1 '
expect 0 '"steps": ' explain LevelPruner --with 0.1,-0.4 --json
says '"numbers": [ 0.1, -0.4 ]'
expect 0 '"worked_example": {' explain LevelPruner --json
expect 0 '2,5      0.6      0         0.0' explain TopRows --plugin "$plugin" \
  --with 0.1,0.2,0.3,0.4,0.5,-0.1,-0.2,-0.3,-0.4,0.6
says '- {keep: 0.5}'
says '5 of 10 weights masked; the layer computes with 6 different values.'
expect 2 "--with: 'two' (number 2) is not a number such as -0.4" explain LevelPruner --with 1,two
expect 2 "'1 2' (number 1) is not a number" explain LevelPruner --with '1 2'
expect 2 "--with: number 2 is empty" explain LevelPruner --with 1,,2
expect 2 "--with: number 3 is empty" explain LevelPruner --with 1,2,
expect 2 "--with: number 1 is empty" explain LevelPruner --with ''
expect 2 "number 1 is 'nan'; only finite" explain LevelPruner --with nan,1
expect 2 "number 2 is '-inf'; only finite" explain LevelPruner --with 1,-inf
expect 2 "'1e99', is out of the range" explain LevelPruner --with 1e99,1
expect 2 '[LevelPruner] needs at least two weights' explain LevelPruner --with 1
expect 2 "at most 64" explain LevelPruner --with "$(seq -s, 65)"
expect 2 "SGD is of the kind 'optimizer', which has none" explain SGD --with 1,2
expect 2 'leave the rest out' explain --markdown --with 1,2

# The examples are configurations that train. Those of algorithms are indented by two.
for name in $(cat algorithms); do
  "$program" explain "$name" | sed -n '/^example:/,$ s/^  //p' >example
  good example.yaml <example
  "$program" train example.yaml --epochs 1 --out "example-$name" >out 2>err
  code=$?
  if [ "$name" = PTQQuantizer ]; then  # it is for trained networks, and says so
    judge 1 'does not learn ranges while training' $code "train with $name"
    continue
  fi
  [ $code -eq 0 ] || fail "the example of $name ended in $code: $(cat err) $(cat example)"
done
for name in SGD Adam AdamW RMSprop; do
  good example.yaml </dev/null
  sed -i '/^optimizer/d' example.yaml
  "$program" explain $name | sed -n '/^example:/,$ s/^  //p' >>example.yaml
  expect 0 'test accuracy' train example.yaml --epochs 1 --out "example-$name"
done
for name in constant step multi_step cosine one_cycle reduce_on_plateau warmup; do
  good example.yaml </dev/null
  "$program" explain $name | sed -n '/^example:/,$ s/^  //p' >>example.yaml
  expect 0 'test accuracy' train example.yaml --epochs 1 --out "example-$name"
done
awk 'length($0) > 84 { exit 1 }' named || fail 'a line is wider than the page'

# --- Configurations in the original toolkits' spellings, unchanged -------------------------------
# trains SUMMARY: a training with the rules of standard input, whose layers are these.
number=0
trains() {
  number=$((number + 1))
  cat >rules.yaml
  good original.yaml </dev/null
  expect 0 "$1" train original.yaml --epochs 1 --compress rules.yaml --out "original-$number"
}
trains 'LevelPruner rule 1: fc1, fc2, fc3' <<'YAML'
LevelPruner:
  config:
    - sparsity: 0.8
      support_type: default
YAML
trains 'LevelPruner rule 1: fc1, fc2, fc3' <<'YAML'
LevelPruner:
  config:
    - {sparsity: 0.8, support_layer: [Linear], support_op: [fc3]}
YAML
for name in AGPruner tfAGPruner torchAGPruner; do
  trains 'AGPruner rule 1: fc1, fc2' <<YAML
$name:
  config:
    -
      start_epoch: 0
      end_epoch: 10
      frequency: 1
      initial_sparsity: 0.05
      final_sparsity: 0.8
      support_type: [default]
    -
      prune: False
      support_op: [fc3]
YAML
  grep -q 'rule 2 excludes fc3' out || fail "fc3 is not excluded: $(cat out)"
done
trains 'LevelPruner rule 1: fc1' <<'YAML'
LevelPruner:
  config:
    - {sparsity: 0.8, op_types: [Linear], op_names: ['fc*']}
    - {exclude: True, op_names: ['re:fc[23]']}
YAML
grep -q 'rule 2 excludes fc2, fc3' out || fail "fc2 and fc3 are not excluded: $(cat out)"

# --- Patterns that match nothing, or are none ----------------------------------------------------
refuses() { # refuses TEXT RULE
  echo "LevelPruner: {config: [{sparsity: 0.5, $2}]}" >rules.yaml
  expect 2 "$1" train original.yaml --compress rules.yaml --out refused
}
refuses "rules.yaml:1:52: support_op is 'conv*', but that matches the name of no layer with weights; there are fc1, fc2, fc3" \
  "support_op: 'conv*'"
refuses "'fc(' is no regular expression" "op_names: ['re:fc(']"
refuses "rules.yaml:1:52: a word that begins with * repeats an anchor in YAML" 'support_op: *1'
[ -e refused ] && fail 'a wrong rule left a folder behind'

verdict

#!/bin/sh
# Quantizes a trained network, and imports one, as a user does.
#
#   quantize_test.sh PATH-OF-PROGRAM
. "$(dirname "$0")/as_user.sh"

good dense.yaml </dev/null
expect 0 'test accuracy' train dense.yaml --out run
cp run/model.safetensors before

accuracy_of() {
  "$program" evaluate "$1" --json >out 2>err || fail "evaluate $1: $(cat err)"
  sed 's/.*"accuracy":\([0-9.]*\),"loss".*/\1/' out
}

# --- Tables and JSON -----------------------------------------------------------------------------
expect 0 'Examples:' quantize --help
expect 0 'ranges of 1,000 training pictures' quantize run --out int8
grep -q '^accuracy .* before, .* after; ' out || fail "no accuracies: $(cat out)"
for tensor in input fc1.weight relu1.output fc3.weight fc3.output; do
  grep -q "^$tensor  *8 .* … .* %$" out || fail "no error of $tensor: $(cat out)"
done
grep -q "$(printf '\r')" out && fail 'a carriage return in piped output'
awk 'length($0) > 84 { exit 1 }' out || fail 'a line is wider than the page'
cmp before run/model.safetensors || fail 'the weights of the run have changed'
grep -aq 'espalier quantize run --out int8' int8/checkpoint || fail 'the run does not know what made it'
grep -q 'PTQQuantizer' int8/config.yaml || fail 'the configuration does not name the quantizer'

expect 0 '"tensors":' quantize run --out again --json
[ "$(wc -l <out)" -eq 1 ] || fail 'JSON is not one line'
cmp int8/model.safetensors again/model.safetensors || fail 'the same call gives other weights'
after=$(sed 's/.*"accuracy_after":\([0-9.]*\),.*/\1/' out)
[ "$(accuracy_of int8)" = "$after" ] || fail "evaluate says $(accuracy_of int8), quantize $after"
expect 0 'its weights were made elsewhere' info int8

# Fewer bits answer differently, and pictures and observers decide where ranges end.
expect 0 '"pictures":150' quantize run --out few --bits 3 --observer minmax --pictures 150 --json
grep -q '"name":"fc2.weight","bits":3' out || fail "not 3 bits: $(cat out)"
cmp -s few/model.safetensors int8/model.safetensors && fail '3 bits are 8 bits'
expect 0 '%' quantize run --out cut --observer percentile --percentile 90 --weight-bits 4
cmp -s cut/model.safetensors int8/model.safetensors && fail 'percentiles change nothing'
grep -q 'percentile: 90' cut/config.yaml || fail 'the configuration does not say how'

# A pruned run stays pruned.
edited pruned.yaml ''
expect 0 'sparsity' train pruned.yaml --out pruned
expect 0 'after' quantize pruned --out pruned8
grep -q 'AGPruner' pruned8/config.yaml || fail 'the pruner is forgotten'
expect 0 '90.0 %' info pruned8

# Weights that are on a grid already stay there, and the network computes with integers for it.
good naive.yaml <<'YAML'
compress: {NaiveQuantizer: {}}
YAML
expect 0 'test accuracy' train naive.yaml --out naive
expect 0 'with float32' export naive -o naive.esp
expect 0 'fc1.weight' quantize naive --out naive8
grep -q '^fc1.weight .* 0.00 %$' out || fail "weights were moved: $(cat out)"
expect 0 'with integers' export naive8 -o naive.c
grep -q 'NaiveQuantizer' naive8/config.yaml || fail 'the quantizer of the weights is forgotten'

# --- What a user gets wrong ----------------------------------------------------------------------
expect 2 '--out DIR' quantize run
expect 2 "'int8' already holds a run" quantize run --out int8
expect 2 'q_bits must be an integer in [2, 16]' quantize run --out x --bits 1
expect 2 'observer must be one of minmax, percentile, mse' quantize run --out x --observer max
expect 2 "percentile is for 'observer: percentile'" quantize run --out x --percentile 99
expect 2 'the run has 1,000 training pictures' quantize run --out x --pictures 1001
expect 2 'are quantized by PTQQuantizer already' quantize int8 --out x
expect 2 'needs one RUN, not 0' quantize --out x
expect 2 'holds no run' quantize dense.yaml --out x
[ -e x ] && fail 'what went wrong has left a folder'
expect 1 'does not learn ranges while training' train int8/config.yaml --out x

# --- Import --------------------------------------------------------------------------------------
expect 0 'Examples:' import --help
cp run/model.safetensors torch.safetensors
expect 0 'written     imported' import torch.safetensors --config dense.yaml --out imported
[ "$(accuracy_of imported)" = "$(accuracy_of run)" ] || fail 'imported weights answer differently'
cmp imported/model.safetensors run/model.safetensors || fail 'imported weights differ'
expect 0 'after' quantize imported --out imported8
expect 0 '100 training pictures' sensitivity imported --layers fc3
expect 0 'espalier train pruned.yaml --from imported2' import torch.safetensors --config pruned.yaml --out imported2
grep -q 'AGPruner' imported2/config.yaml && fail 'weights that were not pruned here say so'
# It is no training that goes on, but the beginning of one.
expect 2 'espalier train imported/config.yaml --from imported' train --resume imported
cmp imported/model.safetensors run/model.safetensors || fail 'imported weights are gone'
expect 0 'test accuracy' train imported/config.yaml --from imported --out trained
expect 2 'come from no training' train --resume imported8
expect 2 "'imported' already holds a run" import torch.safetensors --config dense.yaml --out imported
expect 2 'needs --config' import torch.safetensors --out y
expect 2 'needs --out' import torch.safetensors --config dense.yaml
expect 2 "there is no file 'none.safetensors'" import none.safetensors --config dense.yaml --out y
expect 2 'needs one FILE.safetensors, not 0' import --config dense.yaml --out y
sed 's/lenet300/lenet5/' dense.yaml >other.yaml
expect 2 'cannot start from these weights' import torch.safetensors --config other.yaml --out y
grep -q 'conv1.weight.*there are fc1.weight' err || fail "what there is instead is not named: $(cat err)"
# A float32 in the middle becomes no number: four bytes of 1.
size=$(wc -c <torch.safetensors)
{ head -c $((size - 4)) torch.safetensors; printf '\377\377\377\377'; } >nan.safetensors
expect 1 "has values that are no finite numbers" import nan.safetensors --config dense.yaml --out y
head -c $((size / 2)) torch.safetensors >cut.safetensors
expect 1 'may be cut short' import cut.safetensors --config dense.yaml --out y
{ head -c 8 torch.safetensors; printf '['; tail -c +10 torch.safetensors; } >header.safetensors
expect 1 "header.safetensors' has a damaged header" import header.safetensors --config dense.yaml --out y
printf 'no weights' >broken.safetensors
expect 1 'broken.safetensors' import broken.safetensors --config dense.yaml --out y
[ -e y ] && fail 'what went wrong has left a folder'

verdict

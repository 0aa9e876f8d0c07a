#!/bin/sh
# Networks with random weights give the same outputs in ONNX Runtime as here, on 1,000 inputs each.
#
#   runtime_test.sh WRITE-SAMPLES COMPARE-JS
#
# Skipped (77) without Node or its package onnxruntime-node, see benchmarks/peers/onnxruntime.
set -eu
write=$1 compare=$2
command -v node >/dev/null || { echo "skipped: there is no node"; exit 77; }
(cd "$(dirname "$compare")" && node -e 'require("onnxruntime-node")') 2>/dev/null || {
  echo "skipped: there is no onnxruntime-node"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$write" "$work" 1000
failed=0
for model in "$work"/*.onnx; do
  stem=${model%.onnx}
  case $stem in
    # Where a number lies in the middle of two codes either may be taken, and the rest follows it.
    *_int8) tolerance=0.02 ;;
    *) tolerance=1e-4 ;;
  esac
  node "$compare" "$model" "$stem.inputs" "$stem.outputs" $tolerance || failed=1
done
exit $failed

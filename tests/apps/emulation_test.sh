#!/bin/sh
# Runs the program on an emulated processor, where an instruction that it does not have ends it.
#
#   emulation_test.sh PATH-OF-PROGRAM CPU
set -u
program=$(realpath "$1") cpu=$2
if [ "$(uname -m)" != x86_64 ] || ! command -v qemu-x86_64 >/dev/null; then
  echo "skipped: needs qemu-x86_64 (package qemu-user) on x86-64"
  exit 77
fi
case $cpu in
  Nehalem) expected=baseline ;;
  Haswell) expected=avx2 ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# Set, the program does not start itself anew (which would be outside of the emulator).
export GOMP_SPINCOUNT=1000
qemu-x86_64 -cpu "$cpu" "$program" info >info 2>warnings || { cat info warnings; exit 1; }
grep -q "$expected" info || { echo "the instruction set is not $expected:"; cat info; exit 1; }
# Normalisation, a residual block, a depthwise convolution and average pooling.
cat >residual.yaml <<YAML
input: [8, 8, 1]
layers:
  - Conv2d: {out: 20, kernel: 3, padding: 1, bias: false}
  - BatchNorm2d
  - ReLU
  - Residual:
      - Conv2d: {kernel: 3, padding: 1, groups: depthwise, bias: false}
      - BatchNorm2d
      - ReLU6
      - Conv2d: {out: 20, kernel: 1, bias: false}
      - BatchNorm2d
  - ReLU
  - GlobalAvgPool2d
  - Linear: {out: 10}
YAML
for model in lenet300 lenet5 "{file: residual.yaml}"; do
  cat >config.yaml <<YAML
model: $model
data: {name: synthetic, limit: 64, hold_out: 16}
batch: 16
epochs: 1
threads: 2
optimizer: {Adam: {lr: 0.001}}
compress:
  AGPruner:
    config: [{final_sparsity: 0.5, end_epoch: 1}]
YAML
  rm -rf run
  qemu-x86_64 -cpu "$cpu" "$program" train config.yaml --out run >out 2>warnings || { cat out warnings; exit 1; }
  grep -q '"sparsity":0.5' run/metrics.jsonl || { echo "$model was not pruned:"; cat run/metrics.jsonl; exit 1; }
done

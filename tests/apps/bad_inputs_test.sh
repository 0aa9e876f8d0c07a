#!/bin/bash
# What users get wrong, and what breaks: each is one line that says what, where and what to do, with
# exit code 2 for usage and 1 for failure, and nothing that was saved is lost.
#
#   bad_inputs_test.sh PATH-OF-PROGRAM PLUGIN PLUGIN-OF-ANOTHER-VERSION
#
# Needs no data files.
plugin=$(realpath "$2") other_plugin=$(realpath "$3")
. "$(dirname "$0")/as_user.sh"
edited good.yaml ''
good plain.yaml </dev/null

# --- The command line is wrong -----------------------------------------------------------------
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
expect 2 'two settings' bench train --ab threads=1
expect 2 "no operation 'matmal'; did you mean 'matmul'?" bench train --ab threads=1 matmal=eigen
expect 2 'KEY=VALUE' bench train --ab threads=1 two
expect 2 '--ab: threads must be' bench train --ab threads=0 threads=1
expect 2 'need a CONFIG.yaml' info --kernels
expect 2 'belong to --kernels' info good.yaml --batch 3
expect 2 'leave --with-dense out' train good.yaml --with-dense --profile

# --- Something else than the command takes: what it is, and the command that would be right ----------
mkdir -p shots/cat && : >shots/cat/1.jpg
"$program" train plain.yaml --epochs 1 --out runs/first >out 2>err || fail "training failed: $(cat err)"
expect 2 "there is no command 'plain.yaml'; did you mean 'espalier train plain.yaml'?" plain.yaml
expect 2 "did you mean 'espalier train --resume'?" resume runs/first
expect 2 "did you mean 'espalier evaluate'?" test runs/first
expect 2 "did you mean 'espalier run'?" predict shots/cat/1.jpg
expect 2 "there is no file 'plane.yaml'; did you mean 'plain.yaml'?" train plane.yaml
expect 2 "'lenet5': it is the name of a network, which a configuration has as 'model: lenet5'" train lenet5
expect 2 "'espalier new shots' writes one for the pictures in it" train shots
expect 2 "'espalier train --resume runs/first' goes on with it" train runs/first
expect 2 "'runs' holds no run: its folders do, runs/first" evaluate runs
expect 2 "'runs/frist' holds no run: there is no such folder; did you mean 'runs/first'?" evaluate runs/frist
expect 2 "it is a configuration; 'espalier train plain.yaml' makes a run of it" sensitivity plain.yaml
expect 2 "'runs' holds no run: its folders do" train --resume runs
expect 2 "there is no file 'lenet6'" info lenet6
expect 2 "'espalier export runs/first -o net.esp' makes one of this run" run runs/first shots/cat/1.jpg
expect 2 "'espalier export RUN -o none.esp' would write it" run none.esp shots/cat/1.jpg
expect 2 "'espalier export RUN -o none.esp' would write it" verify none.esp runs/first
rm -r shots runs

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
edited bad.yaml 's/^batch: 50/batch: 50\nbatch: 60/'
expect 2 "bad.yaml:4:1: key 'batch' is given twice in one map, first in line 3" train bad.yaml
edited bad.yaml 's/frequency: 1/frequency: -1/'
expect 2 'frequency must be an integer of at least 1, not -1' train bad.yaml
edited bad.yaml 's/frequency: 1/frequency: 1, support_type: Conv3d/'
expect 2 "bad.yaml:11:110: support_type is 'Conv3d', but no layer with weights is of that type" train bad.yaml
edited bad.yaml 's/frequency: 1/frequency: 1, support_type: default, op_names: fc1/'
expect 2 'use one spelling' train bad.yaml
edited bad.yaml 's/end_epoch: 2/end_epoch: 0/'
expect 2 'end_epoch must be after start_epoch' train bad.yaml
edited bad.yaml 's/^seed: 7/\tseed: 7/'
expect 2 'bad.yaml:5:' train bad.yaml
printf 'model: lenet300\n\000\001' >bad.yaml
expect 2 'bad.yaml' train bad.yaml
expect 2 "'.' is a folder, not a configuration" train .
: >empty.yaml
expect 2 "missing key 'model'" train empty.yaml

# --- A network written as layers -----------------------------------------------------------------
edited bad.yaml 's/^model: .*/model: {input: [28, 28, 1], layers: [Conv2: {out: 4, kernel: 3}, Flatten, Linear: {out: 10}]}/'
expect 2 "did you mean 'Conv2d'?" train bad.yaml
edited bad.yaml 's/^model: .*/model: {input: [28, 28, 1], layers: [Linear: {out: 10}]}/'
expect 2 "bad.yaml:1:38: Linear 'fc1' takes a row of values" train bad.yaml
grep -q 'Flatten' err || fail "no hint to flatten in: $(cat err)"
edited bad.yaml 's/^model: .*/model: {input: [4, 4, 1], layers: [Conv2d: {name: stem, out: 4, kernel: 7}, Flatten, Linear: {out: 10}]}/'
expect 2 'stem' train bad.yaml

# --- Rules in a file of their own, and plugins ---------------------------------------------------
expect 2 'none.yaml' train good.yaml --compress none.yaml
echo 'AGPrunner: {config: []}' >rules.yaml
expect 2 "rules.yaml:1:1: there is no algorithm named 'AGPrunner'; did you mean 'AGPruner'?" \
  train good.yaml --compress rules.yaml
echo 'LevelPruner: {config: [{sparsity: 1.5}]}' >rules.yaml
expect 2 'rules.yaml:1:35: sparsity must be a number in [0, 1), not 1.5' \
  train good.yaml --compress rules.yaml
echo 'LevelPruner: [{sparsity: 0.5}]' >rules.yaml
expect 2 'config' train good.yaml --compress rules.yaml
expect 2 'none.so' train good.yaml --plugin ./none.so
expect 2 'good.yaml' train good.yaml --plugin ./good.yaml
expect 2 'version' train good.yaml --plugin "$other_plugin"
[ -e runs ] && fail 'a wrong configuration left something in runs/'

# A run whose plugin has gone is read again with a copy in its folder.
cp "$plugin" gone.so
expect 0 'test accuracy' train good.yaml --plugin ./gone.so --epochs 1 --out plugged
rm gone.so
expect 2 "gone.so'; a copy of it beside this file would do" info plugged
grep -q 'plugged/config.yaml:[0-9]*:' err || fail "no line of the configuration: $(cat err)"
cp "$plugin" plugged/gone.so
expect 0 'layer' info plugged

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

# --- Files of data sets --------------------------------------------------------------------------
expect 1 'good.yaml' train files.yaml --data good.yaml
digits() { # digits FOLDER: ten pictures of 28×28 in MNIST's format, plain files
  mkdir -p "$1"
  for split in train t10k; do
    { printf '\0\0\10\3\0\0\0\12\0\0\0\34\0\0\0\34'; head -c 7840 /dev/zero | tr '\0' 'a'; } \
      >"$1/$split-images-idx3-ubyte"
    printf '\0\0\10\1\0\0\0\12\0\1\2\3\4\5\6\7\10\11' >"$1/$split-labels-idx1-ubyte"
  done
}
edited files.yaml 's/name: synthetic.*/name: mnist}/; s/batch: 50/batch: 5/'
digits whole
expect 0 'test accuracy' train files.yaml --data whole --out whole-run
digits cut
head -c 4000 cut/train-images-idx3-ubyte >part && mv part cut/train-images-idx3-ubyte
expect 1 'cut/train-images-idx3-ubyte' train files.yaml --data cut
digits zipped
gzip zipped/train-images-idx3-ubyte
head -c 60 zipped/train-images-idx3-ubyte.gz >part && mv part zipped/train-images-idx3-ubyte.gz
expect 1 'zipped/train-images-idx3-ubyte.gz' train files.yaml --data zipped
digits magic
printf 'PNG!' | dd of=magic/train-images-idx3-ubyte conv=notrunc 2>dd.log
expect 1 'magic/train-images-idx3-ubyte' train files.yaml --data magic
digits labels
printf '\0\0\10\1\0\0\0\12\0\1\2\3\4\5\6\7\10\77' >labels/train-labels-idx1-ubyte
expect 1 'labels/train-labels-idx1-ubyte' train files.yaml --data labels
grep -q 63 err || fail "the label 63 is not named in: $(cat err)"
digits counts
printf '\0\0\10\1\0\0\0\2\0\1' >counts/train-labels-idx1-ubyte
expect 1 'counts/train-labels-idx1-ubyte' train files.yaml --data counts
edited cifar.yaml 's/name: synthetic.*/name: cifar10}/; s/^model: .*/model: resnet20/'
mkdir cifar-10-batches-bin
for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
  head -c 4000 /dev/zero >cifar-10-batches-bin/$batch.bin
done
expect 1 'data_batch_1.bin' train cifar.yaml --data .
edited own.yaml 's/name: synthetic.*/name: folder, dir: pictures, size: [28, 28], channels: 1}/'
expect 1 'pictures' train own.yaml
mkdir -p pictures/cat pictures/dog
expect 1 'pictures/cat' train own.yaml
for number in 1 2 3 4 5; do
  printf 'P5\n2 2\n255\nabcd' | tee pictures/cat/$number.pgm >pictures/dog/$number.pgm
done
echo 'no picture' >pictures/dog/6.png
expect 1 'pictures/dog/6.png' train own.yaml

# --- Folders, checkpoints and weights of another kind --------------------------------------------
expect 2 'is a file' train good.yaml --out good.yaml
expect 0 'run' train good.yaml --out run
expect 2 'already holds a run' train good.yaml --out run
expect 2 'holds no run' train --resume tiny
expect 2 'holds no run' info tiny
expect 2 'complete' train --resume run
expect 2 '--epochs' train --resume run --epochs 9

sed 's/epochs: 3/epochs: 300/' good.yaml >long.yaml
"$program" train long.yaml --out stop >out 2>err &
pid=$!
for _ in $(seq 200); do
  [ -e stop/model.safetensors ] && break
  sleep 0.05
done
kill -INT $pid
wait $pid
[ $? -eq 130 ] || fail "Ctrl-C did not end in 130: $(cat err)"
cp -r stop damaged
head -c 5000 stop/checkpoint >damaged/checkpoint
expect 1 'damaged/checkpoint' train --resume damaged
{ head -c 60000 stop/checkpoint; printf 'x'; tail -c +60002 stop/checkpoint; } >damaged/checkpoint
expect 1 'damaged/checkpoint' train --resume damaged
{ head -c 8 stop/checkpoint; printf '\011\0\0\0'; tail -c +13 stop/checkpoint; } >damaged/checkpoint
expect 1 'version 9' train --resume damaged
rm damaged/checkpoint
expect 2 'its checkpoint is gone' train --resume damaged
cmp stop/model.safetensors damaged/model.safetensors || fail 'a run without a checkpoint lost its weights'
cp stop/checkpoint damaged/checkpoint
echo garbage >>damaged/metrics.jsonl
expect 1 "of 'damaged/metrics.jsonl', which is damaged" info damaged
grep -q 'json.exception' err && fail "a library's error reaches the user: $(cat err)"
cp stop/metrics.jsonl damaged/metrics.jsonl
rm damaged/model.safetensors
mkdir damaged/model.safetensors
expect 1 "'damaged/model.safetensors': Is a directory" evaluate damaged
rmdir damaged/model.safetensors
cp stop/model.safetensors damaged/model.safetensors

# --- What would be written over ---------------------------------------------------------------------
expect 2 'is a file of the run itself' export run --to esp -o run/model.safetensors
expect 2 'is a file of the run itself' report run -o run/config.yaml
expect 2 'is a file of the run itself' sensitivity run --out run/checkpoint
expect 2 '--tune would replace' info good.yaml --tune good.yaml
expect 2 "there is no folder '/no/such'" sensitivity run --out /no/such/file.json
expect 2 'in (0, 0.995]' sensitivity run --target-sparsity 0.999
expect 2 "there is no folder '/no/such'" bench train --trace /no/such/trace.json
ln -s linked.esp link.esp
: >linked.esp
expect 0 'written' export run -o link.esp
[ -L link.esp ] && [ -s linked.esp ] || fail 'a link was replaced, not followed'
expect 0 'written' export run --to esp -o /dev/null
[ -c /dev/null ] || fail '/dev/null is no device any more'
printf 'P5\n0 0\n255\n' >none.pgm
expect 1 'none.pgm has no pixels' run linked.esp none.pgm
sed -i 's/^model: .*/model: lenet5/' damaged/config.yaml
expect 2 'damaged/config.yaml' train --resume damaged
cp -r run weights
head -c 5000 run/model.safetensors >weights/model.safetensors
expect 1 'weights/model.safetensors' evaluate weights
cp run/model.safetensors weights/model.safetensors
sed -i 's/^model: .*/model: lenet5/' weights/config.yaml
expect 1 'weights/model.safetensors' evaluate weights
rm run/model.safetensors
expect 1 'model.safetensors' evaluate run

# --- A disk that takes no more: a limit on the size of files ---------------------------------------
cp -r stop full
cp full/model.safetensors full.weights
cp full/checkpoint full.checkpoint
(
  ulimit -f 300
  exec "$program" train --resume full >out 2>err
)
judge 1 'full/' $? 'a training whose files may not grow'
cmp full/model.safetensors full.weights || fail 'a write that failed destroyed the weights'
cmp full/checkpoint full.checkpoint || fail 'a write that failed destroyed the checkpoint'

# A loss that is no number any more, after epochs that were saved.
edited late.yaml 's/{SGD: .*/{SGD: {lr: 0.05, momentum: 0.9}}\nschedule: {multi_step: {at: [2], gamma: 1000000000000}}/'
expect 1 'epoch 3' train late.yaml --out late
[ -s late/model.safetensors ] || fail 'the weights of the epochs before are gone'
[ "$(wc -l <late/metrics.jsonl)" -eq 2 ] || fail 'the figures of the epochs before are gone'

verdict

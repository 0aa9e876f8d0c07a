#!/bin/bash
# `espalier new`: from a folder of pictures to a trained network, and what can be wrong with a folder.
#
#   new_test.sh PATH-OF-PROGRAM
. "$(dirname "$0")/as_user.sh"

# picture FILE WIDTH HEIGHT GREY NOISE: a PPM of noise around a grey.
picture() {
  mkdir -p "$(dirname "$1")"
  { printf 'P6 %d %d 255\n' "$2" "$3"
    LC_ALL=C awk -v n="$5" -v g="$4" -v c=$(($2 * $3 * 3)) \
      'BEGIN { for (i = 0; i < c; ++i) { n = (n * 75 + 74) % 65537; printf "%c", g + n % 40 } }'
  } >"$1"
}

# --- Three classes in one folder ------------------------------------------------------------------
for i in $(seq 1 30); do
  picture "pets/cat/$i.ppm" 60 50 1 "$i"
  picture "pets/dog/$i.ppm" 60 50 40 $((i + 100))
  picture "pets/guinea pig/$i.ppm" 60 50 80 $((i + 200))
done
expect 0 'pets: 3 classes, 90 pictures' new pets
grep -q 'all 50×60, in colour' out || fail "the size is not told: $(cat out)"
grep -Eq 'guinea pig +2[0-9] to learn from, +[0-9]+ for the test' out || fail "no counts: $(cat out)"
grep -q 'espalier train pets.yaml' out || fail "no next step: $(cat out)"
awk 'length($0) > 84 { exit 1 }' out || fail 'a line is wider than the page'
awk 'length($0) > 102 { exit 1 }' pets.yaml || fail 'a line of pets.yaml is too wide'
expect 0 'AGPruner rule 1' train pets.yaml --dry-run
expect 0 'result' train pets.yaml --epochs 8
accuracy=$(tail -n 1 runs/pets/metrics.jsonl | sed 's/.*"test_accuracy":\([0-9.]*\).*/\1/')
awk "BEGIN { exit !($accuracy > 0.9) }" || fail "it learned too little: $accuracy"
expect 0 'guinea pig' evaluate runs/pets
expect 0 'written' export runs/pets -o pets.esp

expect 0 ' guinea pig ' run pets.esp 'pets/guinea pig/1.ppm'
expect 0 ' rodent ' run pets.esp 'pets/guinea pig/1.ppm' --names cat,dog,rodent
expect 0 'classes     cat, dog, guinea pig' info pets.esp
grep -q ' 20 of names of classes' out || fail "no size of the names: $(cat out)"
cp pets.yaml before.yaml
expect 2 "there is a file 'pets.yaml' already" new pets
cmp pets.yaml before.yaml || fail 'a file of the user was changed'

# --- With train alone, with train and test, grey, ten classes ---------------------------------------
mkdir alone && cp -r pets alone/train
expect 0 'alone/train: 3 classes' new alone
grep -q 'dir: alone/train' alone.yaml || fail 'not the folder of the classes'
mkdir split && cp -r pets split/train && cp -r pets split/test
expect 0 '180 pictures' new split --out both.yaml
grep -q 'test_fraction' both.yaml && fail 'a part is kept for the test although there is a test folder'
expect 0 'training' train both.yaml --dry-run
for class in 0 1 2 3 4 5 6 7 8 9; do
  for i in 1 2 3 4 5 6 7 8; do
    mkdir -p "digits/$class"
    { printf 'P5 28 28 255\n'; head -c 784 /dev/zero | tr '\0' "$class"; } >"digits/$class/$i.pgm"
  done
done
expect 0 'all 28×28, grey' new digits
grep -q 'channels: 1 ' digits.yaml || fail 'grey pictures are read in colour'
grep -q 'size: \[28, 28\]' digits.yaml || fail 'pictures of one small size are stretched'
expect 0 'result' train digits.yaml --epochs 1 --out digits-run

# --- What is wrong with a folder -------------------------------------------------------------------
expect 2 'one folder of pictures' new
expect 1 'there is no folder nowhere' new nowhere
mkdir empty
expect 1 'empty has no folders in it' new empty
mkdir -p one && cp -r pets/cat one/cat
expect 1 'the one folder cat' new one
mkdir -p hollow && cp -r pets/cat pets/dog hollow && mkdir hollow/bird
expect 1 'the class hollow/bird has no pictures (PNG, JPEG' new hollow
cp -r pets loose && cp loose/cat/1.ppm loose/lost.ppm
expect 1 'loose/lost.ppm is a picture outside of a class' new loose
cp -r pets broken && head -c 300 pets/dog/3.ppm >broken/dog/3.ppm
expect 1 'broken/dog/3.ppm is truncated' new broken
cp -r pets text && echo 'no picture' >text/dog/notes.jpg
expect 1 'text/dog/notes.jpg' new text
expect 1 'is a file' new pets/cat/1.ppm
for file in empty one hollow loose broken text; do
  [ -e "$file.yaml" ] && fail "$file.yaml is written although something is wrong"
done
if [ "$(id -u)" -ne 0 ]; then
  cp -r pets closed && chmod 000 closed/cat
  expect 1 'closed/cat' new closed
  chmod 755 closed/cat
fi

# --- The program alone ------------------------------------------------------------------------------
expect 0 'espalier new DIR'
grep -q "^      $program list algorithms" out || fail "it is not called as it was: $(cat out)"
grep -q 'espalier train CONFIG.yaml' out || fail "a configuration that is not there is named: $(cat out)"
mkdir configs && cp pets.yaml configs/fashion_lenet5_agp.yaml
expect 0 'espalier train configs/fashion_lenet5_agp.yaml'
verdict

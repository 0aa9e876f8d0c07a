#!/usr/bin/env bash
# Checks scripts/get-data with made-up files at made-up addresses: nothing is fetched from afar.
#
#   get_data_test.sh PATH-OF-get-data
set -u
original=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect CODE TEXT ARGUMENT…: the script ends with CODE and says TEXT.
expect() {
  local code=$1 text=$2 got
  shift 2
  "$script" "$@" >out 2>&1 </dev/null
  got=$?
  [ "$got" -eq "$code" ] || fail "get-data $*: exit code $got, not $code: $(cat out)"
  grep -qF -- "$text" out || fail "get-data $*: '$text' is not in: $(cat out)"
}

# The script, but with the checksums of our own files for the published ones.
script=$folder/get-data
cp "$original" "$script"
publish() {  # PUBLISHED-MD5 FILE
  grep -q "$1" "$original" || fail "the script does not know the checksum $1"
  sed -i "s/$1/$(md5sum <"$2" | cut -d' ' -f1)/" "$script"
}

mkdir home debian
export ESPALIER_DATA_URL=file://$folder/home ESPALIER_DEBIAN_DATA=$folder/debian
for part in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  echo "$part" >"home/$part-ubyte.gz"
done

# --- The command line ----------------------------------------------------------------------------
expect 0 'Usage:' --help
expect 0 'fashion-mnist' mnist -h
expect 2 '--help' mnist
expect 2 '--help' mnist here there
expect 2 "no data set 'minst'" minst here
touch file
expect 1 'file' mnist file

# --- Not the published files ---------------------------------------------------------------------
expect 1 'its checksum is not f68b3c2dcbeaaa9fbdd348bbdeb94873' mnist data
[ -z "$(find data -type f)" ] || fail "wrong files were kept: $(find data -type f)"

# --- The published files, from nothing, again, and in part ---------------------------------------
publish f68b3c2dcbeaaa9fbdd348bbdeb94873 home/train-images-idx3-ubyte.gz
publish d53e105ee54ea40749a09fcbcd1e9432 home/train-labels-idx1-ubyte.gz
publish 9fb629c4189551a2d022fa330f9573f3 home/t10k-images-idx3-ubyte.gz
publish ec29112dd5afa0611ce80d1b7f02629c home/t10k-labels-idx1-ubyte.gz
expect 0 'MNIST is in data/mnist' mnist data/
for file in home/*; do cmp "$file" "data/mnist/${file#home/}" || fail "$file came out changed"; done
mv home away
expect 0 'MNIST is in data/mnist' mnist data
grep -q 'file://' out && fail "what was there was fetched again: $(cat out)"
echo damaged >data/mnist/t10k-labels-idx1-ubyte.gz
expect 1 'is there a connection to the internet?' mnist data
mv away home
expect 0 't10k-labels-idx1-ubyte.gz' mnist data
cmp home/t10k-labels-idx1-ubyte.gz data/mnist/t10k-labels-idx1-ubyte.gz ||
  fail 'a damaged file was kept'
[ -z "$(find data -name '*.part')" ] || fail "parts were left: $(find data -name '*.part')"

# --- Fashion-MNIST without a connection ----------------------------------------------------------
mkdir -p debian/fashion-mnist
cp home/* debian/fashion-mnist
expect 0 'from the Debian package' fashion-mnist data
cmp home/train-images-idx3-ubyte.gz data/fashion-mnist/train-images-idx3-ubyte.gz ||
  fail 'the files of the package were not taken'

# --- Archives --------------------------------------------------------------------------------------
mkdir cifar-100-binary
truncate -s 153700000 cifar-100-binary/train.bin
truncate -s 30740000 cifar-100-binary/test.bin
tar -czf home/cifar-100-binary.tar.gz cifar-100-binary
expect 1 'checksum' cifar100 data
publish 03b5dce01913d631647c71ecec9e9cb8 home/cifar-100-binary.tar.gz
mkdir data/cifar-100-binary
touch data/cifar-100-binary/train.bin # a copy that was cut off
expect 0 'the data set is in data/cifar-100-binary' cifar100 data
[ "$(ls data/cifar-100-binary)" = "$(ls cifar-100-binary)" ] || fail 'the archive lacks files'
[ "$(ls data)" = "$(printf '%s\n' cifar-100-binary fashion-mnist mnist)" ] ||
  fail "there are left-overs: $(ls data)"
rm home/cifar-100-binary.tar.gz
expect 0 'is there already' cifar100 data
expect 1 'cifar-10-binary.tar.gz' cifar10 data

# --- A server ------------------------------------------------------------------------------------
# Nobody listens on this port of our own machine.
ESPALIER_DATA_URL=http://127.0.0.1:9 expect 1 "'cifar10' could not be fetched" cifar10 data

[ "$failures" -eq 0 ] || exit 1
echo 'all as it should be'

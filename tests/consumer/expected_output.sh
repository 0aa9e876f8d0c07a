#!/bin/sh
# Compares what an example prints (standard input) with what its page says that it prints. Figures
# vary between processors and data sets, so only their number and all words must agree.
#   expected_output.sh PAGE PROGRAM <OUTPUT
# In the page the output is the block behind the comment `<!-- output of PROGRAM -->`. Programs that
# are no lesson, whose name does not begin with a number, need none.
set -eu
page=$1 program=$2
case $program in [0-9]*) ;; *) exit 0 ;; esac
words() { sed -E 's/Fashion-MNIST/MNIST/; s/-?[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g'; }
expected=$(mktemp) seen=$(mktemp)
trap 'rm -f "$expected" "$seen"' EXIT
awk -v mark="<!-- output of $program -->" '
  $0 == mark { found = 1; next }
  found && /^```/ { if (inside) exit; inside = 1; next }
  inside { print }' "$page" | words >"$expected"
words >"$seen"
diff "$expected" "$seen"

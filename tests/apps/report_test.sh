#!/bin/sh
# Runs as pages.
#
#   report_test.sh PATH-OF-PROGRAM
#
# Needs no data files. What browsers make of pages is the matter of ../report/browser_test.py.
. "$(dirname "$0")/as_user.sh"

# page FILE TEXT: it is a whole page with the text in it.
page() {
  head -n 1 "$1" | grep -qi '<!doctype html>' || fail "$1 does not begin as a page"
  tail -n 1 "$1" | grep -qF '</html>' || fail "$1 does not end as a page"
  grep -qF -- "$2" "$1" || fail "'$2' is not in $1"
}

expect 0 'Examples:' report --help

# --- A training leaves one ------------------------------------------------------------------------
edited good.yaml ''
expect 0 'report      runs/good/report.html, ' train good.yaml
[ -s err ] && fail "a training that went well complains: $(cat err)"
page runs/good/report.html '<h1>good</h1>'
grep -qF 'data-chart="accuracy"' runs/good/report.html || fail 'the report of a training has no curve'
expect 0 'look at it' train good.yaml --out bare --no-report
grep -q '^report' out && fail "--no-report tells of a report: $(cat out)"
[ -e bare/report.html ] && fail '--no-report leaves a report'
# Where it cannot be written, the run is complete all the same.
mkdir -p blocked/report.html
expect 0 'look at it' train good.yaml --out blocked
grep -q "^espalier: warning: the run is complete, but not its report: .*'espalier report blocked'$" err ||
  fail "no warning of a report that failed: $(cat err)"
cmp bare/model.safetensors blocked/model.safetensors || fail 'reports change the weights'
expect 2 "'bare' is complete, all 3 epochs are done; to train longer, start a new run" \
  train --resume bare --no-report

# --- The command ----------------------------------------------------------------------------------
rm runs/good/report.html
expect 0 'report      runs/good/report.html, ' report runs/good
page runs/good/report.html 'espalier train '
expect 0 'report      one.html, ' report bare --no-latency -o one.html
expect 0 'report      two.html, ' report bare --no-latency --out two.html
cmp one.html two.html || fail 'two reports of a run differ, though nothing was measured'
[ "$(wc -c <one.html)" -lt 1000000 ] || fail "the page is large: $(wc -c <one.html) bytes"
expect 0 'report      report.html, ' report bare runs/good --seconds 0.1
page report.html '2 runs side by side'

# --- Wrong uses -----------------------------------------------------------------------------------
expect 2 'report needs a RUN' report
expect 2 "'nowhere' holds no run" report bare nowhere
expect 2 'leave one out' report bare --seconds 1 --no-latency
expect 2 '--seconds' report bare --seconds 0
expect 2 'no/such/folder' report bare --no-latency -o no/such/folder/page.html

verdict

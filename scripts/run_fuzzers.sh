#!/bin/bash
# Runs each fuzzer of the readers for a while, from the committed corpus.
#
#   scripts/run_fuzzers.sh FOLDER SECONDS      FOLDER holds the programs fuzz_*
#
# h5ad and Zarr also start from the forms of tests/golden: compound tables, nullable columns, blosc,
# zstd, the other order of bytes, shards.
#
# Stops at the first crash, hang or leak; the input that did it lies in FOLDER then. Put it into
# tests/fuzz/found, with the ending of its kind, together with the fix.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: ${0##*/} FOLDER SECONDS" >&2; exit 2; }
folder=$(cd "$1" && pwd)
tests=$(cd "$(dirname "$0")/../tests" && pwd)
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
for fuzzer in "$folder"/fuzz_*; do
  [ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
  name=${fuzzer##*/fuzz_}
  case $name in
    tenx_h5) ending=h5 ;;
    zarr) ending=zarr.zip ;;
    long_table) ending=tsv ;;
    *) ending=${name//_/.} ;;
  esac
  mkdir -p "$seeds/$name"
  cp "$tests/fuzz/corpus"/*."$ending" "$seeds/$name/"
  case $name in
    h5ad) cp "$tests"/golden/h5ad/forms/*.h5ad "$seeds/$name/" ;;
    zarr) cp "$tests"/golden/zarr/v*.zarr.zip "$seeds/$name/" ;;
  esac
  echo "== $name"
  # HDF5 that never ends costs its child two seconds of processor time; that is no hang of ours.
  UBSAN_OPTIONS=print_stacktrace=1 "$fuzzer" -max_total_time="$2" -timeout=60 -rss_limit_mb=2048 \
    -max_len=65536 -seed=1 -print_final_stats=1 -artifact_prefix="$folder/$name-" \
    "$seeds/$name" >"$seeds/log" 2>&1 || { tail -60 "$seeds/log"; exit 1; }
  grep -E "stat::(number|average)|DONE" "$seeds/log"
done

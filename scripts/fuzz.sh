#!/bin/sh
# Runs every fuzzer for a while on its corpus; ends with the first crash. New inputs stay beside the fuzzers.
#   usage: fuzz.sh FOLDER SECONDS      FOLDER holds the built NAME_fuzz programs
set -eu
[ $# -eq 2 ] || { echo "usage: $0 FOLDER SECONDS" >&2; exit 2; }
for fuzzer in "$1"/*_fuzz; do
  name=$(basename "$fuzzer" _fuzz)
  found=$1/found/$name
  mkdir -p "$found"
  echo "fuzz: $name for $2 s"
  "$fuzzer" -max_total_time="$2" -print_final_stats=1 -artifact_prefix="$1/$name-" "$found" "fuzz/corpus/$name" \
    > "$1/$name.log" 2>&1 || { tail -n 40 "$1/$name.log"; exit 1; }
  tail -n 8 "$1/$name.log" | grep -E 'number_of_executed_units|peak_rss'
done
echo "fuzz: no crash"

#!/bin/sh
# Checks that every quantized product of a level is made of the level's dot-product instruction: each kernel
# q8_tile<ISA, TYPE, TOKENS> in an object file or library must contain it.
#   usage: check_disassembly.sh OBJDUMP FILE ISA INSTRUCTION
#   e.g.   check_disassembly.sh objdump libpatina_kernels.a Avx512Isa vpdpbusd
set -eu
if [ $# -ne 4 ]; then
  echo "usage: $0 OBJDUMP FILE ISA INSTRUCTION" >&2
  exit 2
fi

"$1" -d -C --no-show-raw-insn "$2" | awk -v isa="$3" -v instruction="$4" '
  BEGIN {
    # Numbers of quant::DType.
    split("2=Q4_0 3=Q4_1 6=Q5_0 7=Q5_1 8=Q8_0 10=Q2_K 11=Q3_K 12=Q4_K 13=Q5_K 14=Q6_K 20=IQ4_NL", types, " ")
  }
  /^[0-9a-f]+ <.*>:$/ {
    kernel = ""
    if (index($0, "q8_tile<") && index($0, isa ",") && match($0, /DType\)[0-9]+, [0-9]+>/)) {
      split(substr($0, RSTART + 6, RLENGTH - 7), ids, ", ")
      kernel = ids[1] "/" ids[2]
      seen[kernel] = 1
    }
  }
  kernel != "" {
    for (i = 2; i <= NF; ++i) if ($i == instruction) ++count[kernel]
  }
  END {
    for (t = 1; t in types; ++t) {
      split(types[t], type, "=")
      for (tokens = 1; tokens <= 8; ++tokens) {
        kernel = type[1] "/" tokens
        if (!(kernel in seen)) problem = "has no symbol"
        else if (count[kernel] < 8) problem = "has " count[kernel] + 0 " " instruction ", expected 8 or more"
        else continue
        print isa " kernel of " type[2] " for " tokens " tokens " problem
        failed = 1
      }
    }
    if (!failed) print "all kernels of " isa " use " instruction
    exit failed
  }'

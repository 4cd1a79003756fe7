#!/bin/sh
# Checks that the integer products of a level are made of the level's instructions: in an object file or library each
# kernel q8_tile<ISA, TYPE, TOKENS>, q8_unpacked_tile<ISA, SCALES, BLOCK> and byte_tile<ISA, TOKENS, RUN> must contain
# BYTES, each integer_tile<ISA, TOKENS> PAIRS, and no kernel of the level anything that the pattern NEVER matches.
#   usage: check_disassembly.sh OBJDUMP FILE ISA BYTES PAIRS [NEVER]
#   e.g.   check_disassembly.sh objdump libpatina_kernels.a Avx512Isa vpdpbusd vpdpwssd
set -eu
if [ $# -ne 5 ] && [ $# -ne 6 ]; then
  echo "usage: $0 OBJDUMP FILE ISA BYTES PAIRS [NEVER]" >&2
  exit 2
fi

"$1" -d -C --no-show-raw-insn "$2" | awk -v isa="$3" -v bytes="$4" -v pairs="$5" -v never="${6:-}" '
  BEGIN {
    # Numbers of quant::DType.
    split("2=Q4_0 3=Q4_1 6=Q5_0 7=Q5_1 8=Q8_0 10=Q2_K 11=Q3_K 12=Q4_K 13=Q5_K 14=Q6_K 20=IQ4_NL", types, " ")
  }
  function complain(sentence) {
    print isa sentence
    failed = 1
  }
  /^[0-9a-f]+ <.*>:$/ {
    kernel = ""
    of_level = index($0, isa ",") || index($0, isa ">")
    if (index($0, "q8_tile<") && index($0, isa ",") && match($0, /DType\)[0-9]+, [0-9]+>/)) {
      split(substr($0, RSTART + 6, RLENGTH - 7), ids, ", ")
      kernel = ids[1] "/" ids[2]
      wanted = bytes
    } else if (index($0, "q8_unpacked_tile<") && index($0, isa ",")) {
      kernel = "unpacked/" ++unpacked
      wanted = bytes
    } else if (index($0, "integer_tile<") && match($0, isa ", [0-9]+>")) {
      tokens = substr($0, RSTART + length(isa) + 2, RLENGTH - length(isa) - 3)
      kernel = "pairs/" tokens
      wanted = pairs
      pair_tokens[tokens] = 1
    } else if (index($0, "byte_tile<") && match($0, isa ", [0-9]+, [0-9]+>")) {
      tokens = substr($0, RSTART + length(isa) + 2, RLENGTH - length(isa) - 3)
      sub(/,.*/, "", tokens)
      kernel = "bytes/" tokens
      wanted = bytes
      byte_tokens[tokens] = 1
    }
    if (kernel != "") seen[kernel] = 1
    next
  }
  {
    instruction = $2 == "{vex}" ? $2 " " $3 : $2
    if (kernel != "" && instruction == wanted) ++count[kernel]
    if (of_level && never != "" && $0 ~ never) complain(" has " $0)
  }
  END {
    for (t = 1; t in types; ++t) {
      split(types[t], type, "=")
      for (tokens = 1; tokens <= 8; ++tokens) {
        kernel = type[1] "/" tokens
        if (!(kernel in seen)) problem = "has no symbol"
        else if (count[kernel] < 8) problem = "has " count[kernel] + 0 " " bytes ", expected 8 or more"
        else continue
        complain(" kernel of " type[2] " for " tokens " tokens " problem)
      }
    }
    if (!unpacked) complain(" kernel of unpacked blocks has no symbol")
    for (i = 1; i <= unpacked; ++i) {
      products = count["unpacked/" i] + 0
      if (products < 8) complain(" kernel " i " of unpacked blocks has " products " " bytes ", expected 8 or more")
    }
    if (!("1" in pair_tokens)) complain(" kernel of pairs has no symbol")
    for (tokens in pair_tokens) {
      products = count["pairs/" tokens] + 0
      if (products >= tokens + 0) continue
      complain(" kernel of pairs for " tokens " tokens has " products " " pairs ", expected " tokens " or more")
    }
    if (!("1" in byte_tokens)) complain(" kernel of bytes back has no symbol")
    for (tokens in byte_tokens) {
      products = count["bytes/" tokens] + 0
      if (products >= tokens + 0) continue
      complain(" kernel of bytes back for " tokens " tokens has " products " " bytes ", expected that many or more")
    }
    if (!failed) print "all kernels of " isa " use " bytes " and " pairs
    exit failed
  }'

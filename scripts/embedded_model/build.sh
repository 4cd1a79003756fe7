#!/bin/sh
# Makes models/patina-tiny-q8_0.gguf anew: text, vocabulary, training, export, and the 50 questions asked through llama.cpp.
# Usage: scripts/embedded_model/build.sh [OUT.gguf]. A cut run continues from build/embedded_model/checkpoint.pt; delete the
# folder to start over.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
work=$root/build/embedded_model
out=${1:-$root/models/patina-tiny-q8_0.gguf}
case $out in /*) ;; *) out=$OLDPWD/$out ;; esac

mkdir -p "$work"
if [ ! -x "$work/venv/bin/python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet -r requirements.txt
fi
python=$work/venv/bin/python

"$python" corpus_test.py
[ -f "$work/checkpoint.pt" ] || "$python" tokenizer.py "$work/tokenizer.model"
"$python" train.py "$work"
"$python" export.py "$work" "$out"
"$python" evaluate.py "$out"

#!/bin/sh
# Fetches the outside packages that the golden figures come from, makes these figures anew, compares, asks the packages
# about patina's own files, and runs the tests with the oracles that are too large to commit.
#   usage: test_oracles.sh
# Everything fetched lies in build/oracles. ORACLE_PYTHON and LEGACY_PYTHON name interpreters that have the packages
# already (scripts/oracle_requirements.txt; llama-cpp-python 0.1.78, the last that reads GGJT v3).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
work=$root/build/oracles
mkdir -p "$work"

# environment FOLDER PIP_ARGUMENT... : prints the interpreter of a virtual environment with these packages
environment() {
  folder=$work/$1
  shift
  if [ ! -f "$folder/complete" ]; then
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet "$@" >&2
    touch "$folder/complete"
  fi
  echo "$folder/bin/python"
}

python=${ORACLE_PYTHON:-$(environment venv -r scripts/oracle_requirements.txt)}
legacy_python=${LEGACY_PYTHON:-$(environment venv-legacy llama-cpp-python==0.1.78 numpy)}

llama_cpp=$work/llama_cpp_python-0.3.36/vendor/llama.cpp
if [ ! -d "$llama_cpp" ]; then
  "$python" -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$work/packages" llama-cpp-python==0.3.36
  tar -xf "$work"/packages/llama_cpp_python-0.3.36.tar.gz -C "$work"
fi
tekken=$work/mistral_common/data/tekken_240911.json
if [ ! -f "$tekken" ]; then
  "$python" -m pip download --quiet --no-deps --dest "$work/packages" mistral-common==1.5.0
  "$python" -m zipfile -e "$work"/packages/mistral_common-1.5.0-py3-none-any.whl "$work"
fi

echo "oracles: making the golden files anew"
tree=$work/tree
rm -rf "$tree"
mkdir -p "$tree/tests"
cp -r scripts models data "$tree"
cp -r tests/golden "$tree/tests"
for script in "$tree"/scripts/golden/*.py; do
  case $(basename "$script") in
    chat.py) set -- "$llama_cpp" ;;
    legacy.py) set -- "$legacy_python" ;;
    model.py) set -- embedded ;;
    *) set -- ;;
  esac
  "$python" "$script" "$@" > "$work/$(basename "$script").log" 2>&1 || { tail "$work/$(basename "$script").log"; exit 1; }
done
"$python" scripts/compare_goldens.py "$tree/tests/golden" tests/golden

echo "oracles: asking the packages"
"$python" scripts/oracle_gradients.py
"$python" scripts/oracle_io.py --legacy-python "$legacy_python"
rm -rf "$work/vocabs"
"$python" scripts/oracle_tokenizer.py "$work/vocabs" "$llama_cpp/models" 2> "$work/oracle_tokenizer.log"
"$python" scripts/oracle_tekken.py "$work/vocabs" "$tekken"
"$python" scripts/golden/chat.py "$llama_cpp" --with-sources "$work/templates.json"

cmake --preset test --log-level=NOTICE
cmake --build build/test --parallel
"$python" scripts/oracle_adapters.py build/test/apps/patina
"$python" scripts/oracle_events.py build/test/apps/patina
PATINA_ORACLE_VOCABS=$work/vocabs PATINA_ORACLE_TEMPLATES=$work/templates.json \
  ctest --test-dir build/test --output-on-failure

#!/bin/sh
# Fetches Gemma 3 270M (Q4_K_M) and runs on it the tests that run the program, fine-tuning included.
#   usage: test_gemma.sh
set -eu
cd "$(dirname "$0")/.."
model=$(python3 scripts/fetch_gemma.py)
before=$(sha256sum "$model")
cmake --preset test --log-level=NOTICE
cmake --build build/test --parallel --target e2e_test engine_test
PATINA_E2E_MODEL=$model ctest --test-dir build/test --output-on-failure --no-tests=error -R "e2e|engine"
[ "$before" = "$(sha256sum "$model")" ] || { echo "the tests have changed $model" >&2; exit 1; }

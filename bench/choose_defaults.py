#!/usr/bin/env python3
"""Trains with the default settings and with one changed at a time, and shows what rows kept apart make of each.

    python bench/choose_defaults.py answers     MODEL.gguf ROWS.txt VALID.txt [--count 100] [--valid-count 50] [--jobs 8 --threads 2]
    python bench/choose_defaults.py preferences MODEL.gguf ROWS.txt VALID.txt [--rejected {own,other}] ...

Row files hold "### Instruction:" and "### Response:" blocks. For each run, as a Markdown table (docs/defaults.md has them),
after each epoch the mean loss of an answer's token in VALID; of preferences their loss, and at the end the share of
preferred pairs and the loss of a chosen answer's token. Of preferences the row's answer is the chosen one; the rejected one
is what the untrained model writes ("own") or another row's answer ("other"). patina is build/release/apps/patina, or
$PATINA.
"""

import argparse
import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compare import PATINA
from compare_tuning import loss_of, read_rows, write_rows

# What is changed, by the kind of rows.
RUNS: dict[str, list[list[str]]] = {
    "answers": [
        [], ["--seed", "2"], ["--seed", "3"],
        ["--learning-rate", "2e-4"], ["--learning-rate", "5e-4"], ["--learning-rate", "2e-3"], ["--learning-rate", "4e-3"],
        ["--lora-rank", "4", "--lora-alpha", "8"], ["--lora-rank", "32", "--lora-alpha", "64"],
        ["--batch-size", "4"], ["--batch-size", "16"],
        ["--lora-targets", "attn"], ["--lora-dropout", "0.1"], ["--weight-decay", "0.1"],
        ["--lr-schedule", "constant"], ["--optimizer", "lion"], ["--lora-plus-ratio", "16"], ["--dora"], ["--lora-init", "pissa"],
    ],
    "preferences": [
        ["--preference", objective, *change]
        for objective, rates in (("dpo", ["6e-5", "1.2e-4", "5e-4", "1e-3", "2e-3"]), ("orpo", ["1.2e-4", "2.5e-4", "5e-4", "2e-3"]))
        for change in ([], ["--seed", "2"], *(["--learning-rate", rate] for rate in rates), ["--beta", "0.03"], ["--beta", "0.3"])
    ],
}
HEADS = {
    "answers": "| changed | loss after 1 epoch | 2 | 3 |\n|---|---|---|---|",
    "preferences": "| changed | loss after 1 epoch | 2 | 3 | preferred | loss of chosen answers |\n|---|---|---|---|---|---|",
}


def own_answer(model: Path, question: str, threads: int) -> str:
    """One line of what the model writes as it is."""
    prompt = f"### Instruction:\n{question}\n### Response:\n"
    command = [PATINA, "main", "-q", "-m", str(model), "-t", str(threads), "--raw", "--no-escape", "-p", prompt, "-n", "40", "--temp", "0", "--no-display-prompt"]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return written.split("\n")[0].strip() or "I do not know."


def write_preferences(path: Path, rows: list[tuple[str, str]], rejected: list[str]) -> Path:
    lines = [json.dumps({"prompt": q, "chosen": a, "rejected": r}) for (q, a), r in zip(rows, rejected)]
    path.write_text("".join(line + "\n" for line in lines))
    return path


def measure(model: Path, train: Path, valid: Path, threads: int, flags: list[str]) -> list[float]:
    """The columns of HEADS after the first."""
    with tempfile.TemporaryDirectory() as folder:
        adapter = f"{folder}/adapter.gguf"
        subprocess.run([PATINA, "finetune", "-q", "-m", str(model), "--train-data", str(train), "--val-data", str(valid), "--save-path", adapter,
                        "--epochs", "3", "-t", str(threads), *flags], check=True, capture_output=True)
        lines = [json.loads(line) for line in Path(f"{adapter}.log.jsonl").read_text().splitlines()]
        evaluations = [line for line in lines if "eval_loss" in line]
        losses = [line["eval_loss"] for line in evaluations]
        if "--preference" not in flags:
            return losses
        return [*losses, evaluations[-1]["preferred"], loss_of(model, valid, threads, "--lora", adapter)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=RUNS)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("valid", type=Path)
    parser.add_argument("--rejected", choices=["own", "other"], default="own")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--valid-count", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--threads", type=int, default=2, help="of each run")
    args = parser.parse_args()

    def write(path: Path, rows: list[tuple[str, str]]) -> Path:
        if args.kind == "answers":
            return write_rows(path, rows)
        if args.rejected == "own":
            return write_preferences(path, rows, [own_answer(args.model, question, args.threads) for question, _ in rows])
        return write_preferences(path, rows, [rows[i - 1][1] for i in range(len(rows))])

    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(args.jobs) as runs:
        folder = Path(name)
        suffix = ".txt" if args.kind == "answers" else ".jsonl"
        train = write(folder / f"train{suffix}", read_rows(args.rows, args.count))
        valid = write(folder / f"valid{suffix}", read_rows(args.valid, args.valid_count))
        print(f"The untrained model's loss of an answer's token in VALID: {loss_of(args.model, valid, args.threads):.3f}\n\n{HEADS[args.kind]}", flush=True)
        changes = RUNS[args.kind]
        for flags, columns in zip(changes, runs.map(lambda flags: measure(args.model, train, valid, args.threads, flags), changes)):
            print(f"| {'`' + ' '.join(flags) + '`' if flags else 'nothing'} | {' | '.join(f'{column:.3f}' for column in columns)} |", flush=True)


if __name__ == "__main__":
    main()

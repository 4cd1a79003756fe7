#!/usr/bin/env python3
"""Trains with the default settings and with one changed at a time, and shows what rows kept apart make of each.

    python bench/choose_defaults.py MODEL.gguf ROWS.txt VALID.txt [--count 100] [--valid-count 50] [--jobs 8 --threads 2]

Row files hold "### Instruction:" and "### Response:" blocks. For each run the mean loss of an answer's token in VALID,
before and after each epoch, as a Markdown table (docs/defaults.md has one). patina is build/release/apps/patina, or $PATINA.
"""

import argparse
import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compare import PATINA
from compare_tuning import read_rows, write_rows

RUNS: list[list[str]] = [
    [], ["--seed", "2"], ["--seed", "3"],
    ["--learning-rate", "2e-4"], ["--learning-rate", "5e-4"], ["--learning-rate", "2e-3"], ["--learning-rate", "4e-3"],
    ["--lora-rank", "4", "--lora-alpha", "8"], ["--lora-rank", "32", "--lora-alpha", "64"],
    ["--batch-size", "4"], ["--batch-size", "16"],
    ["--lora-targets", "attn"], ["--lora-dropout", "0.1"], ["--weight-decay", "0.1"],
    ["--lr-schedule", "constant"], ["--optimizer", "lion"], ["--lora-plus-ratio", "16"], ["--dora"], ["--lora-init", "pissa"],
]


def losses(model: Path, train: Path, valid: Path, threads: int, flags: list[str]) -> list[float]:
    """Of the rows kept apart, after each epoch."""
    with tempfile.TemporaryDirectory() as folder:
        adapter = f"{folder}/adapter.gguf"
        subprocess.run([PATINA, "finetune", "-q", "-m", str(model), "--train-data", str(train), "--val-data", str(valid), "--save-path", adapter,
                        "--epochs", "3", "-t", str(threads), *flags], check=True, capture_output=True)
        lines = [json.loads(line) for line in Path(f"{adapter}.log.jsonl").read_text().splitlines()]
    return [line["eval_loss"] for line in lines if "eval_loss" in line]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("valid", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--valid-count", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--threads", type=int, default=2, help="of each run")
    args = parser.parse_args()
    print("| changed | loss after 1 epoch | 2 | 3 |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(args.jobs) as runs:
        folder = Path(name)
        train = write_rows(folder / "train.txt", read_rows(args.rows, args.count))
        valid = write_rows(folder / "valid.txt", read_rows(args.valid, args.valid_count))
        for flags, epochs in zip(RUNS, runs.map(lambda flags: losses(args.model, train, valid, args.threads, flags), RUNS)):
            print(f"| {'`' + ' '.join(flags) + '`' if flags else 'nothing'} | {' | '.join(f'{loss:.3f}' for loss in epochs)} |", flush=True)


if __name__ == "__main__":
    main()

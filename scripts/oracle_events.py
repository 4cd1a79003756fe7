#!/usr/bin/env python3
"""Trains for some steps and lets the tensorboard package read the events: they must say what the log says.

    python scripts/oracle_events.py PATINA      (packages: tensorboard)
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROWS = "### Instruction:\nWhat is {0}?\n### Response:\nIt is {0}.\n"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rows.txt").write_text("".join(ROWS.format(word) for word in ("red", "green", "blue", "white")))
        subprocess.run([sys.argv[1], "finetune", "-m", ROOT / "models/patina-tiny-q8_0.gguf", "--train-data", folder / "rows.txt",
                        "--save-path", folder / "a.gguf", "--epochs", "3", "--batch-size", "1", "--val-split", "0.25", "-q",
                        "--tensorboard", folder / "events"], check=True, stdout=subprocess.DEVNULL)
        log = [json.loads(line) for line in (folder / "a.gguf.log.jsonl").read_text().splitlines()]
        events = EventAccumulator(str(folder / "events"))
        events.Reload()
        compared = 0
        for tag, key in (("loss/train", "loss"), ("learning_rate", "learning_rate"), ("gradient_norm", "gradient_norm"),
                         ("loss/validation", "eval_loss"), ("perplexity/validation", "eval_perplexity")):
            expected = [(line["step"], line[key]) for line in log if key in line]
            found = [(event.step, event.value) for event in events.Scalars(tag)]
            assert len(found) == len(expected) > 0, (tag, found, expected)
            for (step, value), (logged_step, logged) in zip(found, expected):
                assert step == logged_step and math.isclose(value, logged, rel_tol=1e-6), (tag, step, value, logged)
                compared += 1
        print(f"tensorboard reads {compared} values as they were logged")


if __name__ == "__main__":
    main()

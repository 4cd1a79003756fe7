#!/usr/bin/env python3
"""Fine-tunes Gemma 3 on the same rows with patina and with PEFT (f32, over the dequantized weights): speed, memory, result.

    python bench/compare_tuning.py MODEL.gguf ROWS.txt [--count 100] [--valid VALID.txt]
    python bench/compare_tuning.py MODEL.gguf ROWS.txt --count 300 --rank 16 --alpha 32 --valid VALID.txt

Row files hold "### Instruction:" and "### Response:" blocks. One epoch; prompts carry no loss; order of the rows, first
values of the adapter, rates and clipping are the same on both sides. Tokens are counted without padding, the first step
is left out of the speed. Before that, both sides' losses of the untrained model must agree. Peers and patina as for
bench/compare.py.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import PATINA, ROOT, python_with

CHECKED_ROWS = 5
MARKER = "<eos>"  # the text of a control token, which parts texts while they are tokenized


def read_rows(path: Path, count: int | None) -> list[tuple[str, str]]:
    """Questions and answers."""
    blocks = re.split(r"^### Instruction:\n", path.read_text(), flags=re.MULTILINE)[1:][:count]
    return [tuple(part.strip() for part in block.split("### Response:\n", 1)) for block in blocks]


def write_rows(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("".join(f"### Instruction:\n{question}\n### Response:\n{answer}\n" for question, answer in rows))
    return path


def tokenized(model: Path, rows: list[tuple[str, str]], folder: Path) -> list[dict]:
    if not rows:
        return []
    text = folder / "text"
    text.write_text("".join(f"### Instruction:\n{q}\n### Response:\n{MARKER}{a}{MARKER}" for q, a in rows))
    command = [PATINA, "tokenize", "-q", "-m", str(model), "--ids", "-f", str(text)]
    ids = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    bos, ids, eos = ids[0], ids[1:], ids[-1]
    result = []
    while ids:
        prompt, answer = ids[:ids.index(eos)], ids[ids.index(eos) + 1:]
        answer, ids = answer[:answer.index(eos)], answer[answer.index(eos) + 1:]
        result.append({"tokens": [bos, *prompt, *answer, eos], "answer": 1 + len(prompt)})
    return result


def loss_of(model: Path, rows: Path, threads: int, *flags: str) -> float:
    command = [PATINA, "eval", "-q", "-m", str(model), "--data", str(rows), "-t", str(threads), *flags]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"loss = ([0-9.e+-]+)", output).group(1))


def run_patina(model: Path, rows: Path, adapter: Path, args: argparse.Namespace) -> dict:
    command = [PATINA, "finetune", "-m", str(model), "--train-data", str(rows), "--save-path", str(adapter), "--lora-type", "f32", "--epochs", "1",
               "--batch-size", str(args.batch), "--lora-rank", str(args.rank), "--lora-alpha", str(args.alpha), "--lr", str(args.rate),
               "--seed", str(args.seed), "-t", str(args.threads)]
    with (adapter.parent / "output").open("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode != 0:
        raise SystemExit(said)
    log = Path(f"{adapter}.log.jsonl")
    log = log if log.exists() else next(adapter.parent.glob("*.jsonl"))
    said_memory = re.search(r" and ([0-9.]+) (MiB|GiB) of memory", said)
    estimate = float(said_memory.group(1)) * (1024 if said_memory.group(2) == "GiB" else 1)
    return {"steps": [json.loads(line) for line in log.read_text().splitlines()], "peak_memory": usage.ru_maxrss * 1024, "estimate": estimate}


def run_peft(model: Path, rows: Path, args: argparse.Namespace) -> dict:
    command = [python_with("peft"), str(ROOT / "bench/peer_peft_rows.py"), str(model), str(rows), "--rank", str(args.rank), "--alpha", str(args.alpha),
               "--rate", str(args.rate), "--batch", str(args.batch), "--seed", str(args.seed), "--threads", str(args.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout)


def speed(result: dict) -> float:
    steps = result["steps"][1:]
    return sum(step["tokens"] for step in steps) / sum(step["seconds"] for step in steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--valid", type=Path, help="rows whose response loss is compared after training")
    parser.add_argument("--count", type=int, help="train on so many of the first rows")
    parser.add_argument("--valid-count", type=int)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["patina"], help="without the peer")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train, valid = read_rows(args.rows, args.count), read_rows(args.valid, args.valid_count) if args.valid else []
        check = train[:CHECKED_ROWS]
        files = {kind: write_rows(folder / f"{kind}.txt", rows) for kind, rows in (("train", train), ("valid", valid), ("check", check))}
        rows = folder / "rows.json"
        rows.write_text(json.dumps({kind: tokenized(args.model, texts, folder) for kind, texts in (("train", train), ("valid", valid), ("check", check))}))
        ours = run_patina(args.model, files["train"], folder / "adapter.gguf", args)
        mebibyte = 2**20
        print(f"patina {speed(ours):.1f} tokens/s, {ours['peak_memory'] / mebibyte:.0f} MiB (estimated {ours['estimate']:.0f})", flush=True)
        if valid:
            lora = ["--lora", str(folder / "adapter.gguf")]
            ours |= {"valid": loss_of(args.model, files["valid"], args.threads, *lora), "untrained": loss_of(args.model, files["valid"], args.threads)}
            print(f"patina: loss on {args.valid.name} {ours['untrained']:.4f} before, {ours['valid']:.4f} after", flush=True)
        if args.only == "patina":
            return
        base = loss_of(args.model, files["check"], args.threads, "--precise")
        theirs = run_peft(args.model, rows, args)
        print(f"PEFT {speed(theirs):.1f} tokens/s, {theirs['peak_memory'] / mebibyte:.0f} MiB; patina {speed(ours) / speed(theirs):.2f}x")
        print(f"untrained loss of the first rows: {base:.4f}, {theirs['check']:.4f} of PyTorch")
        if abs(base - theirs["check"]) > 2e-3 * base:
            sys.exit("the two sides do not compute the same model")
        if [step["tokens"] for step in ours["steps"]] != [step["tokens"] for step in theirs["steps"]]:
            sys.exit("the two sides do not train on the same rows in the same order")
        print("loss of the first and the last step: " + ", ".join(
            f"{side} {r['steps'][0]['loss']:.4f} and {r['steps'][-1]['loss']:.4f}" for side, r in (("patina", ours), ("PEFT", theirs))))
        if valid:
            print(f"PEFT: loss on {args.valid.name} {theirs['valid']:.4f} after; patina's is {100 * (ours['valid'] / theirs['valid'] - 1):+.2f} %")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Compares patina with its peers in one sitting, in turn: every round runs one side after the other; medians over rounds.

    python bench/compare.py inference MODEL.gguf ... [--rounds 3] [--threads 2]
    python bench/compare.py training MODEL.gguf [--rounds 1] [--tokens 256]      (MODEL: bench/make_model.py 1.1b)

The peers come from PyPI into build/bench/venv, llama.cpp built for this machine from its source package (takes a while the
first time); PATINA_PEERS=FOLDER names an environment that has them already. patina is build/release/apps/patina, or
$PATINA. Needs a quiet machine: only the ratios mean something.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATINA = os.environ.get("PATINA", str(ROOT / "build/release/apps/patina"))
PEERS = {
    "llama_cpp": ["llama-cpp-python==0.3.36", "numpy==2.4.6"],
    "peft": ["torch==2.15.0", "peft==0.21.2"],
}


def python_with(packages: str) -> str:
    """The interpreter of an environment that holds the peer; made the first time."""
    if "PATINA_PEERS" in os.environ:
        return os.environ["PATINA_PEERS"] + "/bin/python"
    folder = ROOT / "build/bench/venv"
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if subprocess.run([python, "-c", f"import {packages}"], capture_output=True, check=False).returncode != 0:
        source = ["--no-binary", "llama-cpp-python"] if packages == "llama_cpp" else []
        subprocess.run([python, "-m", "pip", "install", "--quiet", *source, *PEERS[packages]], check=True)
    return str(python)


def run(command: list[str]) -> list[dict]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def compare(sides: dict[str, Callable[[], list[dict]]], rounds: int) -> dict[str, dict[str, list[dict]]]:
    """Results by test and side, one a round."""
    results: dict[str, dict[str, list[dict]]] = {}
    for _ in range(rounds):
        for side, measure in sides.items():
            for entry in measure():
                results.setdefault(entry["test"], {}).setdefault(side, []).append(entry)
    return results


def show(title: str, results: dict[str, dict[str, list[dict]]]) -> None:
    print(f"\n{title}")
    for test, by_side in results.items():
        medians = {side: statistics.median(e["avg_ts"] for e in entries) for side, entries in by_side.items()}
        best = max(value for side, value in medians.items() if side != "patina")
        memory = {side: max(e.get("peak_memory", 0) for e in entries) / 2**20 for side, entries in by_side.items()}
        sides = ", ".join(f"{side} {value:.1f} tokens/s" + (f" ({memory[side]:.0f} MiB)" if memory[side] else "") for side, value in medians.items())
        print(f"  {test:9} {sides}; patina {medians['patina'] / best:.2f}x the best peer", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["inference", "training"])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=256)
    args = parser.parse_args()
    threads = str(args.threads)
    for model in args.models:
        if args.kind == "inference":
            python = python_with("llama_cpp")
            peer = [python, str(ROOT / "bench/peer_llama_cpp.py"), str(model), "-t", threads, "-r", "1"]
            sides = {
                "patina": lambda m=model: run([PATINA, "bench", "-m", str(m), "-p", "512", "-n", "64", "-t", threads, "-r", "1", "-o", "json"]),
                "llama.cpp": lambda p=peer: run(p),
                "llama.cpp without repacking": lambda p=peer: run([*p, "--no-repack"]),
            }
        else:
            python = python_with("peft")
            tokens = str(args.tokens)
            sides = {
                "patina": lambda m=model, n=tokens: run([PATINA, "bench", "-m", str(m), "-p", "0", "-n", "0", "--train", n, "-t", threads, "-r", "3", "-o", "json"]),
                "PEFT": lambda p=python, n=tokens: run([p, str(ROOT / "bench/peer_peft.py"), "--tokens", n, "--threads", threads]),
            }
        show(str(model), compare(sides, args.rounds))


if __name__ == "__main__":
    main()

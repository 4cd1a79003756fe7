#!/usr/bin/env python3
"""Compares patina with its peers in one sitting, in turn: every round runs one side after the other; medians over rounds.

    python bench/compare.py inference MODEL.gguf ... [--rounds 3] [--threads 2] [--depth 3584] [--sequences 4] [--cache-type q8_0]
    python bench/compare.py start MODEL.gguf ... [--cold]           (to the first token after a prompt of 20)
    python bench/compare.py inference MODEL.gguf ... --peer ik      (ik_llama.cpp, the fastest fork; also for `start`)
    python bench/compare.py training MODEL.gguf [--rounds 1] [--tokens 256]      (MODEL: bench/make_model.py 1.1b)
    python bench/compare.py training MODEL.gguf --peer qvac                      (with --architecture qwen3; needs npm)

The peers come from PyPI into build/bench/venv, llama.cpp built for this machine from its source package (takes a while the
first time); PATINA_PEERS=FOLDER names an environment that has them already. ik_llama.cpp is built from its source package into build/bench/ik,
or into $PATINA_IK with other options for cmake. qvac comes from npm, compiled. patina is build/release/apps/patina, or $PATINA. Needs a quiet
machine: only the ratios mean something.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATINA = os.environ.get("PATINA", str(ROOT / "build/release/apps/patina"))
PEERS = {
    "llama_cpp": ["llama-cpp-python==0.3.36", "numpy==2.4.6"],
    "peft": ["torch==2.15.0", "peft==0.21.2"],
}
IK = "0.1.5"  # of ik-llama-cpp-python
QVAC = ["@qvac/llm-llamacpp@0.53.0", "bare@1.31.2"]


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


def ik_environment() -> dict[str, str]:
    """Where the Python part of ik_llama.cpp's package and its library are; built for this machine the first time."""
    folder = Path(os.environ.get("PATINA_IK", ROOT / "build/bench/ik"))
    package = folder / f"ik_llama_cpp_python-{IK}"
    library = folder / "build/src/libllama.so"
    if not package.exists():
        download = ["pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", folder, f"ik-llama-cpp-python=={IK}"]
        subprocess.run([sys.executable, "-m", *download], check=True)
        shutil.unpack_archive(f"{package}.tar.gz", folder)
    if not library.exists():
        source = package / "vendor/ik_llama.cpp"
        subprocess.run(["cmake", "-S", source, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON"], check=True)
        subprocess.run(["cmake", "--build", folder / "build", "--target", "llama", "-j2"], check=True)
    return {"PYTHONPATH": str(package), "IK_LLAMA_CPP_LIB_PATH": str(library)}


def run(command: list[str], environment: dict[str, str] | None = None) -> list[dict]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})})
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
        if len(by_side) == 1:  # patina bench also writes one sequence where several are asked for
            continue
        seconds = "seconds" in next(iter(by_side.values()))[0]
        medians = {side: statistics.median(e["seconds" if seconds else "avg_ts"] for e in entries) for side, entries in by_side.items()}
        peers = [value for side, value in medians.items() if side != "patina"]
        best = min(peers) if seconds else max(peers)
        memory = {side: max(e.get("peak_memory", 0) for e in entries) / 2**20 for side, entries in by_side.items()}
        unit = "s" if seconds else "tokens/s"
        sides = ", ".join(f"{side} {value:.{2 if seconds else 1}f} {unit}" + (f" ({memory[side]:.0f} MiB)" if memory[side] else "")
                          for side, value in medians.items())
        print(f"  {test:9} {sides}; patina {medians['patina'] / best:.2f}x the best peer", flush=True)


def evict(model: Path) -> None:
    """Drops the file from the page cache."""
    with model.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def first_token(model: Path, threads: str) -> list[dict]:
    """From the program's start to its end after one token: `main` has no earlier moment to show."""
    words = " ".join(["a"] * 20)
    begin = time.perf_counter()
    done = subprocess.run([PATINA, "main", "-m", str(model), "-t", threads, "-p", words, "-n", "1", "--raw"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return [{"test": "first token", "seconds": time.perf_counter() - begin}]


def inference_sides(model: Path, args: argparse.Namespace) -> dict[str, Callable[[], list[dict]]]:
    ik = args.peer == "ik"
    name = "ik_llama.cpp" if ik else "llama.cpp"
    environment = ik_environment() if ik else {}
    python = sys.executable if ik else python_with("llama_cpp")
    peer = [python, str(ROOT / "bench/peer_llama_cpp.py"), str(model), "-t", str(args.threads), *(["--ik"] if ik else [])]
    if args.kind == "start":
        own: Callable[[], list[dict]] = lambda: first_token(model, str(args.threads))
        peer += ["--first-token", "20"]
    else:
        tests = ["-p", str(args.prompt), "-n", str(args.generate), "-d", str(args.depth), "-r", "1"]
        if args.sequences > 1:
            tests += ["-b", str(args.sequences)]
        own_command = [PATINA, "bench", "-m", str(model), "-t", str(args.threads), *tests, "-o", "json",
                       "--cache-type-k", args.cache_type, "--cache-type-v", args.cache_type]
        own = lambda: run(own_command)
        peer += [*tests, "--cache-type", args.cache_type]
    sides = {"patina": own, name: lambda: run(peer, environment),
             f"{name} without repacking": lambda: run([*peer, "--no-repack"], environment)}

    def cold(measure: Callable[[], list[dict]]) -> list[dict]:
        evict(model)
        return measure()

    return {side: partial(cold, measure) for side, measure in sides.items()} if args.kind == "start" and args.cold else sides


def run_qvac(model: Path, tokens: str, threads: str) -> list[dict]:
    folder = ROOT / "build/bench/qvac"
    script = folder / "peer_qvac.js"  # beside the packages it needs
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, *QVAC], check=True)
    shutil.copy(ROOT / "bench/peer_qvac.js", script)
    with tempfile.TemporaryDirectory() as results:
        return run([str(folder / "node_modules/.bin/bare"), str(script), str(model.resolve()), tokens, threads, "2", results])


def training_sides(model: Path, args: argparse.Namespace) -> dict[str, Callable[[], list[dict]]]:
    threads, tokens = str(args.threads), str(args.tokens)
    own = [PATINA, "bench", "-m", str(model), "-p", "0", "-n", "0", "--train", tokens, "-t", threads, "-r", "3", "-o", "json"]
    if args.peer == "qvac":
        return {"patina": lambda: run(own), "qvac": lambda: run_qvac(model, tokens, threads)}
    python = python_with("peft")
    return {"patina": lambda: run(own), "PEFT": lambda: run([python, str(ROOT / "bench/peer_peft.py"), "--tokens", tokens, "--threads", threads])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["inference", "start", "training"])
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=256, help="of a training step")
    parser.add_argument("--peer", choices=["peft", "qvac", "llama.cpp", "ik"], help="of training: peft (default) or qvac; else llama.cpp or ik")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--depth", type=int, default=0, help="tokens of context before")
    parser.add_argument("--sequences", type=int, default=1, help="that write at once")
    parser.add_argument("--cache-type", choices=["f16", "q8_0"], default="f16")
    parser.add_argument("--cold", action="store_true", help="start with the file out of the page cache")
    args = parser.parse_args()
    if args.peer is not None and (args.peer in ("peft", "qvac")) != (args.kind == "training"):
        parser.error(f"{args.peer} is no peer of {args.kind}")
    for model in args.models:
        sides = training_sides(model, args) if args.kind == "training" else inference_sides(model, args)
        show(str(model), compare(sides, args.rounds))


if __name__ == "__main__":
    main()

"""Compares golden files that were made anew with the committed ones.

    python scripts/compare_goldens.py MADE_FOLDER COMMITTED_FOLDER      (packages: numpy, gguf, torch, safetensors)

Files are equal byte for byte, or, where they hold computed numbers (tensors, numbers in JSON, columns of .txt),
equal up to the last bits that another processor may round another way; whole numbers and texts are always equal. Names
each file that differs; the exit code is 1 if there is one.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from safetensors.torch import load_file

TOLERANCE = 1e-4
# llama.cpp's quantized products differ that much from one instruction set to the next.
TOLERANCE_OF_LOGITS = 0.2
LOGITS = {"logits", "gaps", "perplexity"}
# Its searches for the best scales end elsewhere where a compiler orders sums in another way; 7 % was seen.
TOLERANCE_OF_QUANTIZATION_ERRORS = 0.1


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def same(a, b, tolerance: float, absolute: bool = True) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(
            same(a[k], b[k], TOLERANCE_OF_LOGITS if k in LOGITS else tolerance) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, tolerance, absolute) for x, y in zip(a, b))
    if isinstance(a, float) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance if absolute else 0.0)
    return a == b


def same_gguf(made: Path, committed: Path) -> bool:
    ours, theirs = GGUFReader(committed), GGUFReader(made)
    return [t.name for t in ours.tensors] == [t.name for t in theirs.tensors] and all(
        a.data.shape == b.data.shape and a.data.dtype == b.data.dtype
        and np.allclose(a.data, b.data, rtol=TOLERANCE, atol=1e-6) for a, b in zip(ours.tensors, theirs.tensors))


def same_safetensors(made: Path, committed: Path) -> bool:
    ours, theirs = load_file(committed), load_file(made)
    return ours.keys() == theirs.keys() and all(
        ours[k].dtype == theirs[k].dtype and ours[k].shape == theirs[k].shape
        and torch.allclose(ours[k], theirs[k], rtol=TOLERANCE, atol=1e-6) for k in ours)


def equal(made: Path, committed: Path) -> bool:
    if made.read_bytes() == committed.read_bytes():
        return True
    if made.suffix == ".json":
        return same(json.loads(committed.read_text()), json.loads(made.read_text()), TOLERANCE)
    if made.suffix == ".safetensors":
        return same_safetensors(made, committed)
    if made.suffix == ".txt":
        words = ([number(w) for w in path.read_text().split()] for path in (committed, made))
        if made.name == "rmse.txt":
            return same(*words, TOLERANCE_OF_QUANTIZATION_ERRORS, absolute=False)
        return same(*words, TOLERANCE)
    return made.suffix == ".gguf" and same_gguf(made, committed)


def main(made: Path, committed: Path) -> int:
    names = sorted({p.relative_to(folder) for folder in (made, committed) for p in folder.rglob("*") if p.is_file()})
    different = [name for name in names
                 if not ((made / name).exists() and (committed / name).exists() and equal(made / name, committed / name))]
    for name in different:
        print(f"{name} is not what its script makes")
    print(f"goldens: {len(names) - len(different)} of {len(names)} files are as their scripts make them")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

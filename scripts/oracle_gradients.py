#!/usr/bin/env python3
"""Checks tests/golden/gradients against llama.cpp (llama-cpp-python), and that they are what scripts/golden/gradients.py makes.

Usage: python3 scripts/oracle_gradients.py

The gradients there are PyTorch's; that they are gradients of the right function is seen from the logits: llama.cpp's, of the
same model file without and with the same adapter file, must agree with PyTorch's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import llama_cpp
import numpy as np
from gguf import GGUFReader

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/gradients"
# llama.cpp looks GELU up in a table of half-precision numbers; its other operations on these files are f32.
TOLERANCES = {"gemma3": 1e-2}
TOLERANCE = 1e-4


# What llama.cpp does not apply: magnitudes, and embeddings that are the output too.
ADAPTERS_NOT_APPLIED = {"llama-dora", "qwen2-dora", "gemma3-vocabulary"}


def llama_logits(case: str, tokens: list[int], adapter: bool) -> np.ndarray:
    f32 = 0
    model = llama_cpp.Llama(str(GOLDEN / f"{case.split('-')[0]}.gguf"), lora_path=str(GOLDEN / f"{case}-adapter.gguf") if adapter else None, n_ctx=256, n_threads=1,
                            logits_all=True, flash_attn=False, type_k=f32, type_v=f32, verbose=False)
    model.eval(tokens)
    return np.array(model.scores[: len(tokens)])


def check(case: str) -> None:
    expected = GGUFReader(GOLDEN / f"{case}-expected.gguf")
    tensors = {t.name: t.data for t in expected.tensors}
    worst = 0.0
    for i in range(2):
        tokens = expected.get_field(f"tokens.{i}").contents()
        for prefix in ("base_",) if case in ADAPTERS_NOT_APPLIED else ("base_", ""):
            worst = max(worst, float(np.abs(llama_logits(case, tokens, not prefix) - tensors[f"{prefix}logits.{i}"]).max()))
    print(f"gradients: llama.cpp's logits of {case} differ from PyTorch's by at most {worst:.2g}")
    assert worst < TOLERANCES.get(case.split("-")[0], TOLERANCE), case


def main() -> None:
    cases = sorted(p.name.removesuffix("-expected.gguf") for p in GOLDEN.glob("*-expected.gguf"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "scripts/golden/gradients.py", "--out", folder], check=True, stdout=subprocess.DEVNULL)
        for made in sorted(Path(folder).iterdir()):
            ours, theirs = GGUFReader(GOLDEN / made.name), GGUFReader(made)
            assert [t.name for t in ours.tensors] == [t.name for t in theirs.tensors], made.name
            for a, b in zip(ours.tensors, theirs.tensors):  # another processor may round the last bit another way
                np.testing.assert_allclose(a.data, b.data, rtol=1e-5, atol=1e-7, err_msg=f"{made.name} {a.name}")
    for case in cases:
        check(case)
    print(f"gradients: {len(cases)} models are as scripts/golden/gradients.py makes them, and llama.cpp agrees with PyTorch")


if __name__ == "__main__":
    main()

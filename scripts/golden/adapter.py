"""Makes the adapter files of tests/golden/adapter with the Python package gguf.

Usage: python3 scripts/golden/adapter.py [FOLDER]     (packages: numpy, gguf)
"""

import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFWriter, quants


def header(path, alpha):
    w = GGUFWriter(path, "llama")
    w.add_type("adapter")
    w.add_string("general.name", "jokes")
    w.add_uint32("general.base_model.count", 1)
    w.add_string("general.base_model.0.name", "tiny")
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", alpha)
    return w


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def numbers(rows, columns, seed):
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def as_patina_saves(path):
    """Every key that patina writes, in its order, f16."""
    w = header(path, 16.0)
    w.add_uint64("patina.base_fingerprint", 2**63 + 5)
    w.add_string("patina.prompt_template", "instruction")
    for i, (site, n_in, n_out) in enumerate([("blk.0.attn_q", 32, 32), ("blk.0.ffn_up", 32, 96)]):
        w.add_tensor(f"{site}.weight.lora_a", numbers(4, n_in, 2 * i).astype(np.float16))
        w.add_tensor(f"{site}.weight.lora_b", numbers(n_out, 4, 2 * i + 1).astype(np.float16))
    finish(w)


def mixed(path, expected):
    """Several types, ranks that differ between layers, lora_b first; the numbers as gguf dequantizes them."""
    w = header(path, 8.0)
    values = []

    def add(name, data, kind):
        raw = quants.quantize(data, kind)
        w.add_tensor(name, raw, raw_dtype=None if kind in (T.F32, T.F16) else kind)
        values.append(quants.dequantize(raw, kind))

    add("blk.0.attn_k.weight.lora_b", numbers(32, 32, 10), T.Q8_0)
    add("blk.0.attn_k.weight.lora_a", numbers(32, 32, 11), T.BF16)
    add("blk.0.ffn_down.weight.lora_a", numbers(2, 96, 12), T.Q5_1)
    add("blk.0.ffn_down.weight.lora_b", numbers(32, 2, 13), T.F32)
    finish(w)
    expected.write_bytes(b"".join(np.ascontiguousarray(v, dtype="<f4").tobytes() for v in values))


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/adapter")
    folder.mkdir(parents=True, exist_ok=True)
    as_patina_saves(folder / "saved.gguf")
    mixed(folder / "mixed.gguf", folder / "mixed.f32")


if __name__ == "__main__":
    main()

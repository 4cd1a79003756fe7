#!/usr/bin/env python3
"""Makes tests/golden/quant/: what other implementations make of the quantized tensor types.

    python scripts/golden/quant.py [--lib libggml-base.so]

Oracles: dequantization by the `gguf` package (0.19 was used), quantization by the ggml library inside llama-cpp-python
0.3.36 (`--lib` names another copy of it). Files:

    TYPE.blocks      1,024 elements of random bytes with finite scales, then 1,024 elements quantized by ggml
    TYPE.f32         the 2,048 numbers that gguf.quants.dequantize makes of them, little-endian f32
    weights.f16      KINDS x ELEMENTS weights to quantize
    rmse.txt         "TYPE KIND RMSE", ggml's error on each kind of weights, without an importance matrix
"""
import argparse
import ctypes
import pathlib

import gguf
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/quant"
TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"]
ROW = 1024
ELEMENTS = 4096
# Where the f16 scales of a block lie.
SCALE_OFFSETS = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "Q2_K": [80, 82],
                 "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "F16": [0]}


def kinds_of_weights(rng):
    normal = rng.standard_normal
    sparse = normal(ELEMENTS) * (rng.random(ELEMENTS) < 0.1)
    outliers = normal(ELEMENTS) * 0.02
    outliers[rng.integers(0, ELEMENTS, 40)] *= 20
    return {
        "gauss": normal(ELEMENTS) * 0.02,
        "laplace": rng.laplace(size=ELEMENTS) * 0.05,
        "student": rng.standard_t(4, ELEMENTS) * 0.03,
        "outliers": outliers,
        "sparse": sparse * 0.1,
        "shifted": normal(ELEMENTS) * 0.1 + 0.25,
        "uniform": rng.random(ELEMENTS) * 2 - 1,
        "rowscale": normal(ELEMENTS) * np.repeat(2.0 ** rng.integers(-8, 3, ELEMENTS // 64), 64),
    }


def load_ggml(path):
    if path is None:
        import llama_cpp
        path = pathlib.Path(llama_cpp.__file__).parent / "lib/libggml-base.so"
    lib = ctypes.CDLL(str(path))
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    lib.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64,
                                        ctypes.c_int64, ctypes.c_void_p]
    return lib


def quantize(lib, name, values, row):
    """ggml's bytes for f32 `values` in rows of `row`."""
    kind = gguf.GGMLQuantizationType[name]
    values = np.ascontiguousarray(values, np.float32)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = np.zeros(values.size // block * size, np.uint8)
    wrote = lib.ggml_quantize_chunk(kind, values.ctypes.data, out.ctypes.data, 0, values.size // row, row, None)
    assert wrote == out.size
    return out


def dequantize(name, blocks):
    return gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType[name]).astype(np.float32).ravel()


def random_blocks(name, rng):
    block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    blocks = rng.integers(0, 256, (ROW // block, size), np.uint8)
    if name in ("F32", "BF16"):  # finite too: clear an exponent bit
        blocks[:, -1] &= 0xBF
    for offset in SCALE_OFFSETS.get(name, []):
        while (bad := (blocks[:, offset + 1] & 0x7C) == 0x7C).any():
            blocks[bad, offset + 1] = rng.integers(0, 256, bad.sum(), np.uint8)
    return blocks.ravel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lib", help="path of libggml-base.so (default: the one in llama_cpp)")
    lib = load_ggml(parser.parse_args().lib)
    rng = np.random.default_rng(20240607)
    OUT.mkdir(parents=True, exist_ok=True)

    weights = {kind: values.astype(np.float16) for kind, values in kinds_of_weights(rng).items()}
    np.concatenate(list(weights.values())).tofile(OUT / "weights.f16")
    lines = []
    for name in TYPES:
        real = quantize(lib, name, rng.standard_normal(ROW) * 0.05, ROW)
        blocks = np.concatenate([random_blocks(name, rng), real])
        blocks.tofile(OUT / f"{name}.blocks")
        dequantize(name, blocks).astype("<f4").tofile(OUT / f"{name}.f32")
        for kind, values in weights.items():
            values = values.astype(np.float32)
            error = dequantize(name, quantize(lib, name, values, ROW)).astype(np.float64) - values
            lines.append(f"{name} {kind} {np.sqrt(np.mean(error ** 2)):.9e}\n")
    (OUT / "rmse.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()

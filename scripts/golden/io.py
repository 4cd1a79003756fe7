"""Makes the small model files of tests/golden/io with the Python package gguf, and tiny.bin by hand.

Usage: python3 scripts/golden/io.py [FOLDER]     (packages: numpy, gguf)
"""

import struct
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFEndian, GGUFValueType, GGUFWriter, quants

VOCAB = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
VOCAB += [(f"<0x{b:02X}>", 0.0, 6) for b in range(256)]
VOCAB += [("▁", -1.0, 1), ("A", -2.0, 1), ("▁A", -3.0, 1), ("鱼", -4.0, 1), ("▁a▁b", -5.0, 1)]
EMBEDDING, FEED_FORWARD, MULTIPLE, HEADS, LAYERS = 32, 96, 96, 2, 1
WEIGHT_TYPES = [T.F16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.F32]


def values(count, seed):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32) * np.float32(0.1)


def typed(path, endian=GGUFEndian.LITTLE):
    """One value of each metadata type, and tensors of several types and ranks."""
    w = GGUFWriter(path, "test", endianess=endian)
    w.add_uint8("t.u8", 200)
    w.add_int8("t.i8", -100)
    w.add_uint16("t.u16", 60000)
    w.add_int16("t.i16", -30000)
    w.add_uint32("t.u32", 4000000000)
    w.add_int32("t.i32", -2000000000)
    w.add_float32("t.f32", 0.1)
    w.add_bool("t.bool", True)
    w.add_string("t.string", "鱼 and chips")
    w.add_uint64("t.u64", 2**63 + 1)
    w.add_int64("t.i64", -(2**62))
    w.add_float64("t.f64", 0.1)
    w.add_key_value("t.array_i32", [-1, 2, -3], GGUFValueType.ARRAY, GGUFValueType.INT32)
    w.add_key_value("t.array_f32", [0.5, -1.25], GGUFValueType.ARRAY, GGUFValueType.FLOAT32)
    w.add_key_value("t.array_u8", [1, 2, 255], GGUFValueType.ARRAY, GGUFValueType.UINT8)
    w.add_key_value("t.array_bool", [True, False, True], GGUFValueType.ARRAY, GGUFValueType.BOOL)
    w.add_key_value("t.array_string", ["a", "", b"\xff\x00x"], GGUFValueType.ARRAY, GGUFValueType.STRING)
    w.add_tensor("vector", np.arange(5, dtype=np.float32))
    w.add_tensor("matrix", np.arange(12, dtype=np.float16).reshape(3, 4))
    w.add_tensor("cube", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    w.add_tensor("quantized", quants.quantize(values(64 * 2, 7).reshape(2, 64), T.Q8_0), raw_dtype=T.Q8_0)
    finish(w)


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def tensors():
    """(GGUF name, GGJT name, type, quantized bytes as rows, shape with the row length last)"""
    b = "blk.0."
    l = "layers.0."
    e, f, v = EMBEDDING, FEED_FORWARD, len(VOCAB)
    matrices = [
        ("token_embd", "tok_embeddings", v, e), (b + "attn_q", l + "attention.wq", e, e),
        (b + "attn_k", l + "attention.wk", e, e), (b + "attn_v", l + "attention.wv", e, e),
        (b + "attn_output", l + "attention.wo", e, e), (b + "ffn_gate", l + "feed_forward.w1", f, e),
        (b + "ffn_down", l + "feed_forward.w2", e, f), (b + "ffn_up", l + "feed_forward.w3", f, e),
        ("output", "output", v, e),
    ]
    for i, (gguf, ggjt, rows, columns) in enumerate(matrices):
        kind = WEIGHT_TYPES[i % len(WEIGHT_TYPES)]
        data = quants.quantize(values(rows * columns, i).reshape(rows, columns), kind)
        yield gguf + ".weight", ggjt + ".weight", kind, data, (rows, columns)
    norms = [("output_norm", "norm"), (b + "attn_norm", l + "attention_norm"), (b + "ffn_norm", l + "ffn_norm")]
    for i, (gguf, ggjt) in enumerate(norms):
        yield gguf + ".weight", ggjt + ".weight", T.F32, 1 + values(e, 100 + i), (e,)


def tiny_metadata(w):
    w.add_context_length(2048)
    w.add_embedding_length(EMBEDDING)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(FEED_FORWARD)
    w.add_head_count(HEADS)
    w.add_head_count_kv(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(EMBEDDING // HEADS)
    w.add_file_type(2)
    w.add_tokenizer_model("llama")
    w.add_token_list([t for t, _, _ in VOCAB])
    w.add_token_scores([s for _, s, _ in VOCAB])
    w.add_token_types([k for _, _, k in VOCAB])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)


def tiny_gguf(path):
    w = GGUFWriter(path, "llama")
    tiny_metadata(w)
    for name, _, kind, data, _ in tensors():
        w.add_tensor(name, data, raw_dtype=None if kind in (T.F32, T.F16) else kind)
    finish(w)


def tiny_split(folder):
    w = GGUFWriter(folder / "split.gguf", "llama", split_max_tensors=5)
    tiny_metadata(w)
    for name, _, kind, data, _ in tensors():
        w.add_tensor(name, data, raw_dtype=None if kind in (T.F32, T.F16) else kind)
    finish(w)


def legacy_text(text, kind):
    """As convert.py of llama-cpp-python 0.1.78 (vendored llama.cpp) wrote a SentencePiece token."""
    if kind == 2:
        return " \u2047 ".encode()
    if kind == 3:
        return b""
    if kind == 6:
        return bytes([int(text[3:5], 16)])
    return text.replace("▁", " ").encode()


def tiny_bin(path):
    with open(path, "wb") as f:
        f.write(struct.pack("<9I", 0x67676A74, 3, len(VOCAB), EMBEDDING, MULTIPLE, HEADS, LAYERS, EMBEDDING // HEADS, 2))
        for text, score, kind in VOCAB:
            raw = legacy_text(text, kind)
            f.write(struct.pack("<I", len(raw)) + raw + struct.pack("<f", score))
        for _, name, kind, data, shape in tensors():
            raw = name.encode()
            f.write(struct.pack("<3I", len(shape), len(raw), int(kind)))
            f.write(struct.pack(f"<{len(shape)}I", *reversed(shape)) + raw)
            f.write(b"\0" * (-f.tell() % 32) + data.tobytes())


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/io")
    folder.mkdir(parents=True, exist_ok=True)
    typed(folder / "typed.gguf")
    typed(folder / "big_endian.gguf", GGUFEndian.BIG)
    tiny_gguf(folder / "tiny.gguf")
    tiny_split(folder)
    tiny_bin(folder / "tiny.bin")


if __name__ == "__main__":
    main()

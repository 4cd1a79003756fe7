#!/usr/bin/env python3
"""Makes tests/golden/convert/mixes.json: the type that llama.cpp's quantizer gives each tensor of models of several shapes.

    python scripts/golden/mixes.py        (packages: numpy, gguf, llama-cpp-python 0.3.36)

The file holds for each model its metadata, its tensors [name, shape with the row length first], and for each target the
type of most matrices and, by type, the tensors that got another one.
"""
import collections
import ctypes
import json
import pathlib
import tempfile

import gguf
import llama_cpp
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/convert/mixes.json"
TARGETS = {"F32": 0, "F16": 1, "BF16": 32, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7, "Q2_K": 10, "Q3_K_S": 11,
           "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ4_NL": 25}
VOCAB = 64


def model(arch, layers, width, ff, heads, kv_heads, tied=False, bias=False, qk_norm=False, key=None):
    """(metadata, [(name, shape as numpy has it)]) of a model of that architecture."""
    key = key or width // heads
    metadata = {"general.architecture": arch, f"{arch}.block_count": layers, f"{arch}.attention.head_count": heads,
                f"{arch}.attention.head_count_kv": kv_heads}
    tensors = [("token_embd.weight", (VOCAB, width)), ("output_norm.weight", (width,))]
    if not tied:
        tensors.append(("output.weight", (VOCAB, width)))
    for i in range(layers):
        parts = {"attn_norm": (width,), "attn_q": (heads * key, width), "attn_k": (kv_heads * key, width),
                 "attn_v": (kv_heads * key, width), "attn_output": (width, heads * key), "ffn_norm": (width,),
                 "ffn_gate": (ff, width), "ffn_up": (ff, width), "ffn_down": (width, ff)}
        if qk_norm:
            parts |= {"attn_q_norm": (key,), "attn_k_norm": (key,)}
        tensors += [(f"blk.{i}.{part}.weight", shape) for part, shape in parts.items()]
        if bias:
            tensors += [(f"blk.{i}.attn_{c}.bias", ((heads if c == "q" else kv_heads) * key,)) for c in "qkv"]
    return metadata, tensors


MODELS = {
    "llama": model("llama", 22, 256, 768, 8, 8),
    "llama-grouped": model("llama", 16, 256, 512, 8, 2),
    "llama-tied": model("llama", 30, 256, 512, 4, 2, tied=True),
    "llama-70b": model("llama", 80, 256, 256, 8, 1),
    "gemma": model("gemma3", 18, 640, 2048, 4, 1, tied=True, qk_norm=True, key=256),
    "qwen2": model("qwen2", 24, 256, 512, 4, 2, tied=True, bias=True),
    "qwen2-narrow": model("qwen2", 9, 96, 160, 4, 1, bias=True),
    "odd": model("llama", 8, 48, 80, 3, 3),
}


def write(path, metadata, tensors):
    arch = metadata["general.architecture"]
    w = gguf.GGUFWriter(path, arch)
    w.add_block_count(metadata[f"{arch}.block_count"])
    w.add_head_count(metadata[f"{arch}.attention.head_count"])
    w.add_head_count_kv(metadata[f"{arch}.attention.head_count_kv"])
    width = tensors[0][1][1]
    w.add_embedding_length(width)
    w.add_context_length(512)
    w.add_feed_forward_length(next(s for n, s in tensors if n == "blk.0.ffn_up.weight")[0])
    w.add_layer_norm_rms_eps(1e-6)
    w.add_vocab_size(VOCAB)
    w.add_sliding_window(512)
    rng = np.random.default_rng(1)
    for name, shape in tensors:
        values = rng.standard_normal(shape, np.float32)
        w.add_tensor(name, values if len(shape) == 1 else values.astype(np.float16))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def quantized_types(source, ftype, folder):
    out = pathlib.Path(folder) / "out.gguf"
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = ftype
    params.nthread = 1
    if llama_cpp.llama_model_quantize(str(source).encode(), str(out).encode(), ctypes.byref(params)) != 0:
        raise RuntimeError(f"llama.cpp cannot quantize to {ftype}")
    return {t.name: t.tensor_type.name for t in gguf.GGUFReader(out).tensors}


def main():
    golden = {}
    for name, (metadata, tensors) in MODELS.items():
        golden[name] = {"metadata": metadata, "tensors": [[n, s[::-1]] for n, s in tensors], "types": {}}
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "in.gguf"
            write(source, metadata, tensors)
            for target, ftype in TARGETS.items():
                types = quantized_types(source, ftype, folder)
                matrices = [n for n, s in tensors if len(s) > 1]
                assert all(types[n] == "F32" for n, s in tensors if len(s) == 1)
                most = collections.Counter(types[n] for n in matrices).most_common(1)[0][0]
                others = collections.defaultdict(list)
                for n in matrices:
                    if types[n] != most:
                        others[types[n]].append(n)
                golden[name]["types"][target] = {"most": most, "others": others}
        print(name)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("{\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(m)}" for n, m in golden.items()) + "\n}\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes a llama model of a real shape with random weights, for measuring speed and memory.

    python bench/make_model.py {1.1b,7b} OUT.gguf [--type Q4_0] [--architecture llama]       (needs gguf and numpy)

One random matrix of each shape and type serves all layers: speed does not depend on the values. Blocks of K types are
random bits with scales that give weights of a usual size. As qwen3 queries and keys are normed besides, head by head; a
peer trains only that one.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np

SHAPES = {  # hidden, layers, heads, key-value heads, feed-forward; TinyLlama's and Llama 2's
    "1.1b": (2048, 22, 32, 4, 5632),
    "7b": (4096, 32, 32, 32, 11008),
}
VOCABULARY, CONTEXT = 32000, 4096
Kind = gguf.GGMLQuantizationType
# Where a block's f16 scale is, and its scale of the minimum, which is then the mean code times the scale.
SCALES = {Kind.Q4_K: (0, 2, 7.5), Kind.Q5_K: (0, 2, 15.5), Kind.Q6_K: (208, None, 0)}
TYPES = {"Q4_K_S": Kind.Q4_K, "Q4_K_M": Kind.Q4_K, "Q5_K_M": Kind.Q5_K, "Q6_K": Kind.Q6_K, **{name: Kind[name] for name in ("F16", "Q4_0", "Q5_0", "Q8_0")}}


def write_vocabulary(w: gguf.GGUFWriter) -> None:
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    words = [f"▁{i:x}" for i in range(VOCABULARY - len(tokens))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    w.add_tokenizer_model("llama")
    w.add_token_list(tokens + words)
    w.add_token_scores([0.0] * len(tokens) + [-float(i) for i in range(len(words))])
    w.add_token_types(kinds + [gguf.TokenType.NORMAL] * len(words))
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)


def random_weights(rng: np.random.Generator, rows: int, columns: int, kind: Kind) -> np.ndarray:
    values = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.4 / columns**0.5)
    return gguf.quants.quantize(values, kind)


def random_blocks(rng: np.random.Generator, rows: int, columns: int, kind: Kind) -> np.ndarray:
    size, size_bytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (rows * columns // size, size_bytes), np.uint8)
    at, minimum_at, mean_code = SCALES[kind]

    def set_scale(scale: float) -> None:
        blocks[:, at : at + 2] = np.array([scale], np.float16).view(np.uint8)
        if minimum_at is not None:
            blocks[:, minimum_at : minimum_at + 2] = np.array([scale * mean_code], np.float16).view(np.uint8)

    set_scale(1.0)
    spread = float(gguf.quants.dequantize(blocks[:256], kind).std())
    set_scale(0.4 / columns**0.5 / spread)
    return blocks.reshape(rows, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", default="Q4_0", choices=TYPES)
    parser.add_argument("--architecture", default="llama", choices=["llama", "qwen3"])
    args = parser.parse_args()
    hidden, layers, heads, kv_heads, feed_forward = SHAPES[args.shape]
    kv = hidden // heads * kv_heads
    kind = TYPES[args.type]
    mix = args.type[-1] if args.type.endswith(("_S", "_M")) else None  # some matrices have more bits, as in llama.cpp's mixes
    rng = np.random.default_rng(1)
    made: dict[tuple[int, int, Kind], np.ndarray] = {}

    def matrix(rows: int, columns: int, kind: Kind) -> np.ndarray:
        if (rows, columns, kind) not in made:
            make = random_blocks if kind in SCALES else random_weights
            made[rows, columns, kind] = make(rng, rows, columns, kind)
        return made[rows, columns, kind]

    def kind_of(name: str, layer: int) -> Kind:
        eighth = layers // 8
        if mix == "S" and ((name == "attn_v" and layer < 4) or (name == "ffn_down" and layer < eighth)):
            return Kind.Q5_K
        more_bits = layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
        return Kind.Q6_K if mix == "M" and more_bits and name in ("attn_v", "ffn_down") else kind

    w = gguf.GGUFWriter(args.out, args.architecture)
    w.add_name(f"random-{args.shape}")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(hidden)
    w.add_block_count(layers)
    w.add_feed_forward_length(feed_forward)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_rope_dimension_count(hidden // heads)
    w.add_key_length(hidden // heads)
    w.add_value_length(hidden // heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_file_type(gguf.LlamaFileType[f"MOSTLY_{args.type}"])
    write_vocabulary(w)
    ones = np.ones(hidden, np.float32)
    w.add_tensor("token_embd.weight", matrix(VOCABULARY, hidden, kind), raw_dtype=kind)
    w.add_tensor("output_norm.weight", ones)
    output_kind = Kind.Q6_K if mix else kind
    w.add_tensor("output.weight", matrix(VOCABULARY, hidden, output_kind), raw_dtype=output_kind)
    for i in range(layers):
        for name, rows, columns in [("attn_q", hidden, hidden), ("attn_k", kv, hidden), ("attn_v", kv, hidden), ("attn_output", hidden, hidden),
                                    ("ffn_gate", feed_forward, hidden), ("ffn_up", feed_forward, hidden), ("ffn_down", hidden, feed_forward)]:
            tensor_kind = kind_of(name, i)
            w.add_tensor(f"blk.{i}.{name}.weight", matrix(rows, columns, tensor_kind), raw_dtype=tensor_kind)
        w.add_tensor(f"blk.{i}.attn_norm.weight", ones)
        w.add_tensor(f"blk.{i}.ffn_norm.weight", ones)
        if args.architecture == "qwen3":
            w.add_tensor(f"blk.{i}.attn_q_norm.weight", ones[: hidden // heads])
            w.add_tensor(f"blk.{i}.attn_k_norm.weight", ones[: hidden // heads])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

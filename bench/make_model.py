#!/usr/bin/env python3
"""Writes a llama model of a real shape with random weights, for measuring speed and memory.

    python bench/make_model.py {1.1b,7b} OUT.gguf [--type Q4_0]       (needs gguf and numpy)

One random matrix of each shape serves all layers: speed does not depend on the values. K types come from F16 files by
`patina quantize`.
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--type", default="Q4_0", choices=["F16", "Q4_0", "Q5_0", "Q8_0"])
    args = parser.parse_args()
    hidden, layers, heads, kv_heads, feed_forward = SHAPES[args.shape]
    kv = hidden // heads * kv_heads
    kind = gguf.GGMLQuantizationType[args.type]
    rng = np.random.default_rng(1)
    made: dict[tuple[int, int], np.ndarray] = {}

    def matrix(rows: int, columns: int) -> np.ndarray:
        if (rows, columns) not in made:
            values = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.4 / columns**0.5)
            made[rows, columns] = gguf.quants.quantize(values, kind)
        return made[rows, columns]

    w = gguf.GGUFWriter(args.out, "llama")
    w.add_name(f"random-{args.shape}")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(hidden)
    w.add_block_count(layers)
    w.add_feed_forward_length(feed_forward)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_rope_dimension_count(hidden // heads)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_file_type(gguf.LlamaFileType[f"MOSTLY_{args.type}"])
    write_vocabulary(w)
    ones = np.ones(hidden, np.float32)
    w.add_tensor("token_embd.weight", matrix(VOCABULARY, hidden), raw_dtype=kind)
    w.add_tensor("output_norm.weight", ones)
    w.add_tensor("output.weight", matrix(VOCABULARY, hidden), raw_dtype=kind)
    for i in range(layers):
        for name, rows, columns in [("attn_q", hidden, hidden), ("attn_k", kv, hidden), ("attn_v", kv, hidden), ("attn_output", hidden, hidden),
                                    ("ffn_gate", feed_forward, hidden), ("ffn_up", feed_forward, hidden), ("ffn_down", hidden, feed_forward)]:
            w.add_tensor(f"blk.{i}.{name}.weight", matrix(rows, columns), raw_dtype=kind)
        w.add_tensor(f"blk.{i}.attn_norm.weight", ones)
        w.add_tensor(f"blk.{i}.ffn_norm.weight", ones)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

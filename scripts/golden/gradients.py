#!/usr/bin/env python3
"""Makes tests/golden/gradients/: tiny random models of each architecture, and PyTorch's adapter gradients for them.

    python scripts/golden/gradients.py [--out DIR]      (needs torch and gguf; takes seconds)
    python scripts/oracle_gradients.py                  (asks llama.cpp whether the forward passes here are the real ones)

For each CASE three GGUF files, all tensors F32:

    CASE.gguf            the model, with a SentencePiece vocabulary of bytes
    CASE-adapter.gguf    a LoRA adapter (rank 4, alpha 8, no zeros) on all seven linear layers of each block
    CASE-expected.gguf   what PyTorch (in f64, by automatic differentiation) makes of both:
      metadata  tokens.0, tokens.1    two sequences, each on its own
                response.0, .1        1 for a token that carries loss where it is the target, 0 for the others
      tensors   base_logits.0, .1     [tokens, vocabulary] without the adapter
                logits.0, .1          with it
                base_loss, loss       the mean cross-entropy (in nats) over all targets of both sequences
                blk.N.NAME.weight.lora_a.grad, .lora_b.grad    the loss's gradients, of the adapter tensors' shapes
                blk.N.NAME.weight.lora_magnitude.grad          with magnitudes (CASE-dora)
                token_embd.weight.lora_a.grad, output...       with the vocabulary's matrices (CASE-vocabulary)
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[2] / "tests/golden/gradients"
RANK, ALPHA, CONTEXT = 4, 8.0, 256
LENGTHS, PROMPTS = (13, 7), (5, 3)  # tokens in each sequence, and how many of them are prompt
PIECES = ["▁", "a", "b", "▁a", "▁b"]
VOCABULARY = 3 + 256 + len(PIECES)


@dataclass(frozen=True)
class Case:
    arch: str
    layers: int = 2
    hidden: int = 32
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    feed_forward: int = 64
    rope_base: float = 10000.0
    neox: bool = True  # whether rotary positions turn (i, i + half); otherwise neighbours (2i, 2i + 1)
    tied: bool = True
    rope_factors: bool = False  # a rope_freqs tensor that divides the frequencies, as in Llama 3
    qkv_bias: bool = False
    qk_norm: bool = False
    gemma: bool = False  # scaled embeddings, norms after the branches too, GeGLU, sliding windows
    window: int = 0
    eps: float = 1e-5


CASES = {
    "llama": Case("llama", neox=False, tied=False),
    "llama3": Case("llama", neox=False, rope_base=500000.0, rope_factors=True),
    "qwen2": Case("qwen2", head_dim=8, feed_forward=96, qkv_bias=True, rope_base=1e6, eps=1e-6),
    "qwen3": Case("qwen3", qk_norm=True, rope_base=1e6, eps=1e-6),
    "gemma3": Case("gemma3", layers=6, heads=2, kv_heads=1, feed_forward=32, qk_norm=True, gemma=True, window=4, rope_base=1e6, eps=1e-6),
}
# With magnitudes (Liu et al., 2024) in adapter and gradients, or with the token embeddings and, where the model has one of
# its own, the output: CASE-VARIANT-*.gguf, of the model CASE.gguf.
VARIANTS = [("llama", "dora"), ("qwen2", "dora"), ("llama", "vocabulary"), ("gemma3", "vocabulary")]
LOCAL_ROPE_BASE, GLOBAL_EVERY = 10000.0, 6  # of gemma3's sliding layers; every sixth layer sees everything


def linear_shapes(c: Case) -> dict[str, tuple[int, int]]:
    """(outputs, inputs) of the linear layers of a block."""
    q, kv = c.heads * c.head_dim, c.kv_heads * c.head_dim
    return {"attn_q": (q, c.hidden), "attn_k": (kv, c.hidden), "attn_v": (kv, c.hidden), "attn_output": (c.hidden, q),
            "ffn_gate": (c.feed_forward, c.hidden), "ffn_up": (c.feed_forward, c.hidden), "ffn_down": (c.hidden, c.feed_forward)}


def random_weights(c: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    matrix = lambda out, inner: rng.standard_normal((out, inner)) / math.sqrt(inner)  # noqa: E731
    norm = lambda size: rng.uniform(0.5, 1.5, size)  # noqa: E731
    w = {"token_embd.weight": rng.standard_normal((VOCABULARY, c.hidden)) * (0.2 if c.tied else 1.0), "output_norm.weight": norm(c.hidden)}
    if not c.tied:
        w["output.weight"] = matrix(VOCABULARY, c.hidden)
    if c.rope_factors:
        w["rope_freqs.weight"] = np.geomspace(1.0, 8.0, c.head_dim // 2)
    for n in range(c.layers):
        b = f"blk.{n}."
        for name, shape in linear_shapes(c).items():
            w[f"{b}{name}.weight"] = matrix(*shape)
            if c.qkv_bias and name in ("attn_q", "attn_k", "attn_v"):
                w[f"{b}{name}.bias"] = rng.standard_normal(shape[0]) * 0.5
        for name in ["attn_norm", "ffn_norm"] + (["post_attention_norm", "post_ffw_norm"] if c.gemma else []):
            w[f"{b}{name}.weight"] = norm(c.hidden)
        for name in ["attn_q_norm", "attn_k_norm"] if c.qk_norm else []:
            w[f"{b}{name}.weight"] = norm(c.head_dim)
    return {name: values.astype(np.float32) for name, values in w.items()}


def random_adapter(c: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    a = {}
    for n in range(c.layers):
        for name, (out, inner) in linear_shapes(c).items():
            a[f"blk.{n}.{name}.weight.lora_a"] = (rng.standard_normal((RANK, inner)) / math.sqrt(inner)).astype(np.float32)
            a[f"blk.{n}.{name}.weight.lora_b"] = (rng.standard_normal((out, RANK)) * 0.1).astype(np.float32)
    return a


def random_vocabulary(c: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """As llama.cpp has it: a row of lora_a for each token that is looked up."""
    a = {"token_embd.weight.lora_a": rng.standard_normal((VOCABULARY, RANK)) * 0.1,
         "token_embd.weight.lora_b": rng.standard_normal((c.hidden, RANK)) * (0.2 if c.tied else 1.0)}
    if not c.tied:
        a |= {"output.weight.lora_a": rng.standard_normal((RANK, c.hidden)) / math.sqrt(c.hidden),
              "output.weight.lora_b": rng.standard_normal((VOCABULARY, RANK)) * 0.1}
    return {name: values.astype(np.float32) for name, values in a.items()}


class Forward:
    """The architectures' forward pass over one sequence, from the published descriptions; `lora` is empty or an adapter."""

    def __init__(self, c: Case, weights: dict, lora: dict):
        self.c, self.w, self.lora = c, weights, lora

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.c.eps) * self.w[name + ".weight"]

    def linear(self, x, name):
        weight = self.w["token_embd.weight" if name == "output" and self.c.tied else name + ".weight"]
        magnitude = self.lora.get(name + ".weight.lora_magnitude")
        if magnitude is not None:  # DoRA, with lengths that gradients take for constants
            weight = weight + (ALPHA / RANK) * self.lora[name + ".weight.lora_b"] @ self.lora[name + ".weight.lora_a"]
            bias = self.w.get(name + ".bias")
            return magnitude / weight.norm(dim=1).detach() * F.linear(x, weight) + (0 if bias is None else bias)
        y = F.linear(x, weight, self.w.get(name + ".bias"))
        if name + ".weight.lora_a" in self.lora:
            y = y + (ALPHA / RANK) * F.linear(F.linear(x, self.lora[name + ".weight.lora_a"]), self.lora[name + ".weight.lora_b"])
        return y

    def rotate(self, x, base):
        half = self.c.head_dim // 2
        frequency = base ** (-torch.arange(half, dtype=x.dtype) / half)
        if self.c.rope_factors:
            frequency = frequency / self.w["rope_freqs.weight"]
        angle = torch.outer(torch.arange(x.shape[1], dtype=x.dtype), frequency)  # x is [heads, tokens, head_dim]
        cos, sin = angle.cos(), angle.sin()
        if self.c.neox:
            a, b = x[..., :half], x[..., half:]
            return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)

    def attention(self, x, n):
        c, b, count = self.c, f"blk.{n}.", x.shape[0]
        local = c.window > 0 and (n + 1) % GLOBAL_EVERY != 0
        q, k, v = (self.linear(x, b + name).view(count, -1, c.head_dim).transpose(0, 1) for name in ("attn_q", "attn_k", "attn_v"))
        if c.qk_norm:
            q, k = self.norm(q, b + "attn_q_norm"), self.norm(k, b + "attn_k_norm")
        base = LOCAL_ROPE_BASE if local else c.rope_base
        q, k = self.rotate(q, base), self.rotate(k, base)
        k, v = (t.repeat_interleave(c.heads // c.kv_heads, 0) for t in (k, v))
        age = torch.arange(count)[:, None] - torch.arange(count)[None, :]
        visible = (age >= 0) & (age < c.window if local else True)
        scores = (q @ k.transpose(1, 2) / math.sqrt(c.head_dim)).masked_fill(~visible, -math.inf)
        return self.linear((scores.softmax(-1) @ v).transpose(0, 1).reshape(count, -1), b + "attn_output")

    def feed_forward(self, x, n):
        b, gate = f"blk.{n}.", self.linear(x, f"blk.{n}.ffn_gate")
        gate = F.gelu(gate, approximate="tanh") if self.c.gemma else F.silu(gate)
        return self.linear(gate * self.linear(x, b + "ffn_up"), b + "ffn_down")

    def logits(self, tokens):
        x = self.w["token_embd.weight"][tokens]
        if "token_embd.weight.lora_a" in self.lora:
            x = x + (ALPHA / RANK) * F.linear(self.lora["token_embd.weight.lora_a"][tokens], self.lora["token_embd.weight.lora_b"])
        x = x * (math.sqrt(self.c.hidden) if self.c.gemma else 1.0)
        after = self.norm if self.c.gemma else lambda branch, name: branch
        for n in range(self.c.layers):
            b = f"blk.{n}."
            x = x + after(self.attention(self.norm(x, b + "attn_norm"), n), b + "post_attention_norm")
            x = x + after(self.feed_forward(self.norm(x, b + "ffn_norm"), n), b + "post_ffw_norm")
        return self.linear(self.norm(x, "output_norm"), "output")


def mean_loss(logits: list, sequences: list, masks: list):
    targets = torch.cat([torch.tensor(s[1:])[torch.tensor(m[1:]) == 1] for s, m in zip(sequences, masks)])
    return F.cross_entropy(torch.cat([row[:-1][torch.tensor(m[1:]) == 1] for row, m in zip(logits, masks)]), targets)


def finish(w: gguf.GGUFWriter, tensors: dict[str, np.ndarray]) -> None:
    for name, values in tensors.items():
        w.add_tensor(name, np.ascontiguousarray(values, dtype=np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_model(path: Path, c: Case, weights: dict[str, np.ndarray]) -> None:
    w = gguf.GGUFWriter(path, c.arch)
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_context_length(CONTEXT)
    w.add_embedding_length(c.hidden)
    w.add_block_count(c.layers)
    w.add_feed_forward_length(c.feed_forward)
    w.add_head_count(c.heads)
    w.add_head_count_kv(c.kv_heads)
    if c.heads * c.head_dim != c.hidden:
        w.add_key_length(c.head_dim)
        w.add_value_length(c.head_dim)
    w.add_rope_dimension_count(c.head_dim)
    w.add_rope_freq_base(c.rope_base)
    w.add_layer_norm_rms_eps(c.eps)
    if c.window:
        w.add_sliding_window(c.window)
    kind = gguf.TokenType
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] + PIECES)
    w.add_token_scores([0.0] * 259 + [-float(i) for i in range(len(PIECES))])
    w.add_token_types([kind.UNKNOWN, kind.CONTROL, kind.CONTROL] + [kind.BYTE] * 256 + [kind.NORMAL] * len(PIECES))
    w.add_unk_token_id(0)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    finish(w, weights)


def write_adapter(path: Path, c: Case, adapter: dict[str, np.ndarray]) -> None:
    w = gguf.GGUFWriter(path, c.arch)
    w.add_type(gguf.GGUFType.ADAPTER)
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", ALPHA)
    finish(w, adapter)


def random_magnitudes(c: Case, weights: dict, rng: np.random.Generator) -> dict[str, np.ndarray]:
    sites = [f"blk.{n}.{name}.weight" for n in range(c.layers) for name in linear_shapes(c)]
    return {f"{site}.lora_magnitude": (np.linalg.norm(weights[site], axis=1) * rng.uniform(0.7, 1.3, len(weights[site]))).astype(np.float32)
            for site in sites}


def make(out: Path, model: str, c: Case, variant: str = "") -> None:
    name = f"{model}-{variant}" if variant else model
    rng = np.random.default_rng(sum(model.encode()))
    weights, adapter = random_weights(c, rng), random_adapter(c, rng)
    sequences = [[1] + rng.integers(3, VOCABULARY, length - 1).tolist() for length in LENGTHS]
    masks = [[0] * prompt + [1] * (length - prompt) for length, prompt in zip(LENGTHS, PROMPTS)]
    if variant == "dora":
        adapter |= random_magnitudes(c, weights, rng)
    if variant == "vocabulary":
        adapter |= random_vocabulary(c, rng)
    fixed = {key: torch.from_numpy(value).double() for key, value in weights.items()}
    lora = {key: torch.from_numpy(value).double().requires_grad_() for key, value in adapter.items()}
    expected = {}
    for prefix, forward in (("base_", Forward(c, fixed, {})), ("", Forward(c, fixed, lora))):
        logits = [forward.logits(torch.tensor(s)) for s in sequences]
        loss = mean_loss(logits, sequences, masks)
        expected |= {f"{prefix}logits.{i}": row.detach().numpy() for i, row in enumerate(logits)}
        expected[prefix + "loss"] = loss.detach().reshape(1).numpy()
    loss.backward()
    expected |= {key + ".grad": value.grad.numpy() for key, value in lora.items()}
    if not variant:
        write_model(out / f"{name}.gguf", c, weights)
    write_adapter(out / f"{name}-adapter.gguf", c, adapter)
    w = gguf.GGUFWriter(out / f"{name}-expected.gguf", c.arch)
    for i, (tokens, mask) in enumerate(zip(sequences, masks)):
        w.add_array(f"tokens.{i}", tokens)
        w.add_array(f"response.{i}", mask)
    finish(w, expected)
    print(f"{name}: loss {expected['base_loss'][0]:.4f} without, {expected['loss'][0]:.4f} with the adapter")


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes tests/golden/gradients/.")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name, case in CASES.items():
        make(args.out, name, case)
    for model, variant in VARIANTS:
        make(args.out, model, CASES[model], variant)


if __name__ == "__main__":
    main()

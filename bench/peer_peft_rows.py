#!/usr/bin/env python3
"""Fine-tunes a Gemma 3 model file with PyTorch and PEFT in f32 over its dequantized weights, as bench/compare_tuning.py asks.

    python bench/peer_peft_rows.py MODEL.gguf ROWS.json [...]      (needs torch, transformers, peft, gguf)

ROWS.json has {"train": [...], "valid": [...], "check": [...]}, each row {"tokens": [ids], "answer": where the answer begins}.
The order of the rows and the first values of the adapter are those of `patina finetune` with the same seed. Prints JSON.
"""

import argparse
import json
import math
import resource
import time
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

MASK64 = 2**64 - 1
GAMMA, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # SplitMix64
IGNORED = -100  # a label without loss
# Our names of a block's tensors, and those of transformers.
LINEAR = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
          "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
NORMS = {"attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
         "post_ffw_norm": "post_feedforward_layernorm", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm"}


def load(path: Path) -> Gemma3ForCausalLM:
    reader = gguf.GGUFReader(path)

    def number(key: str):
        return reader.fields[f"gemma3.{key}"].contents()

    def size(name: str, axis: int) -> int:
        return int(next(t for t in reader.tensors if t.name == name + ".weight").shape[axis])

    layers, head_dim = number("block_count"), size("blk.0.attn_q_norm", 0)
    config = Gemma3TextConfig(
        vocab_size=size("token_embd", 1), hidden_size=number("embedding_length"),
        num_hidden_layers=layers, num_attention_heads=number("attention.head_count"), num_key_value_heads=number("attention.head_count_kv"),
        head_dim=head_dim, query_pre_attn_scalar=head_dim, intermediate_size=number("feed_forward_length"),
        sliding_window=number("attention.sliding_window"), rms_norm_eps=number("attention.layer_norm_rms_epsilon"), tie_word_embeddings=True,
        layer_types=["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(layers)],
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": number("rope.freq_base")},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})
    names = {"token_embd": "embed_tokens", "output_norm": "norm"}
    names |= {f"blk.{i}.{ours}": f"layers.{i}.{theirs}" for i in range(layers) for ours, theirs in (LINEAR | NORMS).items()}
    with torch.device("meta"):
        model = Gemma3ForCausalLM(config)
    state = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        stem = tensor.name.removesuffix(".weight")
        if stem.endswith("norm"):
            values = values - 1  # files hold what norms multiply with, transformers adds the one
        state[f"model.{names[stem]}.weight"] = torch.from_numpy(np.array(values, dtype=np.float32))
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, assign=True)
    model.tie_weights()
    fresh = Gemma3ForCausalLM(Gemma3TextConfig(**{**config.to_dict(), "vocab_size": 8}))  # for what files do not hold: rotations, the scale
    for name, buffer in fresh.named_buffers():
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, buffer)
    return model


class Random:
    def __init__(self, seed: int):
        self.state = seed

    def next(self) -> int:
        self.state = (self.state + GAMMA) & MASK64
        z = self.state
        z = (z ^ (z >> 30)) * FIRST & MASK64
        z = (z ^ (z >> 27)) * SECOND & MASK64
        return z ^ (z >> 31)

    def below(self, bound: int) -> int:
        while (draw := self.next()) < 2**64 % bound:
            pass
        return draw % bound


def epoch_order(count: int, seed: int) -> list[int]:
    order = list(range(count))
    random = Random(Random(seed).next())
    for i in range(count, 1, -1):
        j = random.below(i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def first_values(site: str, shape: tuple[int, int], seed: int) -> torch.Tensor:
    """Uniform in +-1/sqrt(inputs), SplitMix64 from the seed and the FNV-1a hash of the layer's name."""
    hashed = 0xCBF29CE484222325
    for byte in site.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 & MASK64
    z = np.uint64(seed ^ hashed) + np.arange(1, shape[0] * shape[1] + 1, dtype=np.uint64) * np.uint64(GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    z ^= z >> np.uint64(31)
    values = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return torch.from_numpy(values * np.float32(1 / math.sqrt(shape[1]))).reshape(shape)


def with_adapter(model: Gemma3ForCausalLM, args: argparse.Namespace) -> torch.nn.Module:
    tuned = get_peft_model(model, LoraConfig(r=args.rank, lora_alpha=args.alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"))
    for i in range(model.config.num_hidden_layers):
        for ours, theirs in LINEAR.items():
            a = tuned.get_submodule(f"base_model.model.model.layers.{i}.{theirs}.lora_A.default").weight
            a.data.copy_(first_values(f"blk.{i}.{ours}", tuple(a.shape), args.seed))
    return tuned


def padded(rows: list[dict]) -> dict[str, torch.Tensor]:
    length = max(len(row["tokens"]) for row in rows)
    batch = {"input_ids": torch.zeros(len(rows), length, dtype=torch.long), "attention_mask": torch.zeros(len(rows), length, dtype=torch.long),
             "labels": torch.full((len(rows), length), IGNORED)}
    for i, row in enumerate(rows):
        tokens, count = torch.tensor(row["tokens"]), len(row["tokens"])
        batch["input_ids"][i, :count] = tokens
        batch["attention_mask"][i, :count] = 1
        batch["labels"][i, row["answer"]:count] = tokens[row["answer"]:]
    return batch


def response_loss(model: torch.nn.Module, rows: list[dict]) -> float:
    """For each token of an answer, in nats."""
    total, count = 0.0, 0
    with torch.no_grad():
        for row in rows:
            tokens, answer = torch.tensor(row["tokens"]), row["answer"]
            logits = model(input_ids=tokens[None, :-1], logits_to_keep=len(tokens) - answer).logits[0]
            total += F.cross_entropy(logits.float(), tokens[answer:], reduction="sum").item()
            count += len(tokens) - answer
    return total / count


def rate_at(step: int, steps: int, peak: float) -> float:
    warmup = max(1, round(0.03 * steps))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def train(model: torch.nn.Module, rows: list[dict], args: argparse.Namespace) -> list[dict]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=args.rate, weight_decay=0.0)
    order = epoch_order(len(rows), args.seed)
    starts = range(0, len(rows), args.batch)
    records = []
    for step, start in enumerate(starts):
        begin = time.perf_counter()
        chosen = [rows[i] for i in order[start:start + args.batch]]
        loss = model(**padded(chosen)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, len(starts), args.rate)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        records.append({"loss": loss.item(), "tokens": sum(len(row["tokens"]) - 1 for row in chosen), "seconds": time.perf_counter() - begin})
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = json.loads(args.rows.read_text())
    model = load(args.model)
    model.eval()
    result = {"check": response_loss(model, rows["check"])}
    tuned = with_adapter(model, args)
    tuned.train()
    result["steps"] = train(tuned, rows["train"], args)
    tuned.eval()
    result["peak_memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if rows["valid"]:
        result["valid"] = response_loss(tuned, rows["valid"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Times LoRA training with PyTorch and PEFT in f32 on the CPU, on a llama of a real shape with random weights.

    python bench/peer_peft.py [--shape 1.1b] [--tokens 256] [--threads 2] [--steps 3]      (needs torch, transformers, peft)

All linear layers, rank 8, one sequence a step, AdamW. Prints JSON as `patina bench --train` does, with the peak memory.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

SHAPES = {"tiny": (256, 2, 8, 4, 512), "1.1b": (2048, 22, 32, 4, 5632)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="1.1b")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    hidden, layers, heads, kv_heads, feed_forward = SHAPES[args.shape]
    config = LlamaConfig(vocab_size=32000, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                         num_key_value_heads=kv_heads, intermediate_size=feed_forward)
    model = get_peft_model(LlamaForCausalLM(config), LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=2e-4)
    tokens = torch.randint(0, 32000, (1, args.tokens))
    speeds = []
    for _ in range(args.steps + 1):  # the first one warms up
        begin = time.perf_counter()
        model(input_ids=tokens, labels=tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        speeds.append(args.tokens / (time.perf_counter() - begin))
    speeds = speeds[1:]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([{"test": f"train{args.tokens}", "avg_ts": statistics.mean(speeds),
                       "stddev_ts": statistics.stdev(speeds) if len(speeds) > 1 else 0.0,
                       "median_ts": statistics.median(speeds), "peak_memory": peak}]))


if __name__ == "__main__":
    main()

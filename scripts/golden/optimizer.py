#!/usr/bin/env python3
"""Makes tests/golden/train/optimizer.json: what PyTorch's AdamW makes of given gradients.

    python scripts/golden/optimizer.py

Oracle: torch.optim.AdamW with torch.nn.utils.clip_grad_norm_ and a LambdaLR of linear warm-up and cosine decay (torch
2.x). Each run holds the settings, the parameters before, and for each step the gradients, the learning rate, the norm
before clipping and the parameters after the step.
"""
import json
import math
import pathlib

import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/train/optimizer.json"
SIZES = [5, 3]
STEPS = 12
RUNS = [
    {"weight_decay": 0.0, "max_norm": 1.0, "warmup": 3, "minimum": 0.0, "peak": 1e-2},
    {"weight_decay": 0.1, "max_norm": 0.3, "warmup": 0, "minimum": 1e-4, "peak": 3e-3},
]


def rate(run, step):
    if step < run["warmup"]:
        return run["peak"] * (step + 1) / run["warmup"]
    progress = (step - run["warmup"]) / (STEPS - run["warmup"])
    return run["minimum"] + (run["peak"] - run["minimum"]) * 0.5 * (1 + math.cos(math.pi * progress))


def numbers(tensors):
    return [t.detach().tolist() for t in tensors]


def golden(run, generator):
    parameters = [torch.nn.Parameter(torch.randn(n, generator=generator)) for n in SIZES]
    optimizer = torch.optim.AdamW(parameters, lr=1.0, weight_decay=run["weight_decay"])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(run, step))
    result = dict(run, before=numbers(parameters), steps=[])
    for step in range(STEPS):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator) * 10 ** (step % 4 - 2)
        gradients = numbers([p.grad for p in parameters])
        norm = torch.nn.utils.clip_grad_norm_(parameters, run["max_norm"]).item()
        learning_rate = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        result["steps"].append({"gradients": gradients, "norm": norm, "learning_rate": learning_rate,
                                "after": numbers(parameters)})
    return result


def main():
    generator = torch.Generator().manual_seed(1)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([golden(run, generator) for run in RUNS], indent=0) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes tests/golden/train/optimizer.json: what other trainers make of given gradients, and of given schedules.

    python scripts/golden/optimizer.py

Oracles: torch.optim.AdamW and SGD with torch.nn.utils.clip_grad_norm_, torch.optim.swa_utils.AveragedModel (torch
2.15.0); bitsandbytes' AdamW8bit and its block-wise quantization (bitsandbytes 0.50.2, on the CPU); the learning rates
of transformers.optimization (transformers 5.24.0); and Lion, which none of these has, in the lines of its paper (Chen
et al., 2023, "Symbolic discovery of optimization algorithms", algorithm 2).

Each run holds the settings, the parameters before, and for each step the gradients, the norm before clipping and the
parameters after the step.
"""
import json
import pathlib

import bitsandbytes
import torch
from transformers import optimization

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/train/optimizer.json"
STEPS = 8
RUNS = [
    {"optimizer": "adamw", "rate": 1e-2, "weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "max_norm": 1.0},
    {"optimizer": "adamw", "rate": 3e-3, "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95, "max_norm": 0.3},
    {"optimizer": "sgd", "rate": 1e-2, "weight_decay": 0.1, "beta1": 0.9, "max_norm": 1.0},
    {"optimizer": "lion", "rate": 1e-3, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.99, "max_norm": 1.0},
    {"optimizer": "adamw8bit", "rate": 1e-2, "weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "max_norm": 1.0},
]


class Lion(torch.optim.Optimizer):
    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                beta1, beta2 = group["betas"]
                c = beta1 * m + (1 - beta1) * w.grad
                w -= group["lr"] * (torch.sign(c) + group["weight_decay"] * w)
                m.copy_(beta2 * m + (1 - beta2) * w.grad)


def make(run, parameters):
    shared = {"lr": run["rate"], "weight_decay": run["weight_decay"]}
    if run["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, momentum=run["beta1"], **shared)
    betas = (run["beta1"], run["beta2"])
    if run["optimizer"] == "lion":
        return Lion(parameters, betas=betas, **shared)
    if run["optimizer"] == "adamw8bit":
        return bitsandbytes.optim.AdamW8bit(parameters, betas=betas, min_8bit_size=1, **shared)
    return torch.optim.AdamW(parameters, betas=betas, **shared)


def short(tensor):
    """As many digits as tell f32 apart."""
    return [float(f"{number:.9g}") for number in tensor.detach().tolist()]


def numbers(tensors):
    return [short(t) for t in tensors]


def averaged(parameters, decay):
    holder = torch.nn.ParameterList(parameters)
    average = lambda old, new, count: torch.lerp(old, new, 1 - min(decay, (1 + int(count)) / (10 + int(count))))
    model = torch.optim.swa_utils.AveragedModel(holder, avg_fn=average)
    model.update_parameters(holder)  # the first update copies
    return holder, model


def golden_run(run, generator):
    sizes = [260, 3] if run["optimizer"] == "adamw8bit" else [5, 3]
    parameters = [torch.nn.Parameter(torch.randn(n, generator=generator)) for n in sizes]
    optimizer = make(run, parameters)
    holder, average = averaged(parameters, 0.5)
    result = dict(run, average_decay=0.5, before=numbers(parameters), steps=[])
    for step in range(STEPS):
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape, generator=generator) * 10 ** (step % 4 - 2)
        gradients = numbers([p.grad for p in parameters])
        norm = torch.nn.utils.clip_grad_norm_(parameters, run["max_norm"]).item()
        optimizer.step()
        average.update_parameters(holder)
        result["steps"].append({"gradients": gradients, "norm": norm, "after": numbers(parameters),
                                "average": numbers(average.module)})
    return result


def golden_quantizer(signed, generator):
    values = torch.randn(300, generator=generator) * 10 ** torch.linspace(-4, 1, 300)
    values = values if signed else values.abs()
    code = bitsandbytes.functional.create_dynamic_map(signed)
    quantized, state = bitsandbytes.functional.quantize_blockwise(values, code=code, blocksize=256)
    back = bitsandbytes.functional.dequantize_blockwise(quantized, state)
    return {"signed": signed, "table": short(code), "values": short(values), "codes": quantized.tolist(),
            "largest": short(state.absmax), "back": short(back)}


def golden_schedule(name, minimum, warmup, steps, make_schedule):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make_schedule(optimizer)
    shares = []
    for _ in range(steps):
        shares.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    # Transformers warms up from a rate of 0, patina from that of the second step.
    shares = shares[1:warmup + 1] + shares[warmup:] if warmup > 0 else shares
    peak = 0.02
    return {"schedule": name, "peak": peak, "minimum": minimum, "warmup": warmup, "steps": steps, "cycles": 3,
            "decay_share": 0.25,
            "rates": [share * peak if i < warmup else minimum + (peak - minimum) * share
                      for i, share in enumerate(shares)]}


def golden_schedules():
    o = optimization
    n, w = 40, 5
    return [
        golden_schedule("constant", 0.0, w, n, lambda x: o.get_constant_schedule_with_warmup(x, w)),
        golden_schedule("linear", 0.001, w, n, lambda x: o.get_linear_schedule_with_warmup(x, w, n)),
        golden_schedule("cosine", 0.001, w, n, lambda x: o.get_cosine_schedule_with_warmup(x, w, n)),
        golden_schedule("cosine", 0.0, 0, n, lambda x: o.get_cosine_schedule_with_warmup(x, 0, n)),
        golden_schedule("cosine-restarts", 0.001, w, n,
                        lambda x: o.get_cosine_with_hard_restarts_schedule_with_warmup(x, w, n, 3)),
        golden_schedule("wsd", 0.001, w, n,
                        lambda x: o.get_wsd_schedule(x, w, 10, num_stable_steps=n - w - 10, decay_type="linear")),
    ]


def main():
    generator = torch.Generator().manual_seed(1)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    golden = {"runs": [golden_run(run, generator) for run in RUNS],
              "quantizers": [golden_quantizer(signed, generator) for signed in (True, False)],
              "schedules": golden_schedules()}
    OUT.write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

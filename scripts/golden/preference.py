#!/usr/bin/env python3
"""Makes tests/golden/train/preference.json: losses of preferences and their derivatives by both answers' log p.

DPO is the sigmoid loss of TRL's DPOTrainer, ORPO the odds ratio loss of its ORPOTrainer, both in f64 with torch's
autograd:
    python scripts/golden/preference.py        (needs torch)
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[2] / "tests/golden/train/preference.json"
# log p of the chosen and the rejected answer, their tokens, and the same log p under the reference
PAIRS = [(-3.0, -4.0, 5, 6, -3.5, -3.8), (-40.0, -22.0, 31, 9, -35.0, -30.0), (-0.001, -900.0, 3, 200, -12.0, -11.0),
         (-700.0, -1.5, 300, 2, -20.0, -80.0), (-2.0, -2.0, 4, 4, -2.0, -2.0)]


def dpo(chosen, rejected, pair, beta):
    margin = beta * ((chosen - pair[4]) - (rejected - pair[5]))
    return -F.logsigmoid(margin), margin


def orpo(chosen, rejected, pair, beta):
    c, r = chosen / pair[2], rejected / pair[3]
    log_odds = (c - r) - (torch.log1p(-torch.exp(c)) - torch.log1p(-torch.exp(r)))
    return -beta * F.logsigmoid(log_odds), beta * (c - r)


def main() -> None:
    records = []
    for name, loss_of in (("dpo", dpo), ("orpo", orpo)):
        for beta in (0.1, 0.5):
            for pair in PAIRS:
                chosen, rejected = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in pair[:2])
                loss, margin = loss_of(chosen, rejected, pair, beta)
                loss.backward()
                records.append({"objective": name, "beta": beta, "pair": pair, "loss": loss.item(), "margin": margin.item(),
                                "by_chosen": chosen.grad.item(), "by_rejected": rejected.grad.item()})
    OUT.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()

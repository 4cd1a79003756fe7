"""Muon: momentum whose update is made orthogonal, for the matrices between the layers."""

import torch


def orthogonal(x: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """About U V^T of each matrix U S V^T in a stack [matrices, rows <= columns, columns], by Newton and Schulz's iteration."""
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(iterations):
        square = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x


class Muon(torch.optim.Optimizer):
    """Matrices of one shape (or its transpose) are made orthogonal together, in f32."""

    def __init__(self, matrices, lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            stacks: dict[tuple, list] = {}
            for p in group["params"]:
                moving = self.state[p].setdefault("moving", torch.zeros_like(p))
                moving.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(moving, group["momentum"])
                stacks.setdefault(tuple(sorted(p.shape)), []).append((p, update if p.shape[0] <= p.shape[1] else update.T))
            for members in stacks.values():
                for (p, _), update in zip(members, orthogonal(torch.stack([update for _, update in members]))):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    tall = p.shape[0] > p.shape[1]
                    p.add_(update.T if tall else update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)

"""The llama architecture at a small size, in PyTorch: RMS norm, interleaved rotary positions, SwiGLU."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """What a GGJT v3 file can say too: n_head key-value heads, n_ff = 8/3 n_embd rounded up to a multiple of n_mult."""

    n_vocab: int = 3072
    n_embd: int = 192
    n_layer: int = 3
    n_head: int = 6
    n_mult: int = 256
    n_ctx: int = 512
    rope_base: float = 10000.0
    rms_eps: float = 5e-6  # the constant of the GGJT v3 readers of August 2023

    @property
    def n_ff(self) -> int:
        return (2 * (4 * self.n_embd) // 3 + self.n_mult - 1) // self.n_mult * self.n_mult

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head


class Norm(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(shape.n_embd)), shape.rms_eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rotate(x, cos, sin):
    """Turns each neighbouring pair (2i, 2i+1) of a head by its position's angle; x is [batch, head, time, head_dim]."""
    even, odd = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(x.dtype)


class Block(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.shape = s
        self.attn_norm, self.ffn_norm = Norm(s), Norm(s)
        self.attn_q, self.attn_k, self.attn_v, self.attn_output = (nn.Linear(s.n_embd, s.n_embd, bias=False) for _ in range(4))
        self.ffn_gate, self.ffn_up = (nn.Linear(s.n_embd, s.n_ff, bias=False) for _ in range(2))
        self.ffn_down = nn.Linear(s.n_ff, s.n_embd, bias=False)

    def forward(self, x, cos, sin, visible):
        batch, time, width = x.shape
        h = self.attn_norm(x)
        q, k, v = (f(h).view(batch, time, self.shape.n_head, -1).transpose(1, 2) for f in (self.attn_q, self.attn_k, self.attn_v))
        a = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, attn_mask=visible, is_causal=visible is None)
        x = x + self.attn_output(a.transpose(1, 2).reshape(batch, time, width))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Llama(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.output_norm = Norm(shape)
        self.output = nn.Linear(shape.n_embd, shape.n_vocab, bias=False)
        self.output.weight = self.token_embd.weight  # one matrix while training learns faster; the file holds it twice
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(p, std=0.02 if name.startswith("token_embd") else p.shape[1] ** -0.5 * (0.2 if deep else 0.7))
        angle = torch.outer(torch.arange(shape.n_ctx).float(), shape.rope_base ** (-torch.arange(0, shape.head_dim, 2).float() / shape.head_dim))
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def hidden(self, tokens, visible=None):
        """`visible` says which tokens see which; otherwise each sees all before it."""
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]], visible)
        return self.output_norm(x)

    @torch.no_grad()
    def greedy(self, prompts: list[list[int]], end: int, limit: int = 48) -> list[list[int]]:
        """Continues every prompt with its likeliest tokens until `end`; the rows are padded on the right."""
        rows, done = [list(p) for p in prompts], [False] * len(prompts)
        for _ in range(limit):
            tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
            for i, row in enumerate(rows):
                tokens[i, : len(row)] = torch.tensor(row)
            last = torch.tensor([len(row) - 1 for row in rows])
            best = self.output(self.hidden(tokens)[torch.arange(len(rows)), last]).argmax(-1)
            for i, token in enumerate(best.tolist()):
                done[i] = done[i] or token == end
                if not done[i]:
                    rows[i].append(token)
            if all(done):
                break
        return [row[len(p):] for row, p in zip(rows, prompts)]

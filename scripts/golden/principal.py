#!/usr/bin/env python3
"""Makes tests/golden/adapter/principal.json: how PEFT begins adapters with a part of the base's matrices.

    python scripts/golden/principal.py

Oracle: peft 0.21.2 with torch 2.15.0, init_lora_weights="pissa" and "olora", on matrices of
tests/golden/gradients/llama.gguf (made first, by gradients.py). For each matrix the product that is taken away from the
base, scale * B @ A, and the length of what is left of the matrix.
"""
import json
import pathlib

import peft
import torch
from gguf import GGUFReader, dequantize

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests/golden"
RANK, ALPHA = 4, 8


class Layer(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        self.layer.weight.data = weight


def golden(tensor, init):
    weight = torch.tensor(dequantize(tensor.data, tensor.tensor_type)).clone()
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["layer"], init_lora_weights=init)
    layer = peft.get_peft_model(Layer(weight.clone()), config).base_model.model.layer
    product = layer.get_delta_weight("default").detach()
    left = layer.base_layer.weight.detach()
    assert torch.allclose(left + product, weight, atol=1e-5)
    return {"site": tensor.name.removesuffix(".weight"), "init": init, "rank": RANK, "alpha": ALPHA,
            "product": [float(f"{x:.6g}") for x in product.flatten().tolist()], "left": left.norm().item()}


def main():
    torch.manual_seed(1)
    tensors = {t.name: t for t in GGUFReader(GOLDEN / "gradients/llama.gguf").tensors}
    names = ["blk.0.attn_k.weight", "blk.1.ffn_down.weight"]
    cases = [golden(tensors[name], init) for name in names for init in ("pissa", "olora")]
    (GOLDEN / "adapter/principal.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

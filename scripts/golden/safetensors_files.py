"""Makes the files of tests/golden/safetensors with the Python package safetensors.

Usage: python3 scripts/golden/safetensors_files.py [FOLDER]     (packages: numpy, torch, safetensors 0.8.0)

typed.safetensors    a tensor of every type that patina reads, with metadata
scalar.safetensors   a number without dimensions
f64.safetensors      a type that it refuses
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file


def tensors():
    """k / 8, exact in every type."""
    def numbers(*shape):
        count = torch.Size(shape).numel()
        return (torch.arange(count, dtype=torch.float32) - count // 2).reshape(shape) / 8

    return {
        "b.matrix": numbers(3, 5),
        "a.matrix": numbers(4, 2),
        "half": numbers(2, 3, 4).half(),
        "brain": numbers(7).bfloat16(),
        "with \"quotes\" and 鱼": numbers(1, 2),
    }


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/safetensors")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(), folder / "typed.safetensors", {"format": "pt"})
    save_file({"scalar": torch.tensor(0.625)}, folder / "scalar.safetensors")
    save_file({"wide": tensors()["b.matrix"].double()}, folder / "f64.safetensors")


if __name__ == "__main__":
    main()

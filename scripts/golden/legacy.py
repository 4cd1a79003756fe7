"""Makes tests/golden/legacy: a small GGJT v3 model in each of its tensor types, an adapter in the ggla form of that time, and
what the last reader of both makes of them.

Usage: python3 scripts/golden/legacy.py LEGACY_PYTHON [FOLDER]     (packages: numpy, gguf)

LEGACY_PYTHON is an interpreter that has llama-cpp-python 0.1.78. logits.json: {"tokens": [...], TYPE: [logits after the last token]},
with "adapter" for F32.bin with adapter.bin laid over it. newer.bin holds the same adapter under the names of GGUF, with A in f16.
"""

import importlib.util
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TOKENS = [1, 261, 262, 13, 69]
ASK = """
import json, sys
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=64, n_threads=1, logits_all=True, verbose=False, lora_path=(sys.argv[3:] or [None])[0])
model.eval(json.loads(sys.argv[2]))
print(json.dumps([float(x) for x in model.eval_logits[-1]]))
"""


def io_script():
    spec = importlib.util.spec_from_file_location("golden_io", HERE / "io.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RANK, ALPHA = 4, 6
LAYERS = {"attention.wq": ("attn_q", 32, 32), "attention.wk": ("attn_k", 32, 32), "attention.wv": ("attn_v", 32, 32),
          "attention.wo": ("attn_output", 32, 32), "feed_forward.w1": ("ffn_gate", 32, 96),
          "feed_forward.w2": ("ffn_down", 96, 32), "feed_forward.w3": ("ffn_up", 32, 96)}


def write_adapter(path, name_of, type_of_a):
    """The form as llama.cpp's convert-lora-to-ggml.py had it: A transposed. At first all was f32."""
    rng = np.random.default_rng(3)
    with path.open("wb") as out:
        out.write(b"algg" + struct.pack("<iii", 1, RANK, ALPHA))
        for old, (new, n_in, n_out) in LAYERS.items():
            for half, rows, dtype in (("A", n_in, type_of_a), ("B", n_out, np.float32)):
                data = (rng.standard_normal((rows, RANK)) * 0.1).astype(dtype)
                name = f"{name_of(old, new)}.weight.lora{half}".encode()
                out.write(struct.pack("<iii", 2, len(name), 0 if dtype == np.float32 else 1) + struct.pack("<ii", RANK, rows) + name)
                out.write(bytes(-out.tell() % 32) + data.tobytes())


def ask(python, *arguments):
    done = subprocess.run([python, "-c", ASK, *arguments], check=True, capture_output=True, text=True)
    return [round(x, 6) for x in json.loads(done.stdout.splitlines()[-1])]


def main():
    python = sys.argv[1]
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else HERE.parents[1] / "tests/golden/legacy")
    folder.mkdir(parents=True, exist_ok=True)
    golden_io = io_script()
    logits = {"tokens": TOKENS}
    for kind in golden_io.WEIGHT_TYPES[:]:
        count = len(golden_io.WEIGHT_TYPES)
        golden_io.WEIGHT_TYPES = [kind] * count
        path = folder / f"{kind.name}.bin"
        golden_io.tiny_bin(path)
        logits[kind.name] = ask(python, path, json.dumps(TOKENS))
    write_adapter(folder / "adapter.bin", lambda old, new: f"layers.0.{old}", np.float32)
    write_adapter(folder / "newer.bin", lambda old, new: f"blk.0.{new}", np.float16)
    logits["adapter"] = ask(python, folder / "F32.bin", json.dumps(TOKENS), folder / "adapter.bin")
    (folder / "logits.json").write_text(json.dumps(logits) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

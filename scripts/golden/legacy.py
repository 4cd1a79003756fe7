"""Makes tests/golden/legacy: a small GGJT v3 model in each of its tensor types, and what the last reader of that form makes of it.

Usage: python3 scripts/golden/legacy.py LEGACY_PYTHON [FOLDER]     (packages: numpy, gguf)

LEGACY_PYTHON is an interpreter that has llama-cpp-python 0.1.78. logits.json: {"tokens": [...], TYPE: [logits after the last token]}.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TOKENS = [1, 261, 262, 13, 69]
ASK = """
import json, sys
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=64, n_threads=1, logits_all=True, verbose=False)
model.eval(json.loads(sys.argv[2]))
print(json.dumps([float(x) for x in model.eval_logits[-1]]))
"""


def io_script():
    spec = importlib.util.spec_from_file_location("golden_io", HERE / "io.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        done = subprocess.run([python, "-c", ASK, path, json.dumps(TOKENS)], check=True, capture_output=True, text=True)
        logits[kind.name] = [round(x, 6) for x in json.loads(done.stdout.splitlines()[-1])]
    (folder / "logits.json").write_text(json.dumps(logits) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

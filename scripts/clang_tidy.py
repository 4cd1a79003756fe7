#!/usr/bin/env python3
"""Runs clang-tidy over every file of a build folder's compile commands, several at once.

usage: clang_tidy.py BUILD [--analyze] [-j JOBS] [PATTERN]

Most of the time goes into the headers, so files of one folder are looked at together, as one text that includes them
all; where names clash in that, the files are divided. The static analyzer (clang-analyzer-*), which is slow, runs with
--analyze only, on each file alone. A file that was found clean is not looked at again until its text, a header of the
project that it includes, its command, the settings or the tool change: the names of clean states are kept in the
user's cache folder, for every clone. PATTERN (a regular expression) restricts the files.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

TOOL = "clang-tidy-19"
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patina-clang-tidy"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FILES_AT_ONCE = 8


def flags_of(entry: dict) -> list[str]:
    """What the compiler is told of the language, headers and warnings; not what is compiled, and where to."""
    words = shlex.split(entry["command"])
    flags = [word for word in words if re.match(r"-[IDmfWs]", word) and not word.startswith("-fsanitize")]
    for i, word in enumerate(words):
        if word == "-isystem":
            flags += words[i : i + 2]
    return flags


def project_files(source: Path, bases: list[Path]) -> list[Path]:
    """The file and every file of the project that it includes, directly or not."""
    found, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        for name in INCLUDE.findall(path.read_bytes()):
            candidates = [(base / name.decode()).resolve() for base in [path.parent, *bases]]
            todo += [candidate for candidate in candidates if candidate.is_file()][:1]
    return sorted(found)


class Source:
    def __init__(self, entry: dict, settings: bytes):
        self.path = Path(entry["file"])
        self.flags = flags_of(entry)
        # Names all that decides what clang-tidy says of the file, wherever the clone lies.
        digest = hashlib.sha256(settings + " ".join(self.flags).replace(str(ROOT), "ROOT").encode())
        bases = [Path(f[2:]) for f in self.flags if f.startswith("-I")]
        for path in project_files(self.path, bases):
            digest.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
            digest.update(path.read_bytes())
        self.clean_mark = CACHE / digest.hexdigest()


def batches_of(sources: list[Source], size: int) -> list[list[Source]]:
    groups: dict[tuple, list[Source]] = {}
    for source in sources:
        groups.setdefault((source.path.parent, *source.flags), []).append(source)
    return [group[i : i + size] for group in groups.values() for i in range(0, len(group), size)]


def tidy(batch: list[Source], folder: Path, checks: str) -> str:
    """What clang-tidy has to say of the files; nothing if they are clean."""
    begin = time.monotonic()
    if len(batch) == 1:
        text = batch[0].path
    else:
        text = folder / f"{batch[0].clean_mark.name}-{len(batch)}.cc"
        text.write_text("".join(f'#include "{source.path}"\n' for source in batch))
    command = [TOOL, "--quiet", f"--config-file={ROOT}/.clang-tidy", f"--checks={checks}", str(text)]
    command.append(f"--header-filter=^{re.escape(str(ROOT))}/(src|apps|include|tests|bench|fuzz)/")
    run = subprocess.run([*command, "--", *batch[0].flags], capture_output=True, text=True)
    if "clang-diagnostic" in run.stdout and len(batch) > 1:
        half = len(batch) // 2
        return tidy(batch[:half], folder, checks) + tidy(batch[half:], folder, checks)
    clean = run.returncode == 0 and "warning:" not in run.stdout
    names = " ".join(str(source.path.relative_to(ROOT)) for source in batch)
    print(f"{'clean' if clean else 'FOUND'} {time.monotonic() - begin:5.1f} s  {names}", flush=True)
    if clean:
        for source in batch:
            source.clean_mark.touch()
        return ""
    return run.stdout + ("" if "warning:" in run.stdout or "error:" in run.stdout else run.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--analyze", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()

    CACHE.mkdir(parents=True, exist_ok=True)
    folder = args.build.resolve() / "clang-tidy"
    folder.mkdir(exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout
    checks = "" if args.analyze else "-clang-analyzer-*,-bugprone-suspicious-include"
    settings = version + (ROOT / ".clang-tidy").read_bytes() + checks.encode()
    entries = json.loads((args.build / "compile_commands.json").read_text())
    entries = [e for e in entries if Path(e["file"]).is_relative_to(ROOT) and re.search(args.pattern, e["file"])]
    sources = [Source(entry, settings) for entry in entries]
    todo = [source for source in sources if not source.clean_mark.exists()]
    print(f"{len(sources)} files, {len(todo)} of them new or changed", flush=True)

    batches = batches_of(todo, 1 if args.analyze else FILES_AT_ONCE)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        found = [said for said in pool.map(lambda batch: tidy(batch, folder, checks), batches) if said]
    print("\n".join(found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

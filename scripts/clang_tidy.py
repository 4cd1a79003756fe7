#!/usr/bin/env python3
"""Runs clang-tidy over every file of a build folder's compile commands, several at once.

usage: clang_tidy.py BUILD [-j JOBS] [PATTERN]

A file that was found clean is not looked at again until its text, a header of the project that it includes, its
command, the settings or the tool change: the names of clean states are kept in the user's cache folder, for every
clone. PATTERN (a regular expression) restricts the files.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TOOL = "clang-tidy-19"
ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "patina-clang-tidy"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def project_files(source: Path, bases: list[Path]) -> list[Path]:
    """The file and every file of the project that it includes, directly or not."""
    found, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        for name in INCLUDE.findall(path.read_bytes()):
            for base in [path.parent, *bases]:
                candidate = (base / name.decode()).resolve()
                if candidate.is_file():
                    todo.append(candidate)
                    break
    return sorted(found)


def state_of(entry: dict, settings: bytes) -> str:
    """Names all that decides what clang-tidy says of the entry's file, wherever the clone lies."""
    build = entry["directory"]
    bases = [Path(b) for b in re.findall(r"-I(\S+)", entry["command"]) if Path(b).is_relative_to(ROOT)]
    command = entry["command"].replace(build, "BUILD").replace(str(ROOT), "ROOT")
    digest = hashlib.sha256(settings + command.encode())
    for path in project_files(Path(entry["file"]), bases):
        digest.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tidy(entry: dict, build: Path) -> tuple[str, float]:
    """What clang-tidy has to say of the file (nothing if it is clean), and the seconds that took."""
    begin = time.monotonic()
    run = subprocess.run([TOOL, "-p", build, "--quiet", entry["file"]], capture_output=True, text=True)
    said = run.stdout + (run.stderr if run.returncode else "")
    return (said if run.returncode or "warning:" in said else ""), time.monotonic() - begin


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()

    CACHE.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TOOL, "--version"], capture_output=True, check=True).stdout
    settings = version + (ROOT / ".clang-tidy").read_bytes()
    entries = json.loads((args.build / "compile_commands.json").read_text())
    entries = [e for e in entries if Path(e["file"]).is_relative_to(ROOT) and re.search(args.pattern, e["file"])]
    states = {e["file"]: state_of(e, settings) for e in entries}
    todo = [e for e in entries if not (CACHE / states[e["file"]]).exists()]
    print(f"{len(entries)} files, {len(todo)} of them new or changed", flush=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = {pool.submit(tidy, entry, args.build): entry for entry in todo}
        for run in concurrent.futures.as_completed(runs):
            path, (said, seconds) = runs[run]["file"], run.result()
            print(f"{'FOUND' if said else 'clean'} {seconds:5.1f} s  {Path(path).relative_to(ROOT)}", flush=True)
            if said:
                failed += 1
                print(said, flush=True)
            else:
                (CACHE / states[path]).touch()
    if failed:
        print(f"clang-tidy has found something in {failed} of {len(entries)} files")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

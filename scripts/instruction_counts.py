#!/usr/bin/env python3
"""Counts the instructions of operations on small shapes, which time on a busy machine cannot tell, and holds them
against a table.

usage: instruction_counts.py check|renew PROGRAM      PROGRAM: build/test/tests/instructions/count_instructions

check: the exit code is 1 where an operation takes over 5 % more than the table says, and 77 (skipped) where counts
cannot be compared: no valgrind, no AVX2, another compiler. renew: writes the table anew, after a change that is meant.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "tests/instructions/avx2.txt"
TOLERANCE = 0.05
SKIPPED = 77
HEADING = "# Instructions of one run, counted by callgrind at the avx2 level; written by scripts/instruction_counts.py renew.\n"


def skip(why: str):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def read_dump(text: str) -> tuple[str, int]:
    """What a dump of callgrind counted: its name and the instructions."""
    name = re.search(r"^desc: Trigger: Client Request: (.+)$", text, re.MULTILINE)
    total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    return name.group(1), int(total.group(1))


def count(program: str) -> dict[str, int]:
    if shutil.which("valgrind") is None:
        skip("instructions are counted by valgrind; install it with  apt-get install valgrind")
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/out", program]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode == SKIPPED:
            skip(run.stdout.strip())
        if run.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
        # The dump at the end of the program, which has no number, is empty.
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        return dict(read_dump(path.read_text()) for path in dumps)


def read_table() -> tuple[str, dict[str, int]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    counts = (line.split() for line in lines[1:])
    return lines[0].removeprefix("compiler "), {name: int(number) for name, number in counts}


def problems_of(expected: dict[str, int], counted: dict[str, int]) -> list[str]:
    """A sentence for each operation that takes too many instructions, or that only one side knows."""
    problems = [f"{name}: in the table only" for name in expected if name not in counted]
    for name, number in counted.items():
        if name not in expected:
            problems.append(f"{name}: not in the table")
        elif number > expected[name] * (1 + TOLERANCE):
            problems.append(f"{name}: {number} instructions, {number / expected[name] - 1:+.1%} against {expected[name]}")
    return problems


def check(program: str, compiler: str) -> int:
    expected_compiler, expected = read_table()
    if compiler != expected_compiler:
        skip(f"the counts of the table are those of {expected_compiler}, this is {compiler}")
    problems = problems_of(expected, count(program))
    if not problems:
        print(f"{len(expected)} operations take the instructions of the table, or fewer, within {TOLERANCE:.0%}")
        return 0
    print("\n".join(problems))
    print(f"If that is meant, run  scripts/instruction_counts.py renew {program}")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["check", "renew"])
    parser.add_argument("program")
    args = parser.parse_args()
    compiler = subprocess.run([args.program, "--compiler"], capture_output=True, text=True, check=True).stdout.strip()
    if args.action == "check":
        return check(args.program, compiler)
    lines = [f"{name} {number}\n" for name, number in count(args.program).items()]
    TABLE.write_text(f"{HEADING}compiler {compiler}\n{''.join(lines)}")
    print(f"wrote {TABLE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

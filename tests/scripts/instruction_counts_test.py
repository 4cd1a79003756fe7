#!/usr/bin/env python3
"""Tests scripts/instruction_counts.py on made-up counts."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import instruction_counts

DUMP = """# callgrind format
version: 1
desc: I1 cache:
desc: Timerange: Basic block 0 - 6571
desc: Trigger: Client Request: product/Q4_0/1
events: Ir
summary: 24819

fn=(1) main
1 24819

totals: 24819
"""


class InstructionCounts(unittest.TestCase):
    def test_a_dump_is_known_by_its_name(self):
        self.assertEqual(instruction_counts.read_dump(DUMP), ("product/Q4_0/1", 24819))

    def test_only_more_than_a_twentieth_too_many_is_a_problem(self):
        self.assertEqual(instruction_counts.problems_of({"a": 1000, "b": 1000}, {"a": 1050, "b": 10}), [])
        self.assertEqual(instruction_counts.problems_of({"a": 1000}, {"a": 1051}),
                         ["a: 1051 instructions, +5.1% against 1000"])

    def test_both_sides_know_the_same_operations(self):
        self.assertEqual(instruction_counts.problems_of({"a": 1}, {"b": 1}), ["a: in the table only", "b: not in the table"])

    def test_the_table_is_whole(self):
        compiler, counts = instruction_counts.read_table()
        self.assertTrue(compiler)
        self.assertTrue(counts)
        self.assertTrue(all(number > 0 for number in counts.values()))


if __name__ == "__main__":
    unittest.main()

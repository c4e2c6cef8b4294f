#!/usr/bin/env python3
"""Tests of the ratchet on counts that are made up: what fails, what is told, what an update writes."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import ratchet

_UPDATE = "bazel run -c opt //bench:ratchet -- --update --reason="


def figures(instructions=1000.0, allocations=2.0, size=100.0):
    return {"instructions": instructions, "allocations": allocations, "bytes": size}


def entry(reason="as it was", **counted):
    return dict(figures(**counted), reason=reason)


class RatchetTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "baseline.json")

    def write(self, baseline):
        with open(self.path, "w") as file:
            json.dump(baseline, file)

    def read(self):
        with open(self.path) as file:
            return json.load(file)

    def run_with(self, counts, *flags):
        """Returns (exit code, standard output, standard error). `counts` may be an exception."""
        def counter():
            if isinstance(counts, Exception):
                raise counts
            return counts

        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = ratchet.main(list(flags), counter, self.path)
            except SystemExit as end:
                code = end.code
        return code, output.getvalue(), errors.getvalue()

    def check(self, baseline, counts, *flags):
        self.write(baseline)
        return self.run_with(counts, *flags)

    def test_within_five_percent_either_way_is_as_it_was(self):
        for instructions in (950, 1000, 1050):
            code, output, errors = self.check({"a": entry()}, {"a": figures(instructions=instructions)})
            self.assertEqual((code, errors), (0, ""))
            self.assertNotIn("GROWN", output)

    def test_each_figure_that_grows_by_more_fails_and_is_named(self):
        for figure, grown in (("instructions", figures(instructions=1051)), ("allocations", figures(allocations=2.2)),
                              ("bytes", figures(size=106))):
            code, output, errors = self.check({"a": entry(), "b": entry()}, {"a": figures(), "b": grown})
            self.assertEqual(code, 1)
            self.assertIn(_UPDATE, errors)
            self.assertEqual([figure in line for line in output.splitlines() if "GROWN" in line], [True])

    def test_the_table_has_both_figures_and_the_change(self):
        _, output, _ = self.check({"a": entry()}, {"a": figures(instructions=2500, allocations=1)})
        self.assertEqual([line.split() for line in output.splitlines()], [
            ["part", "an", "operation", "now", "baseline", "change"],
            ["a", "instructions", "2,500.00", "1,000.00", "+150.0", "%", "GROWN"],
            ["allocations", "1.00", "2.00", "-50.0", "%", "shrunk"],
            ["bytes", "100.00", "100.00", "+0.0", "%"],
        ])

    def test_growth_from_nothing_fails(self):
        code, _, _ = self.check({"a": entry(allocations=0)}, {"a": figures(allocations=1)})
        self.assertEqual(code, 1)

    def test_a_step_of_what_is_rare_is_no_growth(self):
        code, _, _ = self.check({"a": entry(allocations=0.01)}, {"a": figures(allocations=0.02)})
        self.assertEqual(code, 0)

    def test_what_shrinks_is_told_and_fails_nothing(self):
        code, output, errors = self.check({"a": entry()}, {"a": figures(instructions=900)})
        self.assertEqual(code, 0)
        self.assertIn("shrunk", output)
        self.assertIn(_UPDATE, errors)

    def test_a_part_that_only_one_side_has_fails(self):
        self.assertEqual(self.check({}, {"a": figures()})[0], 1)
        self.assertEqual(self.check({"a": entry(), "b": entry()}, {"a": figures()})[0], 1)

    def test_update_writes_what_moved_with_its_reason_and_nothing_else(self):
        baseline = {"still": entry(), "grown": entry(), "gone": entry()}
        counts = {"still": figures(instructions=1040), "grown": figures(size=200), "new": figures()}
        code, _, _ = self.check(baseline, counts, "--update", "--reason= it keeps a copy ")
        self.assertEqual(code, 0)
        self.assertEqual(self.read(), {"still": entry(), "grown": entry("it keeps a copy", size=200),
                                       "new": entry("it keeps a copy")})
        self.assertEqual(self.run_with(counts)[0], 0)

    def test_update_of_nothing_leaves_the_file(self):
        code, _, errors = self.check({"a": entry()}, {"a": figures()}, "--update", "--reason=why not")
        self.assertEqual((code, self.read()), (0, {"a": entry()}))
        self.assertIn("nothing has moved", errors)

    def test_update_and_reason_go_together(self):
        for flags in (["--update"], ["--update", "--reason= "], ["--reason=why"]):
            code, output, errors = self.check({"a": entry()}, {"a": figures(instructions=9000)}, *flags)
            self.assertEqual((code, output), (2, ""))
            self.assertIn("go together", errors)
            self.assertEqual(self.read(), {"a": entry()})

    def test_what_cannot_be_counted_or_read_is_told(self):
        code, _, errors = self.check({"a": entry()}, ratchet.Failed("no valgrind"))
        self.assertEqual((code, errors), (2, "ratchet: no valgrind\n"))
        with open(self.path, "w") as file:
            file.write("{")
        code, _, errors = self.run_with({"a": figures()})
        self.assertEqual(code, 2)
        self.assertTrue(errors.startswith("ratchet: "))
        os.remove(self.path)
        self.assertEqual(self.run_with({"a": figures()})[0], 2)

    def test_a_program_that_is_missing_or_fails_is_named(self):
        with self.assertRaisesRegex(ratchet.Failed, "no/such/program"):
            ratchet.count_all("/no/such/program")
        with self.assertRaisesRegex(ratchet.Failed, "false: exit code 1"):
            ratchet.count_all("false")


if __name__ == "__main__":
    unittest.main()

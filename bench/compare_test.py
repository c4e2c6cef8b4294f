#!/usr/bin/env python3
"""Tests of the comparison on peers that are made up: ratios, chart, and what happens to those that fail or hang."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

_BENCH = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [_BENCH, os.path.join(_BENCH, "peers")]
sys.dont_write_bytecode = True

import catalogue
import compare
import compare_chart
import compare_runner
import compare_table

_SVG = "{http://www.w3.org/2000/svg}"
SYNC = "single_client_tasks_sync"
ASYNC = "single_client_tasks_async"


def line(row, value, unit, **more):
    return json.dumps(dict(name=row, value=value, unit=unit, min=value / 2, max=value * 2, runs=1, **more))


def python(program):
    return lambda places, runs: [[sys.executable, "-c", program]]


def printing(*lines):
    return python("print(%r)" % "\n".join(lines))


class Absent(catalogue.Peer):
    def missing(self, places):
        return "no such module"


class Unbuildable(catalogue.Peer):
    def build(self, places):
        return [[sys.executable, "-c", "import sys; sys.exit('x.cc:1: error: no such type\\nterminated.')"]]


TROUPE = catalogue.Peer("Troupe", "", printing(line(SYNC, 25, "us"), line(ASYNC, 100_000, "1/s")))
SLOW = catalogue.Peer(
    "slow", "", printing("a library's greeting", "{}", line(SYNC, 250, "us"), line(ASYNC, 8_000, "1/s")))
FAST = catalogue.Peer("fast", "", printing(line(SYNC, 5, "us"), line("a_row_of_its_own", 1, "s")))


class Counting(catalogue.Peer):
    """Says 10, 20, 30, ... µs in turn."""

    turn = 0

    def run(self, places, runs):
        self.turn += 1
        return printing(line(SYNC, 10 * self.turn, "us"))(places, runs)


def run(peers, *flags):
    """Returns (exit code, standard output, standard error)."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = compare.main(list(flags), peers)
        except SystemExit as end:
            code = end.code
    return code, output.getvalue(), errors.getvalue()


class TableTest(unittest.TestCase):
    def test_ratio_says_how_many_times_faster_troupe_is(self):
        code, output, _ = run([SLOW, TROUPE, FAST], "--json")
        self.assertEqual(code, 0)
        rows = [json.loads(text) for text in output.splitlines()]
        self.assertEqual(
            [(row["name"], row["peer"], row["ratio"]) for row in rows],
            [(SYNC, "fast", 0.2), (SYNC, "Troupe", 1), (SYNC, "slow", 10), (ASYNC, "Troupe", 1), (ASYNC, "slow", 12.5)])

    def test_table_has_the_best_first(self):
        code, output, _ = run([SLOW, TROUPE, FAST])
        self.assertEqual(code, 0)
        table = [text.split() for text in output[output.index("row "):].splitlines()]
        self.assertEqual(table, [
            ["row", "median", "min", "max", "unit", "ratio"],
            [SYNC],
            ["fast", "5", "2.5", "10", "us", "0.2"],
            ["Troupe", "25", "12.5", "50", "us", "1"],
            ["slow", "250", "125", "500", "us", "10"],
            [ASYNC],
            ["Troupe", "100,000", "50,000", "200,000", "1/s", "1"],
            ["slow", "8,000", "4,000", "16,000", "1/s", "12.5"],
        ])

    def test_peers_are_run_in_turn_and_the_median_is_taken(self):
        _, output, errors = run([Counting("one", ""), Counting("two", "")], "--runs=3", "--json")
        self.assertEqual(errors.split("\n")[:4],
                         ["run 1 of 3: one", "run 1 of 3: two", "run 2 of 3: one", "run 2 of 3: two"])
        row = json.loads(output.splitlines()[0])
        self.assertEqual((row["value"], row["min"], row["max"], row["runs"]), (20, 5, 60, 3))

    def test_without_troupe_there_is_no_ratio(self):
        _, output, _ = run([SLOW])
        self.assertRegex(output, r"slow +250 +125 +500 +us +-")

    def test_numbers_have_three_digits_that_count(self):
        self.assertEqual([compare_table.number(x) for x in (0.0123456, 1.2345, 99.96, 123.4, 1234567)],
                         ["0.0123", "1.23", "100", "123", "1,230,000"])


class ProblemTest(unittest.TestCase):
    def test_what_is_missing_is_listed_with_what_installs_it(self):
        code, output, errors = run([Absent("Ray", "pip install ray"), TROUPE])
        self.assertEqual(code, 0)
        self.assertIn("Ray is not installed: pip install ray\n", errors)
        self.assertNotIn("Ray", output)

    def test_list_measures_nothing(self):
        code, output, _ = run([Absent("Ray", "pip install ray"), TROUPE], "--list")
        self.assertEqual(code, 0)
        self.assertRegex(output, r"^Ray +no such module: pip install ray\nTroupe +installed\n$")

    def test_one_that_fails_is_reported_and_stops_no_other(self):
        program = "import sys; print(%r); sys.exit('first\\nthe last words')" % line(SYNC, 50, "us")
        code, output, errors = run([catalogue.Peer("broken", "", python(program)), TROUPE, SLOW])
        self.assertEqual(code, 0)
        self.assertIn("broken: exit code 1: the last words\n", errors)
        self.assertIn("run 2 of 5: slow", errors)
        self.assertNotIn("run 2 of 5: broken", errors)
        self.assertRegex(output, r"broken +50 .* 2\n")  # what it had measured counts
        self.assertRegex(output, r"slow +250 ")

    def test_one_that_hangs_is_killed_with_its_children(self):
        with tempfile.TemporaryDirectory() as directory:
            fifo = os.path.join(directory, "fifo")
            os.mkfifo(fifo)
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            # The child has the same standard output, and would be waited for if that were a pipe.
            program = "import os, signal; writer = os.open(%r, os.O_WRONLY); os.fork(); signal.pause()" % fifo
            _, _, errors = run([catalogue.Peer("stuck", "", python(program))], "--time_limit=1")
            self.assertIn("stuck: hung: killed after 1 s\n", errors)
            os.set_blocking(reader, True)
            self.assertEqual(os.read(reader, 1), b"")  # the end, when nobody is left that could write
            os.close(reader)

    def test_one_that_is_not_there_is_reported(self):
        peer = catalogue.Peer("gone", "", lambda places, runs: [[os.path.join(places.build, "gone")]])
        code, _, errors = run([peer, TROUPE])
        self.assertEqual(code, 0)
        self.assertRegex(errors, r"gone: .*No such file")

    def test_one_that_is_not_built_is_reported_with_the_compilers_first_error(self):
        code, _, errors = run([Unbuildable("bad", ""), TROUPE])
        self.assertEqual(code, 0)
        self.assertIn("bad: is not built: exit code 1: x.cc:1: error: no such type\n", errors)

    def test_troupe_itself_must_not_fail(self):
        code, _, errors = run([catalogue.Peer("Troupe", "", python("raise SystemExit('no cluster')"))])
        self.assertEqual(code, 1)
        self.assertIn("Troupe: exit code 1: no cluster\n", errors)


class FlagsTest(unittest.TestCase):
    def test_an_unknown_flag_is_named(self):
        code, output, errors = run([TROUPE], "--fast")
        self.assertEqual((code, output), (2, ""))
        self.assertEqual(errors, "compare: unrecognized arguments: --fast; --help lists the flags\n")

    def test_runs_must_be_positive(self):
        code, _, errors = run([TROUPE], "--runs=0")
        self.assertEqual(code, 2)
        self.assertIn("0 is no positive number", errors)

    def test_a_chart_that_cannot_be_written_is_told_before_anything_is_measured(self):
        code, output, errors = run([TROUPE], "--svg=/no/such/folder/chart.svg")
        self.assertEqual((code, output), (2, ""))
        self.assertIn("compare: the chart cannot be written: ", errors)
        self.assertNotIn("run 1", errors)

    def test_a_python_that_is_not_there_is_told(self):
        code, _, errors = run([TROUPE], "--python=/no/such/python")
        self.assertEqual((code, errors), (2, "compare: there is no Python at /no/such/python\n"))

    def test_peers_are_chosen_by_name_and_troupe_always_is(self):
        _, output, _ = run([TROUPE, SLOW, FAST], "--peers=low")
        self.assertIn("slow", output)
        self.assertIn("Troupe", output)
        self.assertNotIn("fast", output.split("ratio\n")[1])


class ChartTest(unittest.TestCase):
    def test_it_is_xml_with_a_bar_for_each_peer_longer_for_more(self):
        with tempfile.TemporaryDirectory() as directory:
            file = os.path.join(directory, "chart.svg")
            run([TROUPE, SLOW, FAST, catalogue.Peer("<&>", "", printing(line(SYNC, 2500, "us")))], "--svg=" + file)
            svg = xml.etree.ElementTree.parse(file).getroot()
        names = [text.text for text in svg.iter(_SVG + "text") if text.get("text-anchor") == "end"]
        self.assertEqual(names, ["fast", "Troupe", "slow", "<&>", "Troupe", "slow"])
        bars = [float(bar.get("width")) for bar in svg.iter(_SVG + "rect") if bar.get("class")]
        self.assertEqual(len(bars), 6)
        # From 25 to 250 is as far as from 250 to 2500: the scale is logarithmic.
        self.assertAlmostEqual(bars[2] - bars[1], bars[3] - bars[2], delta=0.2)
        self.assertGreater(bars[4], bars[5])

    def test_without_measurements_it_is_empty(self):
        xml.etree.ElementTree.fromstring(compare_chart.render([], catalogue.ROWS, "nothing"))


class CatalogueTest(unittest.TestCase):
    def test_each_program_is_there(self):
        places = catalogue.Places(os.path.dirname(_BENCH), "/nowhere", sys.executable)
        for peer in catalogue.PEERS:
            if isinstance(peer, catalogue.PythonPeer):
                for command in peer.run(places, 1):
                    self.assertTrue(os.path.exists(command[1]), command[1])

    def test_a_module_that_is_not_there_is_missed(self):
        places = catalogue.Places("", "", sys.executable)
        self.assertIsNone(catalogue.PythonPeer("", "", "json").missing(places))
        self.assertEqual(catalogue.PythonPeer("", "", "no_such_module").missing(places), "no module no_such_module")

    def test_a_tool_that_is_not_there_is_missed(self):
        peer = catalogue.SystemPeer("", "", ["no_such_compiler"], [], "", None)
        self.assertEqual(peer.missing(catalogue.Places("", "", "")), "no no_such_compiler")


if __name__ == "__main__":
    unittest.main()

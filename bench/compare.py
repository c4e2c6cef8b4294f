#!/usr/bin/env python3
"""Compares Troupe with its peers on the same work: one table, with ratios, and a chart.

    bazel run -c opt //bench:compare -- [--runs=N] [--svg=FILE] [--json] [--python=PYTHON] [--peers=TEXT] [--list]

bench:core and the peers that are installed are run in turn, as often as --runs says; those that are not installed are
listed with the command that installs them. A peer that fails or hangs is reported and stops no other.
docs/performance.md says what the rows mean.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import sys
import tempfile

# Where the other files are: beside this one, or in the runfiles of `bazel-bin/bench/compare`.
_OWN = os.path.abspath(__file__)
_RUNFILES = os.path.join(_OWN + ".runfiles", "troupe")
ROOT = _RUNFILES if os.path.isdir(_RUNFILES) else os.path.dirname(os.path.dirname(_OWN))
sys.path[:0] = [os.path.join(ROOT, "bench"), os.path.join(ROOT, "bench", "peers")]
sys.dont_write_bytecode = True

import catalogue
import compare_chart
import compare_runner
import compare_table


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, "compare: %s; --help lists the flags\n" % message)


def parse_arguments(argv):
    parser = _Parser(prog="compare", description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--runs", type=_positive, default=5, metavar="N", help="each row is the median of so many")
    parser.add_argument("--svg", metavar="FILE", help="where to write the chart")
    parser.add_argument("--json", action="store_true", help="lines of JSON instead of the table")
    parser.add_argument("--python", default="python3", help="runs the peers in Python; a venv's, perhaps")
    parser.add_argument("--peers", default="", metavar="TEXT", help="only peers whose name contains it, and Troupe")
    parser.add_argument("--list", action="store_true", help="only say what is installed, and how the rest would be")
    parser.add_argument("--time_limit", type=_positive, default=300, metavar="SECONDS", help="of each program")
    return parser.parse_args(argv)


def _positive(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("%s is no positive number" % text)
    return int(text)


def compare(peers, places, arguments):
    """Measures the peers in turn, so that what disturbs the machine for a while disturbs them all.

    Returns (measurements, {name: install command of what is missing}, {name: problem}). A peer that had a problem is not
    run again.
    """
    missing = {peer.name: peer.install for peer in peers if peer.missing(places)}
    problems = {}
    for peer in peers:
        if peer.name not in missing:
            try:
                for command in peer.build(places):
                    _tell("building %s" % peer.name)
                    compare_runner.run(command, arguments.time_limit, directory=places.build)
            except compare_runner.Failed as failed:
                problems[peer.name] = "is not built: %s" % failed
    measurements = []
    for turn in range(arguments.runs):
        for peer in peers:
            if peer.name in missing or peer.name in problems:
                continue
            _tell("run %d of %d: %s" % (turn + 1, arguments.runs, peer.name))
            outcome = compare_runner.measure(peer.name, peer.run(places, runs=1), arguments.time_limit)
            measurements += outcome.measurements
            if outcome.problem:
                problems[peer.name] = outcome.problem
    rows = [m for m in measurements if m.row in catalogue.ROWS]
    return compare_runner.merge(rows), missing, problems


def _tell(line):
    print(line, file=sys.stderr, flush=True)


def machine():
    """The processor, its number, the system and the day."""
    processor = platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            processor = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    system = platform.release().split("-")[0]
    day = datetime.date.today().isoformat()
    return "%d processors of %s, Linux %s, %s" % (len(os.sched_getaffinity(0)), processor, system, day)


def print_list(peers, places):
    for peer in peers:
        missing = peer.missing(places)
        print("%-22s %s" % (peer.name, "installed" if not missing else "%s: %s" % (missing, peer.install)))


def print_results(measurements, arguments):
    if not arguments.json:
        print(machine())
        print("Medians of %d runs. ratio: how many times faster Troupe is; below 1 the peer is.\n" % arguments.runs)
        print(compare_table.render(measurements, catalogue.ROWS), end="")
        return
    for _, group, troupe in compare_table.by_row(measurements, catalogue.ROWS):
        for m in group:
            times = compare_table.ratio(m, troupe) if troupe else None
            print(json.dumps({"peer": m.peer, "name": m.row, "value": m.value, "unit": m.unit, "min": m.min,
                              "max": m.max, "runs": m.runs, "ratio": times}))


def main(argv, peers, root=ROOT):
    """Returns the exit code: 0, also where a peer failed; 1 where Troupe did; 2 where the command line is wrong."""
    arguments = parse_arguments(argv)
    python = _from_here(arguments.python) if os.sep in arguments.python else arguments.python
    if shutil.which(python) is None:
        _tell("compare: there is no Python at %s" % python)
        return 2
    try:
        # Before what takes minutes.
        svg = open(_from_here(arguments.svg), "w", encoding="utf-8") if arguments.svg else None
    except OSError as error:
        _tell("compare: the chart cannot be written: %s" % error)
        return 2
    chosen = [peer for peer in peers if arguments.peers in peer.name or peer.name == compare_table.TROUPE]
    with tempfile.TemporaryDirectory(prefix="compare.") as build:
        places = catalogue.Places(root, build, python)
        if arguments.list:
            print_list(chosen, places)
            return 0
        measurements, missing, problems = compare(chosen, places, arguments)

    print_results(measurements, arguments)
    for name, problem in problems.items():
        _tell("%s: %s" % (name, problem))
    for name, install in missing.items():
        _tell("%s is not installed: %s" % (name, install))
    if "-opt/" not in os.path.realpath(os.path.join(root, "bench", "core")):
        _tell("Troupe was not built with -c opt: its figures mean nothing")
    if svg:
        caption = "%s. Medians of %d runs, with least and most; logarithmic." % (machine(), arguments.runs)
        with svg:
            svg.write(compare_chart.render(measurements, catalogue.ROWS, caption))
    return 1 if compare_table.TROUPE in problems else 0


def _from_here(path):
    """A relative path is meant from where the user stands, which `bazel run` leaves and tells."""
    return os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", ""), path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], catalogue.PEERS))

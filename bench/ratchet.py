#!/usr/bin/env python3
"""Holds the cost of the single-threaded parts of the road: fails where one has grown by more than 5 %.

    bazel run -c opt //bench:ratchet
    bazel run -c opt //bench:ratchet -- --update --reason="why it costs more now, or no longer does"

Each part (bench/parts.h) has three figures an operation: instructions, as callgrind counts them, allocations, and bytes
allocated. Unlike times they repeat exactly on a noisy machine, with one compiler and one C library. bench/baseline.json
has what they were. What has shrunk by more than 5 % is told, too, and fails nothing.

--update writes those that moved by more than 5 %, with the reason; the others keep what they had, so that a cost that
creeps up in small steps is seen in the end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

# The runfiles of `bazel-bin/bench/ratchet`, where this file is run as that.
_OWN = os.path.abspath(__file__)
_RUNFILES = os.path.join(_OWN + ".runfiles", "troupe")
ROOT = _RUNFILES if os.path.isdir(_RUNFILES) else os.path.dirname(os.path.dirname(_OWN))

FIGURES = ("instructions", "allocations", "bytes")
TOLERANCE = 0.05
# Steps that are no growth, however small the figure: of what happens once in many operations, the counted times may have
# one more or one less.
_SLACK = {"instructions": 2, "allocations": 0.02, "bytes": 4}
_TIMES = 2000
_UPDATE = 'bazel run -c opt //bench:ratchet -- --update --reason="..."'


class Failed(Exception):
    """The parts cannot be counted; the message is one sentence."""


def count(program, part, directory):
    """Runs one part under callgrind. Returns {figure: an operation's}."""
    profile = os.path.join(directory, part)
    # At one place in memory, with no environment: addresses are hashed, and where the stack begins matters.
    output = _run(["setarch", os.uname().machine, "-R", "valgrind", "--tool=callgrind", "--quiet",
                   "--callgrind-out-file=" + profile, "--collect-atstart=no", "--toggle-collect=CountedOperations*",
                   program, part, str(_TIMES)])
    counted = json.loads(output)
    with open(profile) as lines:
        counted["instructions"] = int(next(line for line in lines if line.startswith("summary:")).split()[1])
    if counted["instructions"] == 0:
        raise Failed("callgrind saw no instruction of %s: is CountedOperations still its name?" % part)
    return {figure: round(counted[figure] / _TIMES, 2) for figure in FIGURES}


def _run(command):
    try:
        done = subprocess.run(command, env={"PATH": os.environ.get("PATH", os.defpath)}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    except OSError as error:
        raise Failed("%s; valgrind and setarch are needed: tools/setup/install.sh tools/setup/packages-ci.txt" % error)
    if done.returncode != 0:
        raise Failed("%s: exit code %d: %s" % (" ".join(command), done.returncode, done.stderr.strip()))
    return done.stdout


def count_all(program):
    """Returns {part: {figure: an operation's}}."""
    with tempfile.TemporaryDirectory(prefix="ratchet.") as directory:
        return {part: count(program, part, directory) for part in _run([program]).split()}


def moved(figure, now, was):
    """Whether the figure has "grown", has "shrunk", or is "" (as it was)."""
    if abs(now - was) <= max(_SLACK[figure], TOLERANCE * was):
        return ""
    return "grown" if now > was else "shrunk"


def verdicts(counts, baseline):
    """Returns [(part, figure, now or None, was or None, verdict)] in the order of the parts.

    The verdict is that of moved(), "new" where the baseline has no such part, or "gone" where only the baseline has it.
    """
    lines = []
    for part, figures in counts.items():
        for figure in FIGURES:
            now = figures[figure]
            if part in baseline:
                was = baseline[part][figure]
                lines.append((part, figure, now, was, moved(figure, now, was)))
            else:
                lines.append((part, figure, now, None, "new"))
    for part in baseline:
        if part not in counts:
            lines += [(part, figure, None, baseline[part][figure], "gone") for figure in FIGURES]
    return lines


def updated(counts, baseline, reason):
    """Returns the baseline to write: parts of which a figure moved are as counted now, with the reason."""
    stale = {part for part, _, _, _, verdict in verdicts(counts, baseline) if verdict}
    return {part: dict(figures, reason=reason) if part in stale else baseline[part] for part, figures in counts.items()}


def render(lines):
    """The table as text."""
    layout = "%-24s %-13s %12s %12s %9s  %s"
    text = [(layout % ("part", "an operation", "now", "baseline", "change", "")).rstrip()]
    last = None
    for part, figure, now, was, verdict in lines:
        change = "%+.1f %%" % (100 * (now - was) / was) if now is not None and was else "-"
        text.append((layout % ("" if part == last else part, figure, _number(now), _number(was), change,
                               verdict.upper() if verdict == "grown" else verdict)).rstrip())
        last = part
    return "\n".join(text) + "\n"


def _number(value):
    return "-" if value is None else "{:,.2f}".format(value)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, "ratchet: %s; --help lists the flags\n" % message)


def parse_arguments(argv):
    parser = _Parser(prog="ratchet", description=__doc__.split("\n", maxsplit=1)[0], allow_abbrev=False)
    parser.add_argument("--update", action="store_true", help="write what has moved to bench/baseline.json")
    parser.add_argument("--reason", default="", help="why it has: goes beside it")
    arguments = parser.parse_args(argv)
    if arguments.update != bool(arguments.reason.strip()):
        parser.error("--update and --reason=\"...\" go together")
    return arguments


def _tell(line):
    print(line, file=sys.stderr, flush=True)


def main(argv, counter, path):
    """Returns the exit code: 0, 1 where a part has grown or is not in the file, 2 where nothing could be said.

    `counter` returns the counts, `path` is the baseline's.
    """
    arguments = parse_arguments(argv)
    try:
        with open(path) as file:
            baseline = json.load(file)
        counts = counter()
    except (Failed, OSError, ValueError) as error:
        _tell("ratchet: %s" % error)
        return 2

    lines = verdicts(counts, baseline)
    print(render(lines), end="")
    found = {verdict for _, _, _, _, verdict in lines if verdict}
    if arguments.update:
        if not found:
            _tell("ratchet: nothing has moved by more than 5 %: the baseline stays")
            return 0
        with open(path, "w") as file:
            json.dump(updated(counts, baseline, arguments.reason.strip()), file, indent=2)
            file.write("\n")
        _tell("ratchet: written to %s" % path)
        return 0
    if found & {"grown", "new", "gone"}:
        _tell("ratchet: a part has grown by more than 5 %%, or is not in bench/baseline.json. If that is right:\n  %s"
              % _UPDATE)
        return 1
    if found:
        _tell("ratchet: a part has shrunk by more than 5 %%. So that it stays so:\n  %s" % _UPDATE)
    return 0


def _count_built():
    program = os.path.join(ROOT, "bench", "ratchet_ops")
    if "-opt/" not in os.path.realpath(program):
        raise Failed("bench/ratchet_ops was not built with -c opt: its figures mean nothing")
    return count_all(program)


if __name__ == "__main__":
    # `bazel run` tells where the sources are, which --update changes.
    _SOURCES = os.environ.get("BUILD_WORKSPACE_DIRECTORY", ROOT)
    sys.exit(main(sys.argv[1:], _count_built, os.path.join(_SOURCES, "bench", "baseline.json")))

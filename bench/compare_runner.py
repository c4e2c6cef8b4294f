"""Runs the programs of a comparison, and survives those that fail or hang.

A program prints a line of JSON for each row (bench/peers/peer.py says which fields). What it has printed before it
failed counts; why it failed is told in one line.
"""

import collections
import json
import os
import signal
import statistics
import subprocess
import tempfile

# One row of one peer. `value` is the median of `runs` runs.
Measurement = collections.namedtuple("Measurement", "peer row value unit min max runs")

# What became of a peer: its measurements, and why there are no more, or None.
Outcome = collections.namedtuple("Outcome", "measurements problem")


class Failed(Exception):
    """A command that did not end well. `output` is what it printed until then."""

    def __init__(self, reason, output):
        super().__init__(reason)
        self.output = output


# What a program that takes too long has for its last words.
_GRACE_S = 5


def run(command, time_limit_s, directory=None):
    """Returns what the command printed. Raises Failed where it fails, is not there, or takes too long.

    It runs as a process group of its own, which is killed as a whole: pools leave workers behind when they are ended
    by force. Its output goes to files, since an open pipe would be waited for as long as such a worker has it.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output, \
            tempfile.TemporaryFile("w+", errors="replace") as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=directory,
                env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"), start_new_session=True)
        except OSError as error:
            raise Failed(str(error), "")
        reason = None
        try:
            code = process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            reason = "hung: killed after %g s" % time_limit_s
            _signal_group(process, signal.SIGTERM)  # Ray ends what it has started elsewhere
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                pass
        finally:
            _signal_group(process, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read()
        if reason is None and code != 0:
            errors.seek(0)
            end = "exit code %d" % code if code > 0 else "signal %d" % -code
            reason = "%s: %s" % (end, _telling_line(errors.read()))
        if reason is not None:
            raise Failed(reason, text)
        return text


def _signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # nobody is left


def measure(peer, commands, time_limit_s):
    """Runs the peer's commands. Returns an Outcome."""
    measurements = []
    for command in commands:
        try:
            output = run(command, time_limit_s)
        except Failed as failed:
            return Outcome(measurements + parse(failed.output, peer), str(failed))
        measurements += parse(output, peer)
    return Outcome(measurements, None)


def merge(measurements):
    """Makes one measurement of those of the same peer and row: the median of their values, and all that they span."""
    groups = collections.OrderedDict()
    for m in measurements:
        groups.setdefault((m.peer, m.row, m.unit), []).append(m)
    return [
        Measurement(peer, row, statistics.median(m.value for m in group), unit, min(m.min for m in group),
                    max(m.max for m in group), sum(m.runs for m in group))
        for (peer, row, unit), group in groups.items()
    ]


def parse(output, peer):
    """Returns the measurements among the lines of `output`; `peer` where a line does not name its own."""
    measurements = []
    for line in output.splitlines():
        try:
            row = json.loads(line)
            measurements.append(
                Measurement(row.get("peer", peer), row["name"], float(row["value"]), row["unit"], float(row["min"]),
                            float(row["max"]), int(row["runs"])))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # libraries print what they like
    return measurements


def _telling_line(errors):
    """The line of a program's errors that says most: a compiler's first error, or else the last line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for line in lines:
        if " error: " in line:
            return line
    return lines[-1] if lines else "it said nothing"

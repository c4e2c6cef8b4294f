"""Measures what a peer does in the rows of bench:core, and prints a line of JSON for each.

A peer is worth comparing only if it did the same work: every call doubles an integer in another process, and the sum
of the results is checked here; a row whose work was not done ends the program. Each row is the median of `--runs` runs
after one that is not counted. `--calls` is the number of calls in a run; of those that are waited for one by one there
are a tenth as many, of those that are handed over together a hundred times. `--filter=TEXT` leaves out the rows whose
name does not contain it.

    def main():
        peer = Peer("multiprocessing.Pool", calls=20_000)
        with Pool(WORKERS) as pool:
            peer.sync("single_client_tasks_sync", lambda i: pool.apply(double, (i,)))

Not thread-safe. The standard library only, so that what is measured decides what has to be installed.
"""

import argparse
import json
import statistics
import sys
import time

WORKERS = 2
MAP_TIMES = 100  # as many calls in a map as of single ones
BATCH = 1_000  # calls that are submitted before the first result is asked for, as in Ray's benchmark
PUT_BYTES = 64 << 20


def double(x):
    """The work: what bench:core's tasks and actors do."""
    return 2 * x


def nothing(x):
    """What costs no more than its call: for maps."""


class Doubler:
    """The work as an actor."""

    def double(self, x):
        return 2 * x

    def sum(self, array):
        return int(array.sum())


class Peer:
    def __init__(self, name, calls):
        parser = argparse.ArgumentParser(description="Measures %s." % name)
        parser.add_argument("--runs", type=_positive, default=5)
        parser.add_argument("--calls", type=_positive, default=calls)
        parser.add_argument("--filter", default="", help="only rows whose name contains it")
        parser.add_argument("--no_put", action="store_true", help="leave out the rows of large values")
        arguments = parser.parse_args()
        self.name = name
        self.runs = arguments.runs
        self.calls = arguments.calls
        self.filter = arguments.filter
        self.large_values = not arguments.no_put

    def sync(self, row, call):
        """Calls that are waited for: `call(i)` returns 2 * i. In µs a call."""
        count = max(2, self.calls // 10)  # the double of 0 says nothing

        def measure():
            start = time.perf_counter()
            total = sum(call(i) for i in range(count))
            seconds = time.perf_counter() - start
            _expect(total == count * (count - 1), self.name, row)
            return 1e6 * seconds / count

        self._row(row, "us", measure)

    def pipelined(self, row, batch):
        """Many calls under way: `batch(numbers)` submits one call for each, then returns all results. In calls/s."""

        def measure():
            total = 0
            start = time.perf_counter()
            for first in range(0, self.calls, BATCH):
                total += sum(batch(range(first, min(first + BATCH, self.calls))))
            seconds = time.perf_counter() - start
            _expect(total == self.calls * (self.calls - 1), self.name, row)
            return self.calls / seconds

        self._row(row, "1/s", measure)

    def map(self, row, map_all):
        """Calls that are handed over together: `map_all(numbers)` returns `nothing` of each. In calls/s."""
        count = MAP_TIMES * self.calls

        def measure():
            start = time.perf_counter()
            results = map_all(range(count))
            seconds = time.perf_counter() - start
            _expect(results == [None] * count, self.name, row)
            return count / seconds

        self._row(row, "1/s", measure)

    def cold_start(self, first_result):
        """`first_result(x)` starts WORKERS workers, lets one double x, and ends them. In seconds to the result.

        It is a generator that yields the result, so that the end is not timed.
        """

        def measure():
            start = time.perf_counter()
            steps = first_result(21)
            result = next(steps)
            seconds = time.perf_counter() - start
            _expect(next(steps, None) is None and result == 42, self.name, "cold_start")
            return seconds

        # The first start of all reads the libraries from disk, which no later one does.
        self._row("cold_start", "s", measure)

    def put_gigabytes(self, put, sum_of):
        """`put(array)` stores a copy and returns a reference; `sum_of(reference)` adds it up in a worker. In GB/s."""
        if not self.large_values:
            return
        try:
            import numpy
        except ImportError:
            return  # without it a peer would pickle the bytes one way or another, and that would be measured
        array = numpy.ones(PUT_BYTES // 8)
        times = 5

        def measure():
            start = time.perf_counter()
            for _ in range(times):
                last = put(array)
            seconds = time.perf_counter() - start
            _expect(sum_of(last) == PUT_BYTES // 8, self.name, "single_client_put_gigabytes")
            return times * PUT_BYTES / 1e9 / seconds

        self._row("single_client_put_gigabytes", "GB/s", measure)

    def _row(self, row, unit, measure):
        if self.filter not in row:
            return
        measure()
        values = [measure() for _ in range(self.runs)]
        print(
            json.dumps({
                "peer": self.name,
                "name": row,
                "value": statistics.median(values),
                "unit": unit,
                "min": min(values),
                "max": max(values),
                "runs": self.runs,
            }),
            flush=True)


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("%s is not positive" % text)
    return value


def _expect(done, name, row):
    if not done:
        sys.exit("%s: the work was not done: %s" % (name, row))

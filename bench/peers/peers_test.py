#!/usr/bin/env python3
"""Runs the peers that are always installed, on a few calls, and checks what they print."""

import json
import os
import subprocess
import sys
import unittest

_PEERS = os.path.dirname(os.path.abspath(__file__))

TASKS = {"single_client_tasks_sync": "us", "single_client_tasks_async": "1/s"}
ACTORS = {"1_1_actor_calls_sync": "us", "1_1_actor_calls_async": "1/s"}
START = {"cold_start": "s"}
MAP = {"map_empty_function": "1/s"}


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))


def path(program):
    return os.path.join(_PEERS, program)


class PeersTest(unittest.TestCase):
    def check(self, command, peer, units):
        done = run(*command, "--runs=3", "--calls=1500")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({row["name"]: row["unit"] for row in rows}, units)
        for row in rows:
            self.assertEqual((row["peer"], row["runs"]), (peer, 3))
            self.assertTrue(0 < row["min"] <= row["value"] <= row["max"], row)

    def test_multiprocessing_pool(self):
        self.check([sys.executable, path("multiprocessing_pool.py")], "multiprocessing.Pool",
                   {**TASKS, **MAP, **START})

    def test_a_filter_leaves_out_the_other_rows(self):
        self.check([sys.executable, path("multiprocessing_pool.py"), "--filter=map_"], "multiprocessing.Pool", MAP)

    def test_process_pool_executor(self):
        self.check([sys.executable, path("process_pool_executor.py")], "concurrent.futures", {**TASKS, **START})

    def test_capnp_rpc(self):
        self.check([path("capnp_rpc")], "Cap'n Proto RPC", {**TASKS, **ACTORS})

    def test_a_wrong_flag_is_refused(self):
        for command in ([sys.executable, path("multiprocessing_pool.py")], [path("capnp_rpc")]):
            for flag in ("--fast", "--runs=0", "--calls=x"):
                done = run(*command, flag)
                self.assertEqual((done.returncode, done.stdout), (2, ""), flag)
                self.assertNotEqual(done.stderr, "")

    def test_work_that_is_not_done_ends_the_program(self):
        program = "import peer; peer.Peer('wrong', 20).sync('row', lambda i: i)"
        done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, universal_newlines=True,
                              env=dict(os.environ, PYTHONPATH=_PEERS, PYTHONDONTWRITEBYTECODE="1"))
        self.assertEqual((done.returncode, done.stderr), (1, "wrong: the work was not done: row\n"))


if __name__ == "__main__":
    unittest.main()

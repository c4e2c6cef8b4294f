"""Ray on this machine: a raylet, a global control store and two workers."""

import logging
import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a benchmark reports to nobody

import ray

from peer import Doubler, Peer, WORKERS, double


def start():
    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        object_store_memory=1 << 30,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _node_ip_address="127.0.0.1")


def first_result(x):
    start()
    yield ray.get(ray.remote(double).remote(x))
    ray.shutdown()


def main():
    peer = Peer("Ray", calls=2_000)
    peer.cold_start(first_result)
    start()
    task = ray.remote(double)
    peer.sync("single_client_tasks_sync", lambda i: ray.get(task.remote(i)))
    peer.pipelined("single_client_tasks_async", lambda numbers: ray.get([task.remote(i) for i in numbers]))
    doubler = ray.remote(Doubler).remote()
    peer.sync("1_1_actor_calls_sync", lambda i: ray.get(doubler.double.remote(i)))
    peer.pipelined("1_1_actor_calls_async", lambda numbers: ray.get([doubler.double.remote(i) for i in numbers]))
    peer.put_gigabytes(ray.put, lambda reference: ray.get(doubler.sum.remote(reference)))
    ray.shutdown()


if __name__ == "__main__":
    main()

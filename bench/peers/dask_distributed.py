"""dask.distributed as LocalCluster starts it, with one thread in each worker: a scheduler in the client's process."""

import logging

from distributed import Client, LocalCluster

from peer import Doubler, Peer, WORKERS, double


def local_cluster():
    return LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1")


def first_result(x):
    with local_cluster() as cluster, Client(cluster) as client:
        yield client.submit(double, x).result()


def array_sum(array):
    return int(array.sum())


def main():
    logging.disable(logging.WARNING)
    peer = Peer("dask.distributed", calls=1_000)
    peer.cold_start(first_result)
    with local_cluster() as cluster, Client(cluster) as client:
        # pure=False: a call with the arguments of an earlier one is not answered with that one's result.
        peer.sync("single_client_tasks_sync", lambda i: client.submit(double, i, pure=False).result())
        peer.pipelined(
            "single_client_tasks_async",
            lambda numbers: client.gather([client.submit(double, i, pure=False) for i in numbers]))
        doubler = client.submit(Doubler, actor=True).result()
        peer.sync("1_1_actor_calls_sync", lambda i: doubler.double(i).result())
        peer.pipelined(
            "1_1_actor_calls_async",
            lambda numbers: [future.result() for future in [doubler.double(i) for i in numbers]])
        # hash=False: otherwise it would be found that the value is there already.
        peer.put_gigabytes(
            lambda array: client.scatter(array, hash=False),
            lambda reference: client.submit(array_sum, reference, pure=False).result())


if __name__ == "__main__":
    main()

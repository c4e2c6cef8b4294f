"""concurrent.futures.ProcessPoolExecutor: forked processes, and a future for each call."""

from concurrent.futures import ProcessPoolExecutor

from peer import Peer, WORKERS, double


def first_result(x):
    with ProcessPoolExecutor(WORKERS) as executor:
        yield executor.submit(double, x).result()


def main():
    peer = Peer("concurrent.futures", calls=5_000)
    peer.cold_start(first_result)
    with ProcessPoolExecutor(WORKERS) as executor:
        peer.sync("single_client_tasks_sync", lambda i: executor.submit(double, i).result())
        peer.pipelined(
            "single_client_tasks_async",
            lambda numbers: [future.result() for future in [executor.submit(double, i) for i in numbers]])


if __name__ == "__main__":
    main()

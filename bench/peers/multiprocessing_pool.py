"""multiprocessing.Pool: processes that are forked, and two pipes that they share."""

from multiprocessing import Pool

from peer import Peer, WORKERS, double, nothing


def first_result(x):
    with Pool(WORKERS) as pool:
        yield pool.apply(double, (x,))


def main():
    peer = Peer("multiprocessing.Pool", calls=10_000)
    peer.cold_start(first_result)
    with Pool(WORKERS) as pool:
        peer.sync("single_client_tasks_sync", lambda i: pool.apply(double, (i,)))
        peer.pipelined(
            "single_client_tasks_async",
            lambda numbers: [result.get() for result in [pool.apply_async(double, (i,)) for i in numbers]])
        peer.map("map_empty_function", lambda numbers: pool.map(nothing, numbers))


if __name__ == "__main__":
    main()

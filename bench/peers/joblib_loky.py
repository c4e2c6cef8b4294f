"""joblib, with the processes that it uses by default: loky's.

Calls go through the executor below joblib.Parallel, which hands several calls at a time to a worker where they are
short, and starts anew for each list of calls.
"""

from joblib.externals.loky import get_reusable_executor

from peer import Peer, WORKERS, double


def first_result(x):
    executor = get_reusable_executor(max_workers=WORKERS)
    yield executor.submit(double, x).result()
    executor.shutdown(wait=True)


def main():
    peer = Peer("joblib", calls=5_000)
    peer.cold_start(first_result)
    executor = get_reusable_executor(max_workers=WORKERS)
    peer.sync("single_client_tasks_sync", lambda i: executor.submit(double, i).result())
    peer.pipelined(
        "single_client_tasks_async",
        lambda numbers: [future.result() for future in [executor.submit(double, i) for i in numbers]])
    executor.shutdown(wait=True)


if __name__ == "__main__":
    main()

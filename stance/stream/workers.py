"""One function over many items, in order: in this process, or in several that each have their share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

from stance.errors import StanceError
from stance.models.machine import cores

Key = TypeVar("Key")
Result = TypeVar("Result")


class Workers:
    """Processes that work until the block ends; none outlives this process, even one that is killed.

    Args:
        count: of processes, which share the cores (or the `OMP_NUM_THREADS`); with 1 the work is done in this one.

    Raises:
        StanceError: a worker died.

    Example:
        >>> with Workers(1) as workers:
        ...     list(workers.map(len, [("a", ("xyz",)), ("b", ("",))]))
        [('a', 3), ('b', 0)]
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._count > 1:
            context = multiprocessing.get_context("spawn")
            lifeline, self._held = context.Pipe(duplex=False)
            share = max(1, cores() // self._count)
            self._pool = ProcessPoolExecutor(self._count, context, initializer=_begin, initargs=(lifeline, share))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        if kind is not None:  # nobody waits for what is under way
            self._held.close()
        self._pool.shutdown(cancel_futures=True)
        self._held.close()
        if kind is BrokenProcessPool:
            raise StanceError(
                "A worker process died: it was killed, or memory ran out. Repeat the command, with fewer workers if memory is "
                'short; an output file goes on where it stopped. A script needs `if __name__ == "__main__":` around the call.'
            ) from None

    def call(self, function: Callable[..., Result], *values: Any) -> Result:
        """The function's result, worked out where the items are."""
        return function(*values) if self._pool is None else self._pool.submit(function, *values).result()

    def map(self, function: Callable[..., Result], items: Iterable[tuple[Key, tuple[Any, ...]]]) -> Iterator[tuple[Key, Result]]:
        """Each item's key with the function of its values, in order; a few items are read ahead."""
        if self._pool is None:
            yield from ((key, function(*values)) for key, values in items)
            return
        ahead: deque[tuple[Key, Future[Result]]] = deque()
        for key, values in items:
            ahead.append((key, self._pool.submit(function, *values)))
            if len(ahead) > 2 * self._count:
                key, future = ahead.popleft()
                yield key, future.result()
        yield from ((key, future.result()) for key, future in ahead)


def _begin(lifeline: Connection, threads: int) -> None:
    """Prepare a worker: its threads, and its end together with the process that started it."""
    from tqdm import tqdm

    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which an abrupt end would leave
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C reaches the parent too, which lets go of the lifeline

    def watch() -> None:
        lifeline.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

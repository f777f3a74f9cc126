"""A process of writers for `benchmarks.record`: `python -m benchmarks.writer`, its task as one line of JSON, then a line that says go."""

from __future__ import annotations

import json
import sys
import threading

import psycopg


def main() -> None:
    """Connect, say ready, wait for the word, write: each thread a connection, each write a transaction."""
    task = json.loads(sys.stdin.readline())
    connections = [psycopg.connect(**task["parameters"], autocommit=True) for _ in range(task["threads"])]

    def write(number: int) -> None:
        for turn in range(task["writes"]):
            connections[number].execute(task["sql"], [number, f"C-{turn}"])

    workers = [threading.Thread(target=write, args=(number,)) for number in range(task["threads"])]
    print("ready", flush=True)
    sys.stdin.readline()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()

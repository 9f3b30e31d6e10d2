"""Runs the workers: one process for each contestant, started once, which answers one request at a time."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Self

from benchmarks.environments import REPOSITORY, process_environment

if TYPE_CHECKING:
    from pathlib import Path


class WorkerError(RuntimeError):
    """A worker answered with a traceback, or died."""


class Client:
    """Use as a context manager: the process ends with the block."""

    def __init__(self, name: str, python: Path, peer: str) -> None:
        """peer: the module of benchmarks.peers that it runs."""
        self.name = name
        self.process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=process_environment(),
            cwd=REPOSITORY,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout
        hello = self.ask("hello")
        self.versions: dict[str, str] = hello["versions"]
        self.cases: list[str] = hello["cases"]
        self.checks: list[str] = hello["checks"]

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        try:
            self.requests.write(json.dumps({"op": op, **fields}) + "\n")
            self.requests.flush()
            line = self.answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"the worker of {self.name} ended with code {self.process.wait()} when asked to {op}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"the worker of {self.name} failed when asked to {op}:\n{answer['error']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.requests.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()

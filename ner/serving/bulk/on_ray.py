"""Bulk tagging on a Ray cluster: an actor for each worker, on one processor each.

A cluster that is there is used (the address in `RAY_ADDRESS`, or one of this machine); where there is none, one is
started on this machine for the time of the job. Ray Data isn't asked: an actor reads its shard and writes it, so that
no text passes through Ray's store, order is that of the shards, and what is done is done when a worker dies.
"""

import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from ner.distribution import is_there
from ner.errors import ConfigError, ModelError, describe
from ner.serving.bulk.local import ATTEMPTS
from ner.serving.bulk.shards import Shard
from ner.serving.bulk.work import Answer, Work, Worker, variables_of

_PATIENCE = 10.0  # seconds that a cluster may take to answer, and between two words on workers that aren't ready
# Bytes; documents don't pass through the store.
_STORE = 100_000_000


def check_ray() -> None:
    """Raise ConfigError unless Ray is installed, and something answers at the address in `RAY_ADDRESS`, if it is set.

    Ray itself asks for minutes.
    """
    if not is_there("ray"):
        raise ConfigError("--engine ray: expected the package `ray`; pip install 'bilstm-crf-ner[ray]'")
    address = os.environ.get("RAY_ADDRESS", "")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():  # "auto", "local"
        return
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError as error:
        raise _no_cluster(address, error.strerror or str(error)) from None


class _Actor:
    """A worker in a process of Ray's; what goes wrong at its start is told when it is asked."""

    def __init__(self, work: Work) -> None:
        self._failed: str | None = None
        try:
            self._worker = Worker(work)
        except Exception as error:
            self._failed = describe(error)

    def failed(self) -> str | None:
        """Why there is no model; None where there is one."""
        return self._failed

    def tag(self, shard: Shard) -> Answer:
        """As `Worker.tag`."""
        return self._worker.tag(shard)


def run(work: Work, shards: Sequence[Shard], workers: int | None) -> Iterator[Answer]:
    """As `local.run`, on actors of Ray; without a number of workers, one for each processor of the cluster.

    Raises:
        ConfigError: no cluster at that address, or more workers than it has processors.
        ModelError: a worker can't load the model.
    """
    from ray.exceptions import RayError

    ray = _ray()

    connected = _connect()
    actors: list[Any] = []
    try:
        processors = int(ray.cluster_resources().get("CPU", 0))
        if work.threads > processors:
            raise ConfigError(
                f"--threads: expected at most {processors}, as the cluster has processors, found {work.threads}"
            )
        most = processors // work.threads
        workers = workers or most
        if workers > most:
            raise ConfigError(
                f"--workers: expected at most {most}, for which the cluster has processors, found {workers}"
            )
        options: dict[str, Any] = {
            "num_cpus": work.threads,
            "max_restarts": 0,
            "runtime_env": {"env_vars": variables_of(work)},
        }
        if work.device.startswith("cuda"):
            options["num_gpus"] = 1
        make = ray.remote(**options)(_Actor)
        for _ in range(min(workers, len(shards))):
            actors.append(make.remote(work))
        for ready in _until_ready(ray, actors):
            yield {"waiting": f"{ready} of {len(actors)} workers have a processor and the model"}
        waiting = deque((shard, 1) for shard in shards)
        idle = list(actors)
        running: dict[Any, tuple[Any, Shard, int]] = {}
        while waiting or running:
            while waiting and idle:
                actor, (shard, attempt) = idle.pop(), waiting.popleft()
                running[actor.tag.remote(shard)] = actor, shard, attempt
            (done,), _ = ray.wait(list(running), num_returns=1)
            actor, shard, attempt = running.pop(done)
            try:
                yield ray.get(done)
                idle.append(actor)
            except RayError as error:
                if attempt < ATTEMPTS:
                    waiting.append((shard, attempt + 1))
                else:
                    reason = f"a worker was lost, {ATTEMPTS} times: {type(error).__name__}"
                    yield {"shard": shard.number, "failed": reason, "ends": False}
                actors.remove(actor)
                ray.kill(actor)  # Ray says the same of one that is out of reach for a moment, and at its shard yet
                actors.append(make.remote(work))
                for _ in _until_ready(ray, actors[-1:]):
                    yield {"waiting": "a new worker has no processor yet, or no model"}
                idle.append(actors[-1])
    finally:
        for actor in actors:
            ray.kill(actor)
        if connected:
            ray.shutdown()


def _no_cluster(address: str, reason: str) -> ConfigError:
    return ConfigError(
        f"--engine ray: expected a cluster at RAY_ADDRESS={address}, found none ({reason}); "
        "start one by `ray start --head`, or unset RAY_ADDRESS to have one on this machine"
    )


def _ray() -> Any:
    """The module, whose functions have no types."""
    import ray

    return ray


def _until_ready(ray: Any, actors: Sequence[Any]) -> Iterator[int]:
    """Ends when all have loaded the model; until then, now and then, how many have: a busy cluster lets others wait."""
    from ray.exceptions import RayError

    asked = [actor.failed.remote() for actor in actors]
    while asked:
        done, asked = ray.wait(asked, num_returns=len(asked), timeout=_PATIENCE)
        try:
            for failed in ray.get(done):
                if failed:
                    raise ModelError(str(failed))
        except RayError as error:
            raise ModelError(f"a worker was lost before it had loaded the model: {describe(error)}") from None
        if asked:
            yield len(actors) - len(asked)


def _connect() -> bool:
    """Whether this process wasn't connected to a cluster before; it is now.

    Raises:
        ConfigError: there is none at the address in `RAY_ADDRESS`.
    """
    import logging

    ray = _ray()
    if ray.is_initialized():
        return False
    # Ray says that it will no longer hide GPUs from actors that asked for none, unless it is told which is meant.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    address = os.environ.get("RAY_ADDRESS")
    try:
        ray.init(address=address or "auto", **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address:
            raise _no_cluster(address, describe(error)) from None
        try:
            ray.init(address="local", include_dashboard=False, object_store_memory=_STORE, **quiet)
        except Exception as error:  # Ray's own, when a machine is too busy for its patience
            raise ConfigError(
                f"--engine ray: expected a cluster that starts on this machine, found {describe(error)}; try again, "
                "or take --engine local"
            ) from None
    return True

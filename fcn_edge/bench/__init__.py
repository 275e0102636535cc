"""Measure bundles on this machine with the C++ runtime, in interleaved rounds.

Bundles A and B are run as A B A B ..., so that a machine that gets slower or busier disturbs both alike. The
raw latency of every frame is kept, and every number in the report is computed from those.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from fcn_edge.bench.machine import device_facts, pinned, watch_machine
from fcn_edge.bench.result import BenchResult, BundleBench
from fcn_edge.bench.rivals.field import Field, check_names, make_field
from fcn_edge.bench.rounds import run_round
from fcn_edge.bench.subject import Subject, check_same_size, check_source, open_subjects, write_frames
from fcn_edge.bench.warnings import (
    clock_warnings,
    machine_warnings,
    round_warnings,
    runtime_warnings,
    sample_warnings,
)
from fcn_edge.ground.artifacts import provenance
from fcn_edge.ground.config import BenchConfig
from fcn_edge.runtime.program import find_stream

__all__ = ["BenchResult", "bench"]

Progress = Callable[[str], None]
CLOCK_STEP_MS = 1e3 * time.get_clock_info("monotonic").resolution


def bench(
    bundles: list[Path], config: BenchConfig | None = None, progress: Progress | None = None
) -> BenchResult:
    """Measure latency, throughput, memory and start-up of `bundles`, interleaved.

    The frames are the clip or folder `config.source`, or each bundle's own golden frames. With
    `config.against` other runtimes take part in every round; they run `config.checkpoint` at the size of the
    first bundle.
    `progress` receives one line per finished round. FcnEdgeError: the binary is missing or refuses a bundle;
    MisuseError: the bundles cannot be compared, or a rival does not exist.
    """
    config = config or BenchConfig()
    say = progress or (lambda line: None)
    subjects = open_subjects(bundles)
    check_names(config.against)
    _check_sizes(subjects, config)
    if config.source is not None:
        check_source(config.source)
    find_stream()
    results = [BundleBench(subject) for subject in subjects]
    with ExitStack() as stack:
        stack.enter_context(pinned(config.cpus))
        sources = [_source(subject, config, stack) for subject in subjects]
        cache = config.cache or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="fcn-edge-rivals-"))
        )
        field = stack.enter_context(make_field(subjects[0], sources[0], config, cache, say))
        with watch_machine() as seen:
            _measure(results, sources, field, config, say)
        rivals = field.to_json(results[0].frame_to_mask()) if config.against else None
        device = device_facts()
    _judge(results)
    return BenchResult(
        bundles=results,
        device=device,
        disturbance=seen,
        method=_method(config),
        provenance=provenance(),
        rivals=rivals,
        warnings=[*sample_warnings(_fewest(results)), *machine_warnings(seen, device["governor"])],
    )


def _check_sizes(subjects: list[Subject], config: BenchConfig) -> None:
    """Bundles of different sizes may be compared, on the same clip; rivals run at one size."""
    if config.against:
        check_same_size(subjects, "other runtimes run at one size", "bench them one by one with --against")
    elif config.source is None:
        why = "their golden frames would not be the same"
        check_same_size(subjects, why, "name a clip or folder that both are to see with --source")


def _source(subject: Subject, config: BenchConfig, stack: ExitStack) -> Path:
    if config.source is not None:
        return config.source.absolute()
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fcn-edge-golden-"))
    return write_frames(subject, Path(folder))


def _measure(
    results: list[BundleBench], sources: list[Path], field: Field, config: BenchConfig, say: Progress
) -> None:
    """Run the rounds A B A B ...; the last word of each bundle is one run with frames in flight."""
    for number in range(config.rounds):
        for result, source in zip(results, sources, strict=True):
            finished = run_round(result.subject, source, config, "latency")
            result.rounds.append(finished)
            say(f"round {number + 1}/{config.rounds}  {result.subject.name}: {finished.fps:.1f} frames/s")
            time.sleep(config.cooldown_s)
        field.run_round(config.frames)
    for result, source in zip(results, sources, strict=True):
        result.pipelined_fps = run_round(result.subject, source, config, "throughput").fps
        say(f"frames in flight  {result.subject.name}: {result.pipelined_fps:.1f} frames/s")


def _judge(results: list[BundleBench]) -> None:
    for result in results:
        name = result.subject.name
        result.warnings += round_warnings(name, result.stage("total"))
        result.warnings += clock_warnings(name, result.stage("total"), CLOCK_STEP_MS)
        result.warnings += runtime_warnings(name, [one for each in result.rounds for one in each.warnings])


def _fewest(results: list[BundleBench]) -> int:
    return min(sum(len(one) for one in result.stage("total")) for result in results)


def _method(config: BenchConfig) -> dict[str, object]:
    return {
        "order": "interleaved",
        "rounds": config.rounds,
        "frames_per_round": config.frames,
        "warmup": config.warmup,
        "cooldown_s": config.cooldown_s,
        "threads": config.threads,
        "cpus": list(config.cpus) or None,
        "source": str(config.source) if config.source else "the bundles' golden frames",
        "percentile": "nearest rank",
        "interval": "95 %, circular block bootstrap",
    }

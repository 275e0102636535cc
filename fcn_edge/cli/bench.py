"""`fcn-edge bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fcn_edge.cli.console import emit, note, table
from fcn_edge.cli.options import JsonOption, UngatedOption
from fcn_edge.ground.config import BenchConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError


def bench(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="One or more compiled bundles.")],
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for report.html, .json, .md and .csv.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--source", help="Video or folder; default: the golden frames.")
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", help="Interleaved rounds (A B A B ...).")
    ] = BenchConfig.rounds,
    frames: Annotated[int, typer.Option("--frames", help="Measured frames a round.")] = BenchConfig.frames,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Inference threads; default: all cores.")
    ] = None,
    cpus: Annotated[
        str, typer.Option("--cpus", metavar="N,...", help="Bind everything to these processors, e.g. 0,1.")
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option("--baseline", help="Earlier report.json; exit 1 if slower beyond noise.")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", min=0.0, help="Slow-down that counts as a regression.")
    ] = 0.05,
    budget_ms: Annotated[
        float | None, typer.Option("--budget-ms", help="Exit 1 if --percentile takes longer than this.")
    ] = None,
    percentile: Annotated[
        float,
        typer.Option("--percentile", help="Of the budget: 50, 90, 99, 99.9 or 100 (the slowest frame)."),
    ] = 99.0,
    against: Annotated[
        str,
        typer.Option("--against", metavar="NAME,...", help="Other runtimes, measured in the same rounds."),
    ] = "",
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", help="With --against: the network they run.")
    ] = None,
    allow_ungated: UngatedOption = False,
    json: JsonOption = False,
) -> None:
    """Measure latency percentiles and write the report.

    Runs the C++ runtime, bundles interleaved (A B A B ...), every stage timed. Bundles must have the same
    classes; those of different sizes need a --source that both are to see.

    --against takes torch, torch-compile, onnxruntime, onnxruntime-fp32, openvino-graph, openvino-fp32,
    opencv-dnn, litert and ncnn. With --baseline or --budget-ms it passes or fails, for your own
    continuous integration.

    Example: fcn-edge bench road.fcne road-fp32.fcne --report out/bench
    """
    config = BenchConfig(
        source=source,
        rounds=rounds,
        frames=frames,
        threads=threads,
        cpus=_numbers(cpus),
        against=tuple(name.strip() for name in against.split(",") if name.strip()),
        checkpoint=checkpoint,
        allow_ungated=allow_ungated,
    )
    from fcn_edge.bench import bench as run
    from fcn_edge.bench.compare import check_percentile, judge_report, percentile_key, read_report
    from fcn_edge.report import check_report_folder, write_report

    if report is not None:
        read = (*bundles, source, baseline, checkpoint)
        check_report_folder(report, read)
    if budget_ms is not None and not budget_ms > 0:
        raise MisuseError(f"--budget-ms is {budget_ms:g}", hint="type milliseconds, e.g. --budget-ms 33")
    percentile_key(percentile)
    if budget_ms is not None or percentile != 99.0:
        check_percentile(percentile, frames, rounds)
    if baseline is not None:
        read_report(baseline)  # a bad baseline is told before the long measurement
    result = run(bundles, config, progress=note).to_json()
    result, failures = judge_report(
        result, baseline=baseline, threshold=threshold, budget_ms=budget_ms, percentile=percentile
    )
    if report is not None:
        note(f"report: {write_report(result, report)}")
    emit(result, _text(result), as_json=json)
    if failures:
        raise FcnEdgeError("; ".join(failures))


def _numbers(listed: str) -> tuple[int, ...]:
    parts = [part.strip() for part in listed.split(",") if part.strip()]
    if listed and not all(part.isdigit() for part in parts or [""]):
        raise MisuseError(f"--cpus {listed}", hint="type the numbers of processors, like --cpus 0,1")
    return tuple(map(int, parts))


def _text(result: dict[str, Any]) -> str:
    keys = ("p50", "p90", "p99", "p999", "max")
    rows = []
    for bundle in result["bundles"]:
        for stage, values in bundle["latency_ms"].items():
            cells = ["-" if values[key] is None else f"{values[key]:.2f}" for key in keys]
            rows.append([f"{bundle['name']}  {stage}", *cells])
    warnings = [f"warning: {warning['message']}; {warning['remedy']}" for warning in result["warnings"]]
    judged = [one["sentence"] for key in ("budget", "changes") for one in result.get(key, [])]
    return "\n".join([table(rows, ("latency, ms", *keys)), *judged, *warnings])

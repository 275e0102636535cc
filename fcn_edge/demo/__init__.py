"""The whole line on streets that it renders itself: from nothing to masks from C++, scored, in minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fcn_edge.demo.steps import Steps
from fcn_edge.ground.artifacts import atomic_write_json, check_folder, read_json
from fcn_edge.ground.config import BenchConfig, CompileConfig, TrainConfig
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.ground.folders import files_in, read_record
from fcn_edge.report.html import number, percent
from fcn_edge.runtime.program import find_stream, run_stream

MAGIC = "fcn-edge-demo"
MODEL = "fcn8s-efficientnet_lite0"
Say = Callable[[str], None]


@dataclass(frozen=True)
class DemoPlan:
    """How much the demo does; the defaults take about ten minutes on two cores."""

    size: tuple[int, int] = (288, 384)  # (height, width) of frames, network and clip
    train: int = 160
    val: int = 32
    clip_seconds: float = 6.0
    minutes: float = 4.0  # of training
    crop: tuple[int, int] = (192, 256)
    batch: int = 8
    seed: int = 0
    upsample: str = "auto"  # surgery: see CompileConfig
    max_drop: float = 0.02  # a net trained for minutes is noisier than one trained for days
    rounds: int = 5
    frames: int = 200  # benchmark frames of each bundle in each round


@dataclass(frozen=True)
class DemoResult:
    """What was reached, in one line and in numbers."""

    line: str
    report: Path
    bundle: Path
    overlay: Path
    clip_miou: float
    gate: dict[str, Any]
    latency_ms: dict[str, Any]

    def to_text(self) -> str:
        """Return the closing line."""
        return self.line

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


class Places:
    """Where everything goes."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.data, self.clip = out / "data", out / "data" / "clip.mp4"
        self.run = out / "run"
        self.int8, self.fp32 = out / "streets-int8.fcne", out / "streets-fp32.fcne"
        self.overlay, self.masks, self.stream = out / "overlay.mp4", out / "masks", out / "stream.json"
        self.score, self.bench = out / "clip-score.json", out / "bench.json"


def demo(
    out: Path, *, seed: int = 0, plan: DemoPlan | None = None, progress: Say | None = None
) -> DemoResult:
    """Render, train, compile with surgery and INT8, stream through C++, score, measure and report into `out`.

    A second call keeps every step whose settings did not change. Raises FcnEdgeError when a step fails, also
    when INT8 loses more than the plan's max_drop.
    """
    plan = plan or DemoPlan(seed=seed)
    say = progress or (lambda text: None)
    check_demo_folder(out)
    find_stream()  # better now than after the training
    atomic_write_json(out / "steps" / "demo.json", {"magic": MAGIC})
    at = Places(out)
    steps = Steps(out / "steps", 7, say)
    steps.run("render streets", [plan.size, plan.train, plan.val, plan.clip_seconds, plan.seed], at.clip,
              lambda: render_streets(at, plan))  # fmt: skip
    steps.run(
        "train", [plan.minutes, plan.crop, plan.batch, _start().origin], at.run, lambda: train_net(at, plan)
    )
    steps.run(
        "compile INT8", [plan.max_drop, plan.upsample], at.int8, lambda: compile_net(at, plan, at.int8, say)
    )
    steps.run("compile fp32", [], at.fp32, lambda: compile_net(at, plan, at.fp32, say))
    steps.run("stream the clip", [], at.stream, lambda: stream_clip(at))
    steps.run("score the masks", [], at.score, lambda: score_masks(at))
    steps.run("measure latency", [plan.rounds, plan.frames], at.bench, lambda: measure(at, plan, say))
    return conclude(at, steps)


def check_demo_folder(out: Path) -> None:
    """Raise MisuseError where `out` holds something else than an earlier demo, which nothing may replace."""
    check_folder(out)
    steps = [read_record(out / "steps" / f"{name}.json") for name in ("demo", "render-streets")]
    if steps[0].get("magic") == MAGIC or "key" in steps[1]:  # demos of version 0.1.0 have only the second
        return
    if out.is_dir() and (held := sorted(files_in(out))):
        raise MisuseError(f"--out {out} holds {held[0]}, and no earlier demo", hint="name a new folder")


def render_streets(at: Places, plan: DemoPlan) -> str:
    """Write frames and masks to learn from, and a moving clip that is only looked at in the end."""
    from fcn_edge.data.streets import write_folder

    write_folder(
        at.data, size=plan.size, train=plan.train, val=plan.val, seconds=plan.clip_seconds, seed=plan.seed
    )
    return f"{plan.train} frames to train on, {plan.val} to validate, a clip of {plan.clip_seconds:g} s"


def train_net(at: Places, plan: DemoPlan) -> str:
    """Train for the plan's minutes."""
    from fcn_edge.train.loop import train

    start = _start()
    result = train(
        TrainConfig(
            data=_spec(at), out=at.run, model=start.model, head_width=start.head_width, weights=start.weights,
            minutes=plan.minutes, crop=plan.crop, batch=plan.batch, seed=plan.seed, ema=0.98,
        )
    )  # fmt: skip
    reached = percent(result.metrics.get("miou"))
    return f"{start.model}, {result.steps} steps from {start.origin}: {reached} mean IU on val"


@dataclass(frozen=True)
class Start:
    """Where training starts from."""

    model: str
    head_width: int
    weights: Path | None
    origin: str


def _start() -> Start:
    """Return the shipped road network where there is one, else the default network with random weights."""
    from fcn_edge.train.checkpoint import ZOO, load_checkpoint

    shipped = ZOO / "road.safetensors"
    if not shipped.is_file():
        return Start(MODEL, TrainConfig.head_width, None, "random weights")
    spec = load_checkpoint(shipped).spec
    return Start(spec.name, spec.head_width or TrainConfig.head_width, shipped, "zoo:road")


def compile_net(at: Places, plan: DemoPlan, out: Path, say: Say) -> str:
    """Compile the trained network; the INT8 bundle goes through surgery, calibration and the gate."""
    from fcn_edge.compilation.compile import compile_checkpoint

    int8 = out == at.int8
    result = compile_checkpoint(
        CompileConfig(
            str(at.run),
            out,
            data=_spec(at),
            int8=int8,
            max_drop=plan.max_drop,
            upsample=plan.upsample if int8 else "keep",
            seed=plan.seed,
        ),
        lambda text: say(f"      {text}"),
    )
    gate = result.gate.to_json()
    if gate["verdict"] != "pass":
        raise FcnEdgeError(
            f"{out.name}: {result.gate.sentence()}", hint="run the demo again with another --seed"
        )
    layers = f"{result.layers['int8']} layers in INT8, {result.layers['float']} in float"
    return f"{layers}; {result.gate.sentence()}"


def stream_clip(at: Places) -> str:
    """Run the clip through the C++ program: overlay clip, masks and its own report."""
    run = run_stream(
        at.int8, at.clip, "--out", str(at.overlay), "--masks", str(at.masks), "--report", str(at.stream)
    ).report
    counts = f"{run['frames_in']} frames in, {run['frames_out']} out"
    return f"{counts}, {number(run['fps'])} frames/s with overlay and masks"


def score_masks(at: Places) -> str:
    """Compare the masks that C++ wrote with the clip's ground truth."""
    from fcn_edge.data import open_dataset
    from fcn_edge.train.metrics import ConfusionMatrix

    truth = open_dataset(_spec(at), "clip")
    masks = sorted(at.masks.glob("*.png"))
    if len(masks) != len(truth):
        raise FcnEdgeError(f"the clip has {len(truth)} frames and the runtime wrote {len(masks)} masks")
    matrix = ConfusionMatrix(len(truth.classes))
    for path, sample in zip(masks, truth, strict=True):
        assert sample.mask is not None  # opened with labels
        matrix.update(_read_mask(path), sample.mask)
    score = {"name": at.clip.name, **matrix.to_json(truth.classes.names)}
    atomic_write_json(at.score, score)
    return f"{percent(score['miou'])} mean IU over {score['frames']} frames of the clip"


def _read_mask(path: Path) -> Any:
    import cv2

    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise FcnEdgeError(f"mask {path} cannot be read")
    return mask


def measure(at: Places, plan: DemoPlan, say: Say) -> str:
    """Measure the INT8 and the fp32 bundle in turns."""
    from fcn_edge.bench import bench

    config = BenchConfig(source=at.clip, rounds=plan.rounds, frames=plan.frames)
    result = bench([at.int8, at.fp32], config, lambda text: say(f"      {text}")).to_json()
    atomic_write_json(at.bench, result)
    int8, fp32 = (one["latency_ms"]["total"] for one in result["bundles"])
    return f"p50 {number(int8['p50'])} ms in INT8, {number(fp32['p50'])} ms in fp32"


def conclude(at: Places, steps: Steps) -> DemoResult:
    """Write the report and say in one line what was reached."""
    from fcn_edge.report import write_report

    score = read_json(at.score)
    report = {
        "title": "Streets, from pixels to INT8",
        **read_json(at.bench),
        "clip": score,
        "steps": steps.done,
        "commands": [
            "make demo",
            f"fcn-edge bench {at.int8} {at.fp32} --source {at.clip} --report {at.out}/bench",
        ],
    }
    page = write_report(report, at.out)
    int8, fp32 = report["bundles"]
    gate, total = int8["gate"], int8["latency_ms"]["total"]
    line = (
        f"{percent(score['miou'])} mean IU from C++ INT8 masks on an unseen clip; INT8 costs "
        f"{100 * gate['drop']:.2f} points; p50 {number(total['p50'])} ms, p99 {number(total['p99'])} ms "
        f"(fp32 p50 {number(fp32['latency_ms']['total']['p50'])} ms): see {page}"
    )
    return DemoResult(line, page, at.int8, at.overlay, score["miou"], gate, total)


def _spec(at: Places) -> str:
    return f"camvid:{at.data}"

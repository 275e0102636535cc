"""Options of every stage as frozen dataclasses: one small class a stage, checked where they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fcn_edge.ground.errors import MisuseError, unknown_name

LONGEST_SIDE = 8192  # pixels of a frame: beyond it memory runs out long before anything is seen
PRECISIONS = ("fp32", "fp16", "int8")
AUGMENTATIONS = ("none", "standard", "strong")
LOSSES = ("cross-entropy", "ohem", "boundary")


def parse_size(text: str, flag: str = "--size") -> tuple[int, int]:
    """Return (height, width) in pixels from "HxW", e.g. "360x480", the value of `flag`."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise MisuseError(f"{flag} '{text}' is not HEIGHTxWIDTH", hint=f"type for example {flag} 360x480")
    height, width = int(parts[0]), int(parts[1])
    if max(height, width) > LONGEST_SIDE:
        raise MisuseError(f"{flag} is {text}", hint=f"type at most {LONGEST_SIDE}x{LONGEST_SIDE}")
    return height, width


def parse_precision(name: str | None, int8: bool) -> str:
    """Return the precision that --precision `name`, which may be missing, and --int8 ask for."""
    if name is not None and name not in PRECISIONS:
        raise unknown_name("precision", name, PRECISIONS)
    if int8 and name not in (None, "int8"):
        raise MisuseError(
            f"--int8 and --precision {name} contradict each other", hint="leave one of them out"
        )
    return "int8" if int8 else name or "fp32"


def parse_options(pairs: list[str]) -> dict[str, str]:
    """Return {"level": "5"} from ["level=5"]."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise MisuseError(f"--engine-option '{wrong[0]}' is not KEY=VALUE", hint="type for example level=5")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


@dataclass(frozen=True)
class TrainConfig:
    """`fcn-edge train`: what to learn, from what, for how long."""

    data: str  # NAME:PATH, e.g. camvid:data/camvid or streets
    out: Path  # run folder
    model: str = "fcn8s-efficientnet_lite0"
    weights: Path | None = None  # pretrained backbone or coarser FCN (.safetensors, .pth)
    start: str | None = None  # a checkpoint to go on from: its network replaces model, head_width, ...
    qat: bool = False  # round as INT8 does while training; needs `start`
    paper_head: bool = False  # fuse class scores as the paper does, instead of head_width channels
    head_width: int = 96  # channels of the edge head
    context: bool = True  # add what the whole picture says to the edge head's coarsest features
    final: str = "bilinear"  # last upsampling: bilinear | deconv (learned)
    freeze: str = ""  # parts of the backbone that stay as loaded, by key prefix: "stem,blocks.0,blocks.1"
    epochs: int = 30
    minutes: float | None = None  # wall-clock budget: the schedule then runs on time, and epochs do not count
    batch: int = 8  # frames a forward pass, in each process
    accumulate: int = 1  # forward passes whose gradients are added up before a step of the optimizer
    lr: float = 1.5e-3  # peak learning rate of the head; the backbone takes a fifth of it
    weight_decay: float = 0.01  # on weights of more than one dimension
    ema: float = 0.999  # decay of the running average of the weights that is kept and scored; 0 turns it off
    loss: str = "cross-entropy"  # cross-entropy | ohem (hardest pixels) | boundary (edges weigh more)
    augment: str = "standard"  # none | standard | strong
    crop: tuple[int, int] | None = None  # (height, width); None: the frames' own size, at most 288x384
    val_every: int = 1  # score the val split after every N epochs (and after the last)
    patience: int | None = None  # stop after this many scores in a row without a better one
    amp: bool = False  # mixed precision, on a GPU
    tensorboard: bool = False  # also log to RUN/tensorboard (extra `tensorboard`)
    seed: int = 0
    resume: bool = False
    device: str = "auto"
    workers: int = 0  # processes that read and augment frames; 0: the training process itself
    limit: int | None = None  # use only the first N frames (smoke runs)

    def __post_init__(self) -> None:
        for flag in ("epochs", "batch", "accumulate", "val_every", "patience", "head_width"):
            if (value := getattr(self, flag)) is not None and value < 1:
                name = flag.replace("_", "-")
                raise MisuseError(f"--{name} is {value}", hint=f"type --{name} 1 or more")
        if not self.lr > 0:
            raise MisuseError(f"--lr is {self.lr}", hint="type a positive learning rate, e.g. --lr 0.0015")
        if self.qat and self.start is None:
            raise MisuseError(
                "--qat fine-tunes a trained network for INT8", hint="add --from RUN, a checkpoint or zoo:NAME"
            )
        if self.start is not None and self.weights is not None:
            raise MisuseError("--from and --weights both say where to start", hint="leave one of them out")
        if self.minutes is not None and not self.minutes > 0:
            raise MisuseError(f"--minutes is {self.minutes}", hint="type a number of minutes, e.g. 30")
        if not 0 <= self.ema < 1:
            raise MisuseError(f"--ema is {self.ema}", hint="type a decay from 0 (off) to below 1, e.g. 0.999")
        if self.augment not in AUGMENTATIONS:
            raise MisuseError(f"--augment is '{self.augment}'", hint=f"valid: {', '.join(AUGMENTATIONS)}")
        if self.loss not in LOSSES:
            raise unknown_name("loss", self.loss, LOSSES)


@dataclass(frozen=True)
class CompileConfig:
    """`fcn-edge compile`: from a checkpoint to a bundle."""

    checkpoint: str
    out: Path
    data: str | None = None
    target: str = "openvino"
    int8: bool = False
    half: bool = False  # float16 instead of float32, for targets that compute in it
    size: tuple[int, int] | None = None  # (height, width); None: the data's own frame size
    split: str = "val"  # split of the gate
    labelled: bool = True  # False: the data has no masks, the gate takes argmax agreement with fp32
    calibration_data: str | None = None  # NAME:PATH of other frames to calibrate on; None: those of `data`
    calibration_split: str = "train"  # of `data`
    calibration_count: int = 64
    calibration: Path | None = None  # a set that `fcn-edge calibrate` wrote; None: chosen here
    max_drop: float = 0.01  # largest accepted loss of mean IU, as a fraction
    max_class_drop: float | None = None  # of IU of any one class; None: five times max_drop
    min_agreement: float = 0.9  # least share of pixels on which INT8 gives the class fp32 gives
    upsample: str = "auto"  # keep | subpixel | bilinear | resize-conv | auto
    recipe: str | None = None
    mixed: bool = True  # where the gate refuses, keep the noisiest layers in float, as few as it takes
    seed: int = 0
    limit: int | None = None  # gate on at most N frames
    options: dict[str, str] = field(default_factory=dict)

    @property
    def precision(self) -> str:
        """int8 | fp16 | fp32: what the layers compute in."""
        return "int8" if self.int8 else "fp16" if self.half else "fp32"


@dataclass(frozen=True)
class BenchConfig:
    """`fcn-edge bench`: how long to measure, and on what."""

    source: Path | None = None  # a clip or a folder of images; None: the bundle's golden frames
    rounds: int = 5  # interleaved rounds: A B A B ...
    frames: int = 200  # measured frames of each bundle in each round
    warmup: int = 20  # frames run and thrown away at the start of each round
    cooldown_s: float = 0.5  # pause after each round
    threads: int | None = None  # None: the runtime decides (all cores)
    cpus: tuple[int, ...] = ()  # processors that everything measured is bound to; empty: all
    against: tuple[str, ...] = ()  # other runtimes (fcn_edge.bench.rivals), measured in the same rounds
    checkpoint: str | None = None  # the network that the other runtimes run
    cache: Path | None = None  # where they keep converted models; None: nowhere
    allow_ungated: bool = False

    def __post_init__(self) -> None:
        least = {"rounds": 1, "frames": 1, "warmup": 0}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value < minimum:
                raise MisuseError(f"--{name} is {value}", hint=f"type --{name} {minimum} or more")
        if self.threads is not None and self.threads < 1:
            raise MisuseError(f"--threads is {self.threads}", hint="type --threads 1 or more")
        if self.against and not self.checkpoint:
            raise MisuseError("--against needs the trained network", hint="add --checkpoint RUN or zoo:NAME")
        if self.checkpoint and not self.against:
            raise MisuseError(
                f"--checkpoint {self.checkpoint} is for the runtimes of --against, and none is named",
                hint="add --against NAME,... or leave --checkpoint out",
            )

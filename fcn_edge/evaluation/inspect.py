"""What is inside a checkpoint or a bundle, as facts: `fcn-edge inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcn_edge.ground.artifacts import read_json
from fcn_edge.ground.errors import MisuseError

if TYPE_CHECKING:
    from torch import nn

    from fcn_edge.models.fcn import FCN
    from fcn_edge.network import Network

DEFAULT_SIZE = (360, 480)
SURGERY = "evidence/surgery.json"


@dataclass(frozen=True)
class Inspection:
    """A nested dictionary of facts, and the same for people."""

    facts: dict[str, Any]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON types."""
        return self.facts

    def to_text(self) -> str:
        """Return the facts for people."""
        return self.text


def inspect_subject(subject: str, *, size: tuple[int, int] | None = None) -> Inspection:
    """Inspect a bundle folder (it has a manifest.json) or anything open_named takes.

    size: (height, width) in pixels for which a checkpoint's MACs are counted; default 360x480.
    """
    if (Path(subject) / "manifest.json").is_file():
        if size is not None:
            raise MisuseError(
                f"--size {size[0]}x{size[1]}: compile has fixed the size of {subject}",
                hint="leave --size out",
            )
        return _inspect_bundle(Path(subject))
    return _inspect_network(subject, size or DEFAULT_SIZE)


def _inspect_network(subject: str, size: tuple[int, int]) -> Inspection:
    from fcn_edge.network import open_named

    named = open_named(subject)
    checkpoint, about = named.origin.checkpoint, named.origin.about
    facts = {
        "kind": "graph" if checkpoint is None else "checkpoint",
        "model": about.get("spec", {"name": named.origin.name}),
        "classes": list(named.classes.names),
        "size": list(size),
        **(graph_facts(named.at(size)) if checkpoint is None else module_facts(checkpoint.model, size)),
        "replaced": dict(about.get("spec", {}).get("upsamplers", {})),
        "info": {} if checkpoint is None else checkpoint.info,
        "weights_sha256": about["weights_sha256"],
    }
    return Inspection(facts, _network_text(facts))


def module_facts(model: FCN, size: tuple[int, int]) -> dict[str, Any]:
    """Return cost, receptive field and upsamplers of a PyTorch network; nothing has to be exported."""
    from torch import nn

    from fcn_edge.models.cost import count_macs, receptive_field

    cost = count_macs(model, size)
    named = [(name, one) for name, one in model.named_modules() if isinstance(one, nn.ConvTranspose2d)]
    return {
        "parameters": cost.parameters,
        "gmac": cost.gmac,
        "receptive_field": receptive_field(model),
        "upsamplers": [_upsampler(name, module) for name, module in named],
        "layers": [{"name": name, "mmac": macs / 1e6} for name, macs in cost.layers.items()],
    }


def graph_facts(network: Network) -> dict[str, Any]:
    """Return the same of a graph."""
    from fcn_edge.network.cost import measure_cost
    from fcn_edge.surgery.find import list_upsamplers

    cost = measure_cost(network.graph)
    return {
        "parameters": cost.parameters,
        "gmac": sum(cost.layers.values()) / 1e9,
        "receptive_field": cost.receptive_field,
        "upsamplers": [_upsampler(layer.name, layer.module) for layer in list_upsamplers(network.graph)],
        "layers": [{"name": name, "mmac": macs / 1e6} for name, macs in cost.layers.items()],
    }


def _upsampler(name: str, module: nn.ConvTranspose2d) -> dict[str, Any]:
    from fcn_edge.surgery.checkerboard import analytic_index

    return {
        "name": name,
        "kernel": list(module.kernel_size),
        "stride": list(module.stride),
        "channels": [module.in_channels, module.out_channels],
        "checkerboard": analytic_index(module).to_json(),
    }


def _network_text(facts: dict[str, Any]) -> str:
    height, width = facts["size"]
    heaviest = sorted(facts["layers"], key=lambda layer: -layer["mmac"])[:8]
    fields = ", ".join(f"stride {stride}: {pixels} px" for stride, pixels in facts["receptive_field"].items())
    lines = [
        f"{facts['model']['name']}, {len(facts['classes'])} classes: {', '.join(facts['classes'])}",
        f"parameters       {facts['parameters'] / 1e6:.2f} M",
        f"cost             {facts['gmac']:.2f} GMAC for a {height}x{width} frame",
        f"receptive field  {fields}",
        f"weights          sha256 {facts['weights_sha256'][:16]}",
        "",
        "upsamplers (transposed convolutions; ripple and residual 0 = no checkerboard)",
        *[_upsampler_line(layer) for layer in facts["upsamplers"]],
        *[f"  {name}: replaced by {kind}" for name, kind in facts["replaced"].items()],
        "",
        "heaviest layers",
        *[f"  {layer['mmac']:8.1f} MMAC  {layer['name']}" for layer in heaviest],
    ]
    return "\n".join(lines)


def _upsampler_line(layer: dict[str, Any]) -> str:
    kernel, stride, channels = layer["kernel"], layer["stride"], layer["channels"]
    ripple, residual = layer["checkerboard"]["ripple"], layer["checkerboard"]["residual"]
    shape = f"{kernel[0]}x{kernel[1]} stride {stride[0]}, {channels[0]} -> {channels[1]} channels"
    energy = "" if residual is None else f", residual {residual:.4f}"
    return f"  {layer['name']}: {shape}, ripple {ripple:.4f}{energy}"


def _inspect_bundle(path: Path) -> Inspection:
    from fcn_edge.bundle import read_bundle

    manifest = read_bundle(path).manifest
    bytes_in_all = sum(file["bytes"] for file in manifest["files"].values())
    facts = {"kind": "bundle", "bytes": bytes_in_all, **manifest}
    if SURGERY in manifest["files"]:
        facts["surgery"] = read_json(path / SURGERY)
    return Inspection(facts, _bundle_text(facts))


def _bundle_text(facts: dict[str, Any]) -> str:
    frame, output, gate, layers = facts["input"], facts["output"], facts["gate"], facts["layers"]
    lines = [
        f"{facts['name']}: {facts['model']['spec']['name']} for {facts['target']}, {facts['precision']}",
        f"classes   {', '.join(entry['name'] for entry in facts['classes'])}",
        f"input     uint8 {frame['height']}x{frame['width']} {frame['color']}",
        f"output    {output['tail']} at stride {output['stride']}",
        f"layers    {layers['int8']} INT8, {layers['float']} float",
        f"size      {facts['bytes'] / 1e6:.1f} MB in {len(facts['files'])} files, all hashes right",
        f"gate      {_gate_text(gate)}",
        *_surgery_lines(facts.get("surgery", {})),
    ]
    fp32 = facts["evidence"].get("fp32", {}).get("class_iou", {})
    int8 = facts["evidence"].get("int8", {}).get("class_iou", {})
    if int8:
        lines += ["", "class IU: fp32, INT8"]
        lines += [f"  {name:14s} {_iou(fp32.get(name))}  {_iou(int8.get(name))}" for name in int8]
    return "\n".join(lines)


def _surgery_lines(table: dict[str, Any]) -> list[str]:
    """Return what every upsampling layer became, and the checkerboard before and after."""
    layers = table.get("layers", [])
    if not layers:
        return []
    lines = [
        "",
        "upsampling: ripple of the layer, and checkerboard of the scores in fp32 and INT8 (1 = none)",
    ]
    for layer in layers:
        rows = {row["kind"]: row for row in layer["candidates"]}
        kinds = dict.fromkeys(("keep", layer["chosen"]))
        ripples = " -> ".join(_ripple(rows[kind]) for kind in kinds)
        lines.append(f"  {layer['name']:14s} {layer['chosen']}, ripple {ripples}")
    for name, measured in table.get("network", {}).items():
        if (index := measured.get("score_checkerboard")) is not None:
            lines.append(f"  scores, {name:7s} {_in_fp32(layers, name)}, INT8 {index:.2f}")
    return lines


def _ripple(row: dict[str, Any]) -> str:
    return "unknown" if row["checkerboard"] is None else f"{row['checkerboard']:.3f}"


def _in_fp32(layers: list[dict[str, Any]], which: str) -> str:
    """Return the checkerboard in fp32 of the kept network, or of the layers' choices, each taken alone."""
    found = []
    for layer in layers:
        kind = "keep" if which == "keep" else layer["chosen"]
        row = next(row for row in layer["candidates"] if row["kind"] == kind)
        found.append((row.get("fp32") or {}).get("score_checkerboard"))
    known = [value for value in found if value is not None]
    return f"fp32 {max(known):.2f}" if known else "fp32 unknown"


def _gate_text(gate: dict[str, Any]) -> str:
    if gate["verdict"] == "ungated":
        return "ungated: no INT8 loss to judge, or no labelled data was given"
    return gate.get("sentence") or gate["verdict"]


def _iou(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"

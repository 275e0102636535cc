"""Print what every model costs, as the Markdown table in docs/models.md.

python benchmarks/speed/cost_table.py --size 360x480
"""

from __future__ import annotations

import argparse

from fcn_edge.ground.config import parse_size
from fcn_edge.models import BACKBONES, ModelSpec, build_model
from fcn_edge.models.cost import count_macs, receptive_field

HEAVY = ("fcn_resnet50", "fcn_resnet101", "vgg16", "alexnet")  # with the head they were published with


def row(name: str, size: tuple[int, int]) -> str:
    """Return the line of FCN-8s on one backbone."""
    spec = ModelSpec(f"fcn8s-{name}", 11, None, False) if name in HEAVY else ModelSpec(f"fcn8s-{name}")
    model = build_model(spec)
    cost, reach = count_macs(model, size), receptive_field(model)
    head = f"edge, {spec.head_width}" if spec.head_width else "paper"
    seen = ", ".join(f"{pixels} at /{stride}" for stride, pixels in reach.items())
    return f"| `{spec.name}` | {head} | {cost.parameters / 1e6:.2f} | {cost.gmac:.2f} | {seen} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="360x480")
    size = parse_size(parser.parse_args().size)
    print(
        "| model | head | parameters (M) | GMAC | receptive field (pixels at stride) |\n|---|---|---|---|---|"
    )
    for name in BACKBONES:
        print(row(name, size))


if __name__ == "__main__":
    main()

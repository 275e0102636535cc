"""Draw the rooms of the package and what they import, as docs/img/rooms.svg.

    python scripts/draw_rooms.py            # write the picture
    python scripts/draw_rooms.py --check    # exit 1 if the picture is not that of the code

A room is a folder of fcn_edge. It stands one floor above the highest room that it imports. An arrow that a
path of others implies is left out, so that what remains can be read.
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fcn_edge"
PICTURE = ROOT / "docs" / "img" / "rooms.svg"
BOX, GAP, FLOOR, EDGE = (150, 38), 26, 84, 30  # pixels: a box, between boxes, between floors, around all
STYLE = """
  .box { fill: #f4f6f8; stroke: #57606a; rx: 6px; }
  .name { font: 600 15px sans-serif; fill: #1f2328; text-anchor: middle; }
  .files { font: 11px sans-serif; fill: #57606a; text-anchor: middle; }
  .arrow { fill: none; stroke: #0969da; stroke-width: 1.3px; opacity: .75; marker-end: url(#tip); }
  .ground { fill: #fff8e5; }
"""

Graph = dict[str, set[str]]


def main() -> int:
    """Draw, or check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="do not write, compare")
    options = parser.parse_args()
    drawn = draw(imports(PACKAGE), counts(PACKAGE))
    if not options.check:
        PICTURE.write_text(drawn)
        return 0
    if PICTURE.read_text() == drawn:
        return 0
    print(f"{PICTURE} is not that of the code: run python scripts/draw_rooms.py", file=sys.stderr)
    return 1


def counts(package: Path) -> dict[str, int]:
    """Return room -> number of its modules."""
    rooms = [path for path in package.iterdir() if (path / "__init__.py").is_file()]
    return {room.name: len(list(room.rglob("*.py"))) for room in sorted(rooms)}


def imports(package: Path) -> Graph:
    """Return room -> rooms that its modules import, anywhere in them."""
    rooms = counts(package)
    graph: Graph = {room: set() for room in rooms}
    for room in rooms:
        for path in (package / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                parts = [name.split(".") for name in names]
                found = {p[1] for p in parts if p[0] == package.name and len(p) > 1}
                graph[room] |= found & rooms.keys() - {room}
    return graph


def reduced(graph: Graph) -> Graph:
    """Return the graph without the arrows that a path of others implies."""

    def reach(room: str) -> set[str]:
        return graph[room].union(*(reach(one) for one in graph[room]))

    return {room: {a for a in to if not any(a in reach(b) for b in to - {a})} for room, to in graph.items()}


def floors(graph: Graph) -> dict[str, int]:
    """Return room -> floor, the ground floor being 0."""

    def floor(room: str) -> int:
        return 1 + max((floor(one) for one in graph[room]), default=-1)

    return {room: floor(room) for room in graph}


def draw(graph: Graph, files: dict[str, int]) -> str:
    """Return the picture as SVG."""
    height, arrows = floors(graph), reduced(graph)
    rows: dict[int, list[str]] = {}
    for room in sorted(graph):
        rows.setdefault(height[room], []).append(room)
    width = max(len(row) for row in rows.values()) * (BOX[0] + GAP) + 2 * EDGE
    tall = len(rows) * FLOOR + EDGE
    centre: dict[str, tuple[float, float]] = {}
    for number, row in rows.items():
        left = (width - len(row) * (BOX[0] + GAP) + GAP) / 2
        for place, room in enumerate(row):
            centre[room] = (
                left + place * (BOX[0] + GAP) + BOX[0] / 2,
                tall - EDGE - number * FLOOR - BOX[1] / 2,
            )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}"'
        f' width="{width}" height="{tall}">',
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto"><path d="M0 0 8 4 0 8z" fill="#0969da"/></marker></defs>',
    ]
    parts += [_arrow(centre[room], centre[to]) for room in sorted(arrows) for to in sorted(arrows[room])]
    parts += [_box(room, files[room], centre[room], height[room]) for room in sorted(graph)]
    return "\n".join([*parts, "</svg>", ""])


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    top, bottom = y0 + BOX[1] / 2, y1 - BOX[1] / 2
    bend = (bottom - top) / 2
    return (
        f'<path class="arrow" d="M{x0:.0f} {top:.0f} C{x0:.0f} {top + bend:.0f} '
        f'{x1:.0f} {bottom - bend:.0f} {x1:.0f} {bottom - 1:.0f}"/>'
    )


def _box(room: str, files: int, at: tuple[float, float], floor: int) -> str:
    x, y = at
    kind = "box" if floor else "box ground"
    rect = (
        f'<rect class="{kind}" x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}"'
        f' width="{BOX[0]}" height="{BOX[1]}"/>'
    )
    return (
        f'{rect}<text class="name" x="{x:.0f}" y="{y - 1:.0f}">{room}</text>'
        f'<text class="files" x="{x:.0f}" y="{y + 13:.0f}">{files} modules</text>'
    )


if __name__ == "__main__":
    sys.exit(main())

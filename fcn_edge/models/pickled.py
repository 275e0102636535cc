"""What a file of torch.save holds, told from its pickle's opcodes: nothing of it is run."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C  # torch.save before 1.6: four pickles, this number the first
MOST_BYTES = 1 << 26  # of a pickle that is looked at
HARMLESS = ("collections.OrderedDict", "torch._utils.", "torch.nn.parameter.", "torch._tensor.", "torch.Size")
STATE_KEYS = ("state_dict", "model_state_dict", "model", "net")


@dataclass
class Content:
    """classes: Python classes and functions it names beside tensors, in order. strings: all texts in it.

    whole: the file is one object of the first class, not a dictionary. script: a TorchScript archive.
    """

    whole: bool = False
    script: bool = False
    classes: list[str] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)


def advice(path: Path) -> tuple[str, str] | None:
    """Return (what the file is, the lines that make it loadable), or None where neither can be told."""
    content = look_into(path)
    if content is None or not (content.script or content.classes):
        return None
    if content.script:
        return (
            f"{path} is a TorchScript archive, not a file of weights",
            f'type: m = torch.jit.load("{path.name}"); torch.save(m.state_dict(), "weights.pth")',
        )
    names = ", ".join(content.classes[:3]) + (", ..." if len(content.classes) > 3 else "")
    load = f'if you trust it, type in Python: x = torch.load("{path.name}", weights_only=False)'
    if content.whole:
        what = f"{path} is a whole pickled object ({content.classes[0]}), not its tensors"
        return what, f'{load}; torch.save(x.state_dict(), "weights.pth")'
    key = next((key for key in STATE_KEYS if key in content.strings), None)
    part = f'x["{key}"]' if key else "x"
    if any(name.startswith("torch.nn.modules.") for name in content.classes):
        part += ".state_dict()"
    return (
        f"{path} holds Python objects beside its tensors ({names})",
        f'{load}; torch.save({part}, "weights.pth")',
    )


def look_into(path: Path) -> Content | None:
    """Return what a file of torch.save or pickle holds; None where it is neither or damaged."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return _walk_legacy(file)
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2]: name for name in archive.namelist()}
            if "constants.pkl" in names:
                return Content(script=True)
            with archive.open(names["data.pkl"]) as file:
                return _walk(BytesIO(file.read(MOST_BYTES)))
    except Exception:  # whatever a damaged file does to zipfile and pickletools: it is not understood
        return None


def _walk_legacy(file: IO[bytes]) -> Content:
    start = next(argument for code, argument in _codes(file) if code != "PROTO")
    file.seek(0)
    if start == LEGACY_MAGIC:
        for _ in range(3):  # magic number, version, sizes of types
            list(_codes(file))
    return _walk(file)


def _codes(file: IO[bytes]) -> Iterator[tuple[str, object]]:
    return ((code.name, argument) for code, argument, _ in pickletools.genops(file))


def _walk(file: IO[bytes]) -> Content:
    content, texts, is_dictionary = Content(), [""], False
    memo: dict[object, str] = {}
    for code, argument in _codes(file):
        if code in ("EMPTY_DICT", "DICT") and not content.classes:
            is_dictionary = True
        elif "UNICODE" in code or code.endswith("STRING"):
            texts.append(str(argument))
        elif code in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = texts[-1]
        elif code in ("BINGET", "LONG_BINGET"):
            texts.append(memo.get(argument, ""))
        name = ""
        if code == "GLOBAL":
            name = str(argument).replace(" ", ".")
        elif code == "STACK_GLOBAL":
            name = ".".join(texts[-2:])
        if name == "collections.OrderedDict" and not content.classes:
            is_dictionary = True
        harmless = name.startswith(HARMLESS) or (name.startswith("torch.") and name.count(".") == 1)
        if name and not harmless and name not in content.classes:
            content.classes.append(name)
            content.whole = content.whole or (len(content.classes) == 1 and not is_dictionary)
    content.strings = set(texts)
    return content

"""Text files as people's editors write them: UTF-8 with or without a byte-order mark, or UTF-16 with one."""

from __future__ import annotations

import codecs
from pathlib import Path

from fcn_edge.ground.errors import FcnEdgeError


def read_text(path: Path) -> str:
    """Return the text of a file; one sentence that names it where it cannot be read."""
    try:
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise FcnEdgeError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FcnEdgeError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error

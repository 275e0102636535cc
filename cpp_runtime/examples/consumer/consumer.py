"""The same from Python over the C interface, with nothing but the standard library.

python consumer.py LIBFCN_EDGE.so BUNDLE FRAME.bgr WIDTH HEIGHT MASK.bin
"""

import ctypes
import sys
from pathlib import Path


def load(path: str) -> ctypes.CDLL:
    """Return the library with the types of the functions used here (see fcn_edge.h)."""
    library = ctypes.CDLL(path)
    pointer = ctypes.c_void_p
    library.fcn_edge_open.argtypes = [ctypes.c_char_p, pointer, ctypes.POINTER(pointer)]
    library.fcn_edge_close.argtypes = [pointer]
    library.fcn_edge_run.argtypes = [
        pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_ssize_t, ctypes.c_char_p,
    ]  # fmt: skip
    library.fcn_edge_mask_width.argtypes = library.fcn_edge_mask_height.argtypes = [pointer]
    library.fcn_edge_last_error.restype = ctypes.c_char_p
    return library


def main(library_path: str, bundle: str, frame: str, width: str, height: str, out: str) -> None:
    """Open the bundle, segment one raw B,G,R frame, write one class id a byte."""
    library = load(library_path)

    def check(status: int) -> None:
        if status != 0:
            sys.exit(f"consumer.py: {library.fcn_edge_last_error().decode()}")

    pixels = Path(frame).read_bytes()
    if len(pixels) != 3 * int(width) * int(height):
        sys.exit(f"consumer.py: {frame} is not of that size")
    segmenter = ctypes.c_void_p()
    check(library.fcn_edge_open(bundle.encode(), None, ctypes.byref(segmenter)))
    area = library.fcn_edge_mask_width(segmenter) * library.fcn_edge_mask_height(segmenter)
    mask = ctypes.create_string_buffer(area)
    check(library.fcn_edge_run(segmenter, pixels, int(width), int(height), 0, mask))
    library.fcn_edge_close(segmenter)
    Path(out).write_bytes(mask.raw)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])

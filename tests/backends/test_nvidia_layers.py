from __future__ import annotations

from pathlib import Path

import pytest

from fcn_edge.backends.nvidia_layers import read_listing
from fcn_edge.ground.errors import FcnEdgeError

LISTINGS = Path(__file__).parent / "listings"
RTX = (LISTINGS / "tensorrt_rtx_1.7.txt").read_text()  # three rows of a real build with wheel 1.7.1.116
TENSORRT_10 = (LISTINGS / "tensorrt_10.txt").read_text()  # the form in NVIDIA's samples and guides, shortened


def test_reads_data_types_and_onnx_layers_of_a_row() -> None:
    frame, conv, deconv = read_listing(f"some other line\n{RTX}\nEngine Metadata:")
    assert (frame.kind, frame.inputs, frame.outputs) == ("kgen", ("UInt8",), ("Int8",))
    assert (conv.kind, conv.inputs, conv.outputs) == ("correlation", ("Int8",), ("Float",))
    assert conv.constants[0] == "Int8"
    assert "backbone.0.0" in conv.onnx_layers
    assert (deconv.kind, deconv.inputs, deconv.onnx_layers) == ("deconv", ("Float", "Float"), ("up16",))


def test_knows_which_kernels_are_int8() -> None:
    assert [kernel.is_int8 for kernel in read_listing(RTX)] == [False, True, False]
    assert [kernel.is_int8 for kernel in read_listing(TENSORRT_10)] == [True, True]


def test_float_weights_are_not_int8() -> None:
    row = RTX.splitlines()[1]
    head, weights = row.split("Constants:")
    assert not read_listing(head + "Constants:" + weights.replace("Int8", "Half"))[0].is_int8


@pytest.mark.parametrize("log", ["", "Layers:\n", RTX.replace("LayerType", "Layer type")])
def test_a_listing_without_a_readable_row_is_an_error(log: str) -> None:
    with pytest.raises(FcnEdgeError, match="cannot be read"):
        read_listing(log)

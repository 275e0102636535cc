"""`--precision`: what it means, and where there is no such thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcn_edge.compilation.compile import compile_checkpoint
from fcn_edge.ground.config import CompileConfig, parse_precision
from fcn_edge.ground.errors import MisuseError


@pytest.mark.parametrize(
    ("name", "int8", "meant"),
    [(None, False, "fp32"), (None, True, "int8"), ("int8", True, "int8"), ("fp16", False, "fp16")],
)
def test_int8_is_short_for_precision_int8(name: str | None, int8: bool, meant: str) -> None:
    assert parse_precision(name, int8) == meant
    config = CompileConfig("x", Path("y"), int8=meant == "int8", half=meant == "fp16")
    assert config.precision == meant


def test_contradictions_and_unknown_precisions_are_misuse() -> None:
    with pytest.raises(MisuseError, match="--int8 and --precision fp16 contradict each other"):
        parse_precision("fp16", True)
    with pytest.raises(MisuseError, match=r"unknown precision 'fp61'; did you mean 'fp16'"):
        parse_precision("fp61", False)


@pytest.mark.parametrize("target", ["openvino", "onnx", "torchscript"])
def test_targets_that_compute_in_float32_have_no_fp16(target: str, tmp_path: Path) -> None:
    config = CompileConfig("zoo:road", tmp_path / "never.fcne", target=target, half=True, size=(48, 64))
    with pytest.raises(MisuseError, match=f"--target {target} has no fp16.*tensorrt-rtx"):
        compile_checkpoint(config)
    assert list(tmp_path.iterdir()) == []

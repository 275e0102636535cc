"""Recipes: TOML in, checked fields out; every shipped one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.quantize.recipe import METHODS, Recipe, read_recipe, recipe_for

SHIPPED = sorted((Path(__file__).parents[2] / "calibration" / "recipes").glob("*.toml"))


def write(folder: Path, text: str) -> Path:
    (folder / "r.toml").write_text(text)
    return folder / "r.toml"


def test_a_recipe_sets_only_what_it_names(tmp_path: Path) -> None:
    path = write(tmp_path, 'method = "percentile"\npercentile = 99\nfloat_layers = ["classifier"]\n')
    assert read_recipe(path) == Recipe("percentile", 99.0, ("classifier",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metod = 'mse'", r"unknown key in recipe .*r\.toml 'metod'; did you mean 'method'"),
        ("method = 'kl'", r"unknown range method 'kl'.*minmax, percentile, entropy, mse"),
        ("percentile = 20.0", r"percentile is 20\.0"),
        ("percentile = 'high'", r"percentile = 'high' is not a float"),
        ("float_layers = 'up8'", r"float_layers = 'up8' is not a list of layer names"),
        ("weights = 'half'", r"unknown range of weights 'half'"),
        ("method = ", r"not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FcnEdgeError, match=message):
        read_recipe(write(tmp_path, text))


def test_a_missing_recipe_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FcnEdgeError, match="no such recipe"):
        recipe_for(str(tmp_path / "none.toml"), "full")


def test_weights_follow_the_target_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    assert recipe_for(None, "pairs").weights == "pairs"
    assert recipe_for(str(write(tmp_path, 'weights = "full"')), "pairs").weights == "full"


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_a_recipe(method: str) -> None:
    assert recipe_for(method, "full").method == method


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_are_read(path: Path) -> None:
    read_recipe(path)


def test_there_are_shipped_recipes() -> None:
    assert SHIPPED


def test_misuse_and_failure_have_different_exit_codes() -> None:
    with pytest.raises(MisuseError) as error:
        Recipe("kl")
    assert error.value.exit_code == 2

"""A recipe: how ranges are found and which layers stay float. Written in TOML under calibration/recipes/."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from fcn_edge.ground.errors import FcnEdgeError, MisuseError, unknown_name

METHODS = ("minmax", "percentile", "entropy", "mse")
AUTO = "auto"  # as --recipe: try the methods and keep the best
WEIGHTS = ("auto", "full", "pairs")
ACTIVATIONS = ("auto", "int8", "uint8")


@dataclass(frozen=True)
class Recipe:
    """How to quantize one network."""

    method: str = "mse"  # of activation ranges: minmax | percentile | entropy | mse
    percentile: float = 99.99  # of |activation|, for method percentile
    float_layers: tuple[str, ...] = ()  # names of layers kept in float, as `fcn-edge inspect` lists them
    float_scores: bool = True  # keep the 1x1 layer that makes the class scores in float as well
    weights: str = "auto"  # range of INT8 weights: full | pairs (see qdq.quantize_weight) | auto: by target
    activations: str = "auto"  # int8 | uint8 where nothing is negative | auto: uint8 on CPUs, int8 on GPUs
    equalize: bool = True  # scale channels between layers so that they share INT8 ranges well (equalize.py)
    bias_correction: bool = True  # fold the mean error of every layer into its bias

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown_name("range method", self.method, METHODS)
        if not 50 < self.percentile <= 100:
            raise MisuseError(f"percentile is {self.percentile}", hint="give a value above 50 and up to 100")
        if self.weights not in WEIGHTS:
            raise unknown_name("range of weights", self.weights, WEIGHTS)
        if self.activations not in ACTIVATIONS:
            raise unknown_name("type of activations", self.activations, ACTIVATIONS)

    def to_json(self) -> dict[str, Any]:
        """Return the fields, for evidence."""
        return {**asdict(self), "float_layers": list(self.float_layers)}


def recipe_for(name: str | None, weights: str) -> Recipe:
    """Return the recipe `name` (TOML file, range method; None: the default) with all that is `auto` decided.

    weights: the target's range of weights. "pairs" are for CPUs, whose INT8 kernels take uint8 activations.
    """
    recipe = Recipe() if name is None else Recipe(method=name) if name in METHODS else read_recipe(Path(name))
    if recipe.activations == "auto":
        recipe = replace(recipe, activations="uint8" if weights == "pairs" else "int8")
    return replace(recipe, weights=weights) if recipe.weights == "auto" else recipe


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a TOML file; unknown keys and wrong types are named."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise FcnEdgeError(
            f"no such recipe: {path}",
            hint=f"type {', '.join(METHODS)} or a TOML file, see calibration/recipes/",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FcnEdgeError(f"{path} is not valid TOML ({error})") from error
    types = {field.name: type(field.default) for field in fields(Recipe)}
    for key, value in values.items():
        if key not in types:
            raise unknown_name(f"key in recipe {path}", key, list(types))
        values[key] = _checked(path, key, value, types[key])
    return Recipe(**values)


def _checked(path: Path, key: str, value: Any, wanted: type) -> Any:
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if wanted is tuple or type(value) is not wanted:
        meant = "a list of layer names" if wanted is tuple else f"a {wanted.__name__}"
        raise FcnEdgeError(f"recipe {path}: {key} = {value!r} is not {meant}")
    return value

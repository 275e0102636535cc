import numpy as np
import pytest

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.metrics import ConfusionMatrix


def by_loops(pairs, classes):
    """The four metrics of Long et al. 2015, written out pixel by pixel."""
    n = [[0] * classes for _ in range(classes)]
    for prediction, target in pairs:
        for p, t in zip(prediction.ravel().tolist(), target.ravel().tolist(), strict=True):
            if t != 255:
                n[t][p] += 1
    t = [sum(row) for row in n]
    predicted = [sum(n[i][j] for i in range(classes)) for j in range(classes)]
    present = [i for i in range(classes) if t[i]]
    iou = {i: n[i][i] / (t[i] + predicted[i] - n[i][i]) for i in present}
    return {
        "pixel_accuracy": sum(n[i][i] for i in range(classes)) / sum(t),
        "mean_accuracy": sum(n[i][i] / t[i] for i in present) / len(present),
        "miou": sum(iou.values()) / len(present),
        "fw_iou": sum(t[i] * iou[i] for i in present) / sum(t),
        "class_iou": iou,
    }


@pytest.mark.parametrize("seed", range(4))
def test_all_metrics_equal_a_naive_loop(seed):
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 7))
    pairs = []
    for _ in range(3):
        shape = tuple(rng.integers(1, 20, 2))
        target = rng.integers(0, classes - 1, shape).astype(np.uint8)  # the last class never occurs
        target[rng.random(shape) < 0.2] = 255
        pairs.append((rng.integers(0, classes, shape).astype(np.uint8), target))
    matrix = ConfusionMatrix(classes)
    for prediction, target in pairs:
        matrix.update(prediction, target)
    expected, names = by_loops(pairs, classes), tuple(f"c{i}" for i in range(classes))
    found = matrix.to_json(names)
    for key in ("pixel_accuracy", "mean_accuracy", "miou", "fw_iou"):
        assert found[key] == pytest.approx(expected[key], abs=1e-6), (seed, key)
    for i, iou in expected["class_iou"].items():
        assert found["class_iou"][f"c{i}"] == pytest.approx(iou, abs=1e-6)
    assert found["absent"] == [f"c{classes - 1}"]
    assert found["class_iou"][f"c{classes - 1}"] is None
    assert found["frames"] == 3


def test_a_frame_of_void_alone_counts_as_a_frame_and_scores_nothing():
    matrix = ConfusionMatrix(2)
    matrix.update(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8))
    assert matrix.to_json(("a", "b"))["miou"] is None
    assert matrix.frames == 1


def test_sizes_that_differ_are_refused():
    with pytest.raises(FcnEdgeError, match=r"\(2, 3\)"):
        ConfusionMatrix(2).update(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))


def test_an_id_beyond_the_classes_is_refused():
    with pytest.raises(FcnEdgeError, match="class id 7"):
        ConfusionMatrix(2).update(np.zeros((1, 1), np.uint8), np.full((1, 1), 7, np.uint8))

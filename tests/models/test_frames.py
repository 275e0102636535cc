import numpy as np
import pytest
import torch

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.models import ModelSpec, build_model
from fcn_edge.models.frames import predict_mask, to_input


def test_input_is_normalised_rgb_of_a_bgr_frame():
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    made = to_input(torch.from_numpy(frames), mean, std)
    rgb = frames[..., ::-1].astype(np.float64) / 255
    expected = ((rgb - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-5)


def test_a_mask_has_the_size_of_its_frame():
    model = build_model(ModelSpec("fcn8s-mobilenet_v2", 4, 8)).eval()
    frame = np.random.default_rng(1).integers(0, 256, (35, 51, 3), dtype=np.uint8)
    mask = predict_mask(model, frame)
    assert mask.shape == (35, 51)
    assert mask.dtype == np.uint8
    assert mask.max() < 4


def test_a_network_with_broken_weights_gives_no_mask():
    model = build_model(ModelSpec("fcn8s-mobilenet_v2", 4, 8)).eval()
    with torch.no_grad():
        model.classifier.bias[2] = float("nan")
    with pytest.raises(FcnEdgeError, match=r"scores that are not finite"):
        predict_mask(model, np.zeros((35, 51, 3), np.uint8))

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file
from train.tiny_tree import write_tree

from fcn_edge.cli.console import metrics_text
from fcn_edge.ground.errors import FcnEdgeError, MisuseError
from fcn_edge.train import evaluate, load_checkpoint, train
from fcn_edge.train.loop import Trainer
from fcn_edge.train.state import options_of, refuse_other_options


def same_weights(a, b):
    first, second = load_file(a), load_file(b)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_training_learns_and_leaves_the_files_of_a_run(config, tmp_path):
    result = train(config(epochs=12, ema=0.5, lr=5e-3, augment="none", crop=None))
    assert result.metrics["pixel_accuracy"] > 0.6
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {
        "model.safetensors", "model.json", "last.safetensors", "last.json", "state.safetensors", "curve.csv",
    }  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "run" / "curve.csv").open()))
    assert [row["epoch"] for row in rows] == [str(n) for n in range(1, 13)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert result.steps == 24
    assert 0 <= result.waiting <= 1


def test_the_kept_checkpoint_scores_what_the_result_says(config, tree):
    from functools import partial

    from fcn_edge.data import open_dataset
    from fcn_edge.models.frames import predict_mask

    result = train(config())
    found = load_checkpoint(result.checkpoint)
    again = evaluate(partial(predict_mask, found.model), open_dataset(f"camvid:{tree}", "val"))
    assert again.to_json(found.classes.names) == result.metrics
    assert found.classes.names == ("sky", "road", "car")


def test_the_same_seed_gives_the_same_weights_and_another_does_not(config, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(config(out=tmp_path / name, seed=seed, epochs=1))
    assert same_weights(tmp_path / "a/last.safetensors", tmp_path / "b/last.safetensors")
    assert not same_weights(tmp_path / "a/last.safetensors", tmp_path / "c/last.safetensors")


def test_two_epochs_then_resume_equals_four_straight(config, tmp_path, monkeypatch):
    train(config(out=tmp_path / "straight", epochs=4))
    saved = Trainer._finish_epoch

    def stop_after_two(self, row, progress):
        saved(self, row, progress)
        if self.position.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_finish_epoch", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        train(config(out=tmp_path / "halves", epochs=4))
    monkeypatch.setattr(Trainer, "_finish_epoch", saved)
    result = train(config(out=tmp_path / "halves", epochs=4, resume=True))
    assert result.epochs == 4
    assert same_weights(tmp_path / "straight/last.safetensors", tmp_path / "halves/last.safetensors")
    assert same_weights(tmp_path / "straight/state.safetensors", tmp_path / "halves/state.safetensors")


def test_resuming_a_finished_run_changes_nothing(config):
    first = train(config(epochs=1))
    assert train(config(epochs=1, resume=True)) == first


def test_resuming_with_other_options_lists_the_differences(config):
    train(config(epochs=1))
    with pytest.raises(MisuseError, match=r"batch was 3 and is 2.*lr was 0\.0015 and is 0\.001"):
        train(config(epochs=1, resume=True, batch=2, lr=1e-3))
    with pytest.raises(MisuseError, match="nothing to resume"):
        train(config(out=config().out / "elsewhere", resume=True))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"loss": "ohem"}, "loss was cross-entropy and is ohem"),
        ({"context": False}, "context was True and is False"),
    ],
)
def test_resuming_with_another_loss_or_without_the_context_is_refused(config, changed, said):
    train(config(epochs=1))
    with pytest.raises(MisuseError, match=said):
        train(config(epochs=1, resume=True, **changed))


def test_a_run_begun_before_an_option_existed_resumes_at_its_default_and_at_no_other(config):
    now = options_of(config())
    before = {key: value for key, value in now.items() if key not in ("loss", "context")}
    refuse_other_options(before, now)
    with pytest.raises(MisuseError, match="loss was cross-entropy and is boundary"):
        refuse_other_options(before, now | {"loss": "boundary"})


@pytest.mark.parametrize("loss", ["ohem", "boundary"])
def test_every_loss_trains_and_is_recorded_in_the_checkpoint(config, loss):
    plain = train(config(out=config().out / "plain"))
    result = train(config(loss=loss))
    assert load_checkpoint(result.checkpoint).info["options"]["loss"] == loss
    assert not same_weights(plain.checkpoint / "last.safetensors", result.checkpoint / "last.safetensors")


def test_an_unknown_loss_is_refused_with_the_ones_there_are(config):
    with pytest.raises(MisuseError, match="unknown loss 'focal'") as refused:
        config(loss="focal")
    assert "cross-entropy, ohem, boundary" in str(refused.value.hint)


def test_without_context_the_network_lacks_that_branch_and_says_so(config):
    found = load_checkpoint(train(config(epochs=1, context=False)).checkpoint)
    assert not found.spec.context
    assert found.model.context is None


KILLED = """
import sys, torch
torch.set_num_threads(1)
from pathlib import Path
from fcn_edge.ground.config import TrainConfig
from fcn_edge.train import train
train(TrainConfig(data=sys.argv[1], out=Path(sys.argv[2]), model="fcn8s-mobilenet_v2", head_width=8,
                  epochs=40, batch=3, crop=(64, 64), device="cpu"))
"""


def test_a_run_killed_at_any_moment_leaves_whole_files(config, tree, tmp_path):
    out = tmp_path / "killed"
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, f"camvid:{tree}", str(out)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (out / "state.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    load_checkpoint(out)
    resumed = Trainer(*_splits(config(out=out, epochs=40, resume=True)))
    assert 1 <= resumed.position.epoch < 40
    assert resumed.clock.step == 2 * resumed.position.epoch


def _splits(made):
    from fcn_edge.train.splits import open_splits

    return made, *open_splits(made)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(config, monkeypatch):
    loss = Trainer._loss

    def poisoned(self, frames, masks):
        return loss(self, frames, masks) * (float("nan") if self.clock.step == 3 else 1)

    monkeypatch.setattr(Trainer, "_loss", poisoned)
    with pytest.raises(FcnEdgeError, match=r"nan at step 3, learning rate .*batch 00\d, .*epoch 1 is kept"):
        train(config(epochs=4))
    kept = load_checkpoint(config().out)
    assert all(torch.isfinite(p).all() for p in kept.model.parameters())


def test_one_image_is_enough_and_a_missing_class_is_reported(tmp_path, config, capsys):
    tree = write_tree(tmp_path / "one", train=1, val=1)
    import cv2

    mask = cv2.imread(str(tree / "trainannot/000.png"), cv2.IMREAD_UNCHANGED)
    mask[mask == 2] = 255
    cv2.imwrite(str(tree / "trainannot/000.png"), mask)
    result = train(config(data=f"camvid:{tree}", epochs=1, limit=1))
    assert result.steps == 1
    assert "no training pixel of: car" in capsys.readouterr().err
    with pytest.raises(FcnEdgeError, match="train has a pixel of 'car', id 2"):
        train(config(data=f"camvid:{tree}", epochs=1))  # not a trial on the first frames, but all there is


def test_images_of_void_alone_do_no_harm(tmp_path, config):
    import cv2
    import numpy as np

    tree = write_tree(tmp_path / "void", train=3, val=1)
    for path in (tree / "trainannot").iterdir():
        cv2.imwrite(str(path), np.full((64, 80), 255, np.uint8))
    result = train(config(data=f"camvid:{tree}", epochs=1, limit=3))
    assert all(torch.isfinite(p).all() for p in load_checkpoint(result.checkpoint).model.parameters())


def test_data_without_a_val_split_keeps_the_last_checkpoint_unscored(tmp_path, config):
    import shutil

    tree = write_tree(tmp_path / "noval")
    shutil.rmtree(tree / "val")
    shutil.rmtree(tree / "valannot")
    result = train(config(data=f"camvid:{tree}", epochs=1))
    assert result.metrics == {}
    assert metrics_text(result.metrics) == "not scored: the data has no labelled val split"
    load_checkpoint(result.checkpoint)


def test_frozen_parts_keep_their_weights_and_statistics(config):
    made = config(freeze="features.0,features.1", epochs=1, ema=0)
    before = {
        k: v.clone() for k, v in Trainer(*_splits(made)).model.backbone.features[:2].state_dict().items()
    }
    train(made)
    after = load_checkpoint(made.out).model.backbone.features
    assert all(torch.equal(before[k], v) for k, v in after[:2].state_dict().items())
    assert after[2].conv[0][1].num_batches_tracked > 0
    with pytest.raises(MisuseError, match="its parts: features"):
        train(config(freeze="stem"))


def test_a_budget_of_time_ends_the_run(config):
    result = train(config(minutes=0.03, epochs=1000, val_every=1000))
    assert 0 < result.epochs < 1000  # on time, not on epochs
    assert result.metrics


def test_two_processes_train_one_model(tree, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(KILLED.replace("epochs=40", "epochs=1").replace("batch=3", "batch=1"))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, str(script), f"camvid:{tree}", str(tmp_path / "ddp")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = load_checkpoint(tmp_path / "ddp")
    assert found.info["step"] == 3
    assert found.info["metrics"]["frames"] == 3


def test_accumulated_batches_equal_one_large_batch(config, tmp_path):
    frozen = "features"  # BatchNorm statistics depend on the batch; all but the head's are held still
    options = {"augment": "none", "ema": 0, "epochs": 1, "freeze": frozen, "paper_head": True}
    train(config(out=tmp_path / "large", batch=6, **options))
    train(config(out=tmp_path / "parts", batch=3, accumulate=2, **options))
    large, parts = (load_file(tmp_path / name / "last.safetensors") for name in ("large", "parts"))
    moved = [key for key in large if key.startswith("lateral.32") and large[key].ndim]
    # AdamW's first step is lr * sign(gradient) for all but tiny gradients: the directions must agree.
    start = Trainer(*_splits(config(out=tmp_path / "x", batch=6, **options))).model.state_dict()
    for key in moved:
        assert torch.equal((large[key] - start[key]).sign(), (parts[key] - start[key]).sign()), key


def steps_of(trainer, monkeypatch):
    """Return a list to be filled, at every step of the optimizer, with (batches so far, gradient)."""
    taken = []

    def step():
        gradient = trainer.model.classifier.bias.grad
        taken.append((trainer.clock.step, gradient.clone()))

    monkeypatch.setattr(trainer.optimizer, "step", step)
    return taken


@pytest.mark.parametrize("accumulate", [1, 2, 3, 4, 9])
def test_groups_end_with_the_epoch_and_step_along_their_mean(config, accumulate, monkeypatch):
    # 6 batches an epoch; the weights stay as they are, so that a gradient depends on its batch alone
    trainer = Trainer(*_splits(config(batch=1, accumulate=accumulate, epochs=2, ema=0, augment="none")))
    single, loss = [], trainer._loss

    def watched(frames, masks):
        value = loss(frames, masks)
        single.append(torch.autograd.grad(value, trainer.model.classifier.bias, retain_graph=True)[0])
        return value

    monkeypatch.setattr(trainer, "_loss", watched)
    taken = steps_of(trainer, monkeypatch)
    trainer.run()
    ends = [min(start + accumulate, 6) for start in range(0, 6, accumulate)]
    assert [batches for batches, _ in taken] == ends + [6 + end for end in ends]
    start = 0
    for end, gradient in taken:
        torch.testing.assert_close(gradient, torch.stack(single[start:end]).mean(0))
        start = end


def test_time_that_runs_out_within_a_group_still_steps(config, monkeypatch):
    trainer = Trainer(*_splits(config(batch=1, accumulate=4, epochs=9, ema=0)))
    taken = steps_of(trainer, monkeypatch)
    monkeypatch.setattr(trainer, "_over", lambda: trainer.clock.step == 2)
    trainer.run()
    assert [batches for batches, _ in taken] == [2]
    assert trainer.model.classifier.bias.grad is None


def test_the_scale_of_the_loss_is_resumed(config, monkeypatch):
    train(config(epochs=1))
    scalers = [torch.amp.GradScaler("cpu", init_scale=2.0**k, growth_interval=100 + k) for k in (7, 3)]
    made = iter(scalers)
    monkeypatch.setattr(torch.amp, "GradScaler", lambda **_: next(made))
    train(config(epochs=2, out=config().out / "scaled"))
    state = scalers[0].state_dict()
    assert state["_growth_tracker"] == 4  # steps without an infinite gradient since the scale last changed
    resumed = Trainer(*_splits(config(epochs=2, out=config().out / "scaled", resume=True)))
    assert resumed.precision.scaler is scalers[1]
    assert scalers[1].state_dict() == state


def test_a_run_that_began_without_a_scaled_loss_resumes_with_one(config, monkeypatch):
    train(config(epochs=1))
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    monkeypatch.setattr(torch.amp, "GradScaler", lambda **_: scaler)
    Trainer(*_splits(config(epochs=1, resume=True)))
    assert scaler.get_scale() == 8.0


def test_a_batch_with_one_value_for_batchnorm_is_one_sentence(config, tmp_path):
    with pytest.raises(MisuseError, match="a batch of 1 crop of 32x32 leaves BatchNorm one value") as refused:
        train(config(batch=1, crop=(32, 32)))
    assert refused.value.hint == "type --crop 64x64 or larger, or --batch 2"
    train(config(batch=1, crop=(64, 32), epochs=1))
    one = write_tree(tmp_path / "one", train=1, val=1)
    with pytest.raises(MisuseError) as refused:
        train(config(data=f"camvid:{one}", out=tmp_path / "alone", crop=(32, 32)))
    assert refused.value.hint == "type --crop 64x64 or larger"


def test_a_run_resumes_where_its_files_lie_elsewhere_but_not_where_they_changed(config, tree, tmp_path):
    import shutil

    first = train(config(epochs=1, out=tmp_path / "first")).checkpoint / "model.safetensors"
    train(config(epochs=1, start=str(first)))
    (tmp_path / "link").symlink_to(tree)
    moved = shutil.copytree(tree, tmp_path / "moved")
    copied = shutil.copy(first, tmp_path / "start.safetensors")
    for data in (tree, tmp_path / "link", moved):
        for start in (first, copied):
            train(config(epochs=1, data=f"camvid:{data}", start=str(start), resume=True))
    other = write_tree(tmp_path / "other", seed=1)
    with pytest.raises(MisuseError, match=r"data was camvid:.*/data and is camvid:.*/other; resume with"):
        train(config(epochs=1, data=f"camvid:{other}", start=str(first), resume=True))
    another = shutil.copy(config().out / "model.safetensors", tmp_path / "another.safetensors")
    with pytest.raises(MisuseError, match=r"start was .* and is "):
        train(config(epochs=1, start=str(another), resume=True))
    shutil.copy(other / "val/000.png", tree / "val/000.png")
    with pytest.raises(MisuseError, match=r"other options: the content of data camvid:.*/data has changed;"):
        train(config(epochs=1, start=str(first), resume=True))


def test_a_run_begun_before_digests_were_kept_compares_what_was_typed():
    saved = {"data": "a", "data_sha256": "1", "weights": "w"}
    asked = {"data": "b", "data_sha256": "1", "val_sha256": "2", "weights": "w", "weights_sha256": "3"}
    refuse_other_options(saved, asked)
    with pytest.raises(MisuseError, match="options: weights was w and is v;"):
        refuse_other_options(saved, asked | {"weights": "v"})


def test_a_run_stops_when_scores_stay_as_they_are(config, monkeypatch):
    monkeypatch.setattr(Trainer, "_validate", lambda self: {"miou": 0.5})
    assert train(config(epochs=20, patience=2)).epochs == 3


def test_pictures_of_the_run_are_left(config, tmp_path):
    import cv2

    train(config(epochs=2))
    assert cv2.imread(str(tmp_path / "run/curve.png")).shape[2] == 3
    assert cv2.imread(str(tmp_path / "run/predictions.png")).shape == (3 * 68, 3 * 80, 3)


def test_mixed_precision_without_a_gpu_is_refused(config):
    with pytest.raises(MisuseError, match="--amp on cpu"):
        train(config(amp=True))

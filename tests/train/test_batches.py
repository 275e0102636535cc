import os
import shutil
import subprocess
import sys

import pytest
import torch

from fcn_edge.data import open_dataset
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.batches import Batches, choose_crop, make_augmentation
from fcn_edge.train.distributed import Ranks


def batches(tree, **options):
    augmentation = make_augmentation("strong", (32, 40))
    return Batches(
        open_dataset(f"camvid:{tree}", "train"), augmentation, **{"batch": 2, "seed": 3, **options}
    )


def test_an_epoch_is_the_same_twice_and_differs_from_the_next(tree):
    first, again = list(batches(tree).epoch(4)), list(batches(tree).epoch(4))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    following = list(batches(tree).epoch(5))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, following, strict=True))


def test_workers_do_not_change_what_is_learned(tree):
    alone, helped = list(batches(tree).epoch(0)), list(batches(tree, workers=1).epoch(0))
    assert all(
        torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(alone, helped, strict=True)
    )


def test_ranks_share_the_frames_of_an_epoch_without_overlap(tree):
    parts = [batches(tree, ranks=Ranks(rank, 2), batch=1).indices(0) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == 3
    assert sorted(i for part in parts for batch in part for i in batch) == list(range(6))


def test_a_batch_larger_than_the_data_is_cut_to_it(tree):
    assert [frames.shape[0] for frames, _ in batches(tree, batch=50).epoch(0)] == [6]


def test_the_crop_is_the_frame_unless_that_is_large():
    assert choose_crop((90, 120), None) == (90, 120)
    assert choose_crop((360, 480), None) == (288, 384)
    assert choose_crop((360, 480), (64, 64)) == (64, 64)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_frame_that_cannot_be_read_is_one_sentence_with_workers_too(tree, workers):
    made = batches(tree, workers=workers)
    (tree / "train/003.png").write_bytes((tree / "train/003.png").read_bytes()[:100])
    with pytest.raises(FcnEdgeError) as alone:
        open_dataset(f"camvid:{tree}", "train")[3]
    with pytest.raises(FcnEdgeError) as found:
        list(made.epoch(0))
    assert type(found.value) is type(alone.value)
    assert str(found.value) == str(alone.value)
    assert "003.png" in str(found.value)


TINY = """
import sys
from train.test_batches import batches
from fcn_edge.ground.errors import FcnEdgeError
if __name__ == "__main__":
    made = batches(sys.argv[1], batch=6, workers=1)
    try:
        with made.explained():
            print(len(list(made.epoch(0))))
    except FcnEdgeError as error:
        print(error)
"""


@pytest.mark.parametrize("size", ["4k", "8k"])
def test_too_little_shared_memory_is_one_sentence(tree, tmp_path, size):
    script = tmp_path / "tiny.py"
    script.write_text(TINY)
    mount = f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    alone = ["unshare", "-m", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*alone, mount], check=False).returncode:
        pytest.skip("needs the right to mount")
    done = subprocess.run(
        [*alone, f'{mount} && exec "$0" "$@"', sys.executable, str(script), str(tree)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.startswith("/dev/shm of 0.0 MB is too small for --workers 1; type --workers 0"), done


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader's "
            "workers are out of shared memory. Please try to raise your shared memory limit.",
            r"/dev/shm of .* MB is too small for --workers 1",
        ),
        (
            "Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):"
            "\nunable to allocate shared memory(shm) for file </t>: No space left on device (28)",
            r"/dev/shm of .* MB is too small for --workers 1",
        ),
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", "of --workers was ended from outside"),
        ("DataLoader worker (pid(s) 7) exited unexpectedly", "of --workers was ended from outside"),
    ],
)
def test_what_torch_says_of_its_workers_is_understood(tree, text, said):
    with pytest.raises(FcnEdgeError, match=said), batches(tree, workers=1).explained():
        raise RuntimeError(text)


def test_other_errors_stay_what_they_are(tree):
    with pytest.raises(RuntimeError, match="No space left"), batches(tree).explained():
        raise RuntimeError("No space left on device")  # without workers it is not their memory

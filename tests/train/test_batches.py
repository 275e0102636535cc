import torch

from fcn_edge.data import open_dataset
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

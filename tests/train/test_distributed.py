"""Several processes: an error on one ends them all, and all say what it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch.distributed as dist

from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.distributed import ALONE

RANK = """
import sys
import torch
from fcn_edge.cli import run
from fcn_edge.ground.errors import FcnEdgeError
from fcn_edge.train.loop import Trainer

torch.set_num_threads(1)
data, out, where, who = sys.argv[1:]
whole = getattr(Trainer, where)

def failing(self, *rest):
    if self.ranks.rank == int(who) and (where != "_loss" or self.clock.step == 1):
        raise FcnEdgeError("frame 7 is gone", hint="put it back")
    return whole(self, *rest)

setattr(Trainer, where, failing)
options = "--model fcn8s-mobilenet_v2 --head-width 8 --epochs 2 --batch 1 --crop 64x64 --device cpu"
sys.exit(run(["train", "--data", data, "--out", out, *options.split()]))
"""


# in a step, while the others wait for gradients; in scoring, while they wait to agree; after the last epoch
@pytest.mark.parametrize(("where", "who"), [("_loss", 1), ("_validate", 0), ("_draw", 0)])
def test_an_error_on_one_rank_ends_them_all_with_its_message(tree, tmp_path, where, who):
    script = tmp_path / "rank.py"
    script.write_text(RANK)
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # as torchrun's agent does
    shared = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "WORLD_SIZE": "2",
        "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0",
    }  # fmt: skip
    # nobody but the ranks themselves ends a rank here: torchrun would
    ranks = [
        subprocess.Popen(
            [sys.executable, str(script), f"camvid:{tree}", str(tmp_path / "run"), where, str(who)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    try:
        said = [process.communicate(timeout=300)[1] for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [1, 1]
    assert "fcn-edge: error: frame 7 is gone; put it back" in said[who]
    other = f"fcn-edge: error: process {who} of 2 failed: frame 7 is gone; put it back"
    assert other in said[1 - who]


def test_a_process_alone_raises_what_was_raised():
    with pytest.raises(FcnEdgeError, match="here"), ALONE.together():
        raise FcnEdgeError("here")

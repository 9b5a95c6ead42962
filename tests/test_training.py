"""The training loop where it ends badly; where it ends well, test_regressor shows."""

import pytest
import torch

from sknumclip import NumCLIPRegressor
from sknumclip.backbone import load_backbone


@pytest.mark.parametrize(
    ("room", "advice"),
    [
        (3, "batch_size=2 fits: use it, with accumulate_steps=4 .* grad_checkpointing=True"),
        (0, "Not even one image fits: use grad_checkpointing=True"),
    ],
)
def test_out_of_memory_says_which_batch_size_fits(clip_models, pixels, room, advice):
    def fill_memory(visual, args):
        if len(args[0]) > room:
            raise torch.OutOfMemoryError("Tried to allocate 20.00 GiB.")

    # The tower that is trained is a copy, and copies take hooks along.
    hook = load_backbone(clip_models["clip"]).visual.register_forward_pre_hook(fill_memory)
    reg = NumCLIPRegressor(2, model_name=clip_models["clip"], batch_size=8, verbose=0)
    with pytest.raises(torch.OutOfMemoryError, match=f"with batch_size=8. {advice}.*20.00 GiB"):
        reg.fit(pixels, range(8))
    hook.remove()

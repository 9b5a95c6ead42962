"""What test_distributed.py compares: the same fits, alone or as one of several processes.

Run by torchrun; each process writes what it got to ``FOLDER/RANK.pkl``.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
import torch
from factories import BINS, FromZeroShot, small_pictures
from PIL import Image
from skorch.callbacks import Callback
from torchvision.transforms import v2

from sknumclip import NumCLIPClassifier, NumCLIPRegressor
from sknumclip.exceptions import ImageReadError
from sknumclip.images.embeddings import clear_embedding_cache
from sknumclip.images.reading import Images
from sknumclip.losses import FCRC
from sknumclip.machine import progress

N = 45  # of which 32 make the first step and 13, an odd number, the second
PATIENT = dict(early_stopping=True, validation_fraction=0.3, n_iter_no_change=2, max_epochs=30)


class StopAfter(Callback):
    """Break off as a crash would."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            raise RuntimeError("crash")


def pictures():
    return small_pictures(N), np.random.default_rng(1).uniform(0, 100, N)


class Untouched(NumCLIPRegressor):
    regressor_lr = 0
    solve_first = False


class Local(Untouched):
    gather_batches = False


class Scenarios:
    """The fits, by an accelerator's processes that make up batches of 32 together, or by one."""

    def __init__(self, folder, accelerator=None):
        self.folder = Path(folder)
        self.accelerator = accelerator
        self.n = 1 if accelerator is None else accelerator.num_processes

    def make(self, kind="clip", cls=NumCLIPRegressor, **params):
        defaults = dict(
            model_name=f"local-dir:{self.folder / kind}",
            batch_size=32 // self.n,
            max_epochs=2,
            lr=1e-4,
            precision="fp32",
            random_state=0,
            verbose=1,
            accelerator=self.accelerator,
        )
        if issubclass(cls, NumCLIPRegressor):
            defaults["bins"] = BINS
        return cls(**{**defaults, **params})

    def report(self, *args, **params):
        """Return what one fit gave."""
        X, y = pictures()
        kept = {}

        class KeepFirstGradients(Callback):  # callbacks are copied, but not what they refer to
            def on_grad_computed(self, net, named_parameters, **kwargs):
                if not kept:
                    kept.update(
                        (k, p.grad.numpy().copy()) for k, p in named_parameters if p.requires_grad
                    )

        cls = params.get("cls", NumCLIPRegressor)
        target = y if issubclass(cls, NumCLIPRegressor) else np.digitize(y, [10, 30])
        reg = self.make(callbacks=[KeepFirstGradients()], **params).fit(X, target, *args)
        return {
            "gradients": kept,
            "weights": {k: v.numpy() for k, v in reg.net_.module_.trained_state().items()},
            "history": reg.history_.drop(columns="dur").to_dict(orient="list"),
            "predictions": reg.predict(X),
        }

    def everything(self):
        weights = np.random.default_rng(2).uniform(0, 3, N)
        reports = {
            "full": self.report(),
            "weighted": self.report(weights),
            "resnet": self.report(kind="resnet", cls=FromZeroShot),
            "partly frozen": self.report(
                fine_tune=1, shift="none", grad_checkpointing=True, max_epochs=1
            ),
            "accumulated": self.report(
                cls=FromZeroShot, batch_size=8 // self.n, accumulate_steps=3
            ),
            "infonce": self.report(ranking_loss="infonce"),
            "pairs": self.report(
                cls=FromZeroShot, ranking_loss=FCRC(distance="squared"), max_epochs=1
            ),
            "own augmentation": self.report(
                cls=FromZeroShot, augment=v2.RandomHorizontalFlip(), max_epochs=1
            ),
            "frozen": self.report(fine_tune="none", batch_size="auto"),
            "classifier": self.report(cls=NumCLIPClassifier, max_epochs=1),
            "stopped early": self.report(**PATIENT),
            "untouched": self.report(cls=Untouched, lr=0, prompt_lr=0, augment=False),
            "local": self.report(cls=Local, lr=0, prompt_lr=0, augment=False),
            "any seed": self.report(cls=FromZeroShot, random_state=None),
            "one sample in the last batch": self.report(
                cls=FromZeroShot, batch_size=44 // self.n, max_epochs=1
            ),
        }
        X, y = pictures()
        few = [
            self.make(max_epochs=0, fine_tune=f).fit(X, y).predict(X[:1]) for f in ("full", "none")
        ]
        reports["fewer images than processes"] = few
        reports["resumed"] = self.resumed()
        reports["files"] = self.files()
        reports["errors"] = self.errors()
        return reports

    def resumed(self):
        X, y = pictures()
        folder = self.folder / f"checkpoints of {self.n}"
        params = dict(max_epochs=5, checkpoint=folder, early_stopping=True, n_iter_no_change=9)
        try:
            self.make(**params, callbacks=[StopAfter()]).fit(X, y)
        except RuntimeError as error:
            if str(error) != "crash":
                raise
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()  # the other process may still be writing
        return {
            "files": len(list(folder.iterdir())),
            "resumed": self.make(**params).fit(X, y).predict(X),
            "whole": self.make(**{**params, "checkpoint": None}).fit(X, y).predict(X),
        }

    def files(self):
        """Fit and predict from files, among them unreadable ones; count what is read."""
        X, y = pictures()
        folder = self.folder / "files"
        paths = [str(folder / f"{i}.png") for i in range(N)]
        if self.accelerator is None or self.accelerator.is_main_process:
            folder.mkdir(exist_ok=True)
            for path, image in zip(paths, X, strict=True):
                Image.fromarray(image).save(path)
            (folder / "7.png").write_bytes(b"")
            (folder / "8.png").unlink()
        if self.accelerator is not None:
            self.accelerator.wait_for_everyone()
        reads, read = [], Images.read

        def counted(images, i, min_side=None):
            reads.append(i)
            return read(images, i, min_side)

        Images.read = counted
        found = {}
        for fine_tune in ("full", "none"):
            cache = self.folder / f"cache {fine_tune} {self.n}"
            clear_embedding_cache()
            reg = self.make(fine_tune=fine_tune, on_error="skip", image_cache=cache, max_epochs=1)
            reads.clear()
            reg.fit(paths, y)
            n_read = len(reads)
            kept = len([file for file in cache.rglob("*") if file.suffix in (".raw", ".embedding")])
            reads.clear()
            found[fine_tune] = {
                "read by fit": n_read,
                "kept": kept,
                "predictions": reg.predict(paths),
                "read by predict": len(reads),
                "skipped": list(reg.skipped_),
            }
        Images.read = read
        return found

    def errors(self):
        paths = [str(self.folder / "files" / f"{i}.png") for i in range(N)]
        y = pictures()[1]
        messages = []
        for fine_tune in ("full", "none"):
            try:
                self.make(fine_tune=fine_tune).fit(paths, y)
            except ImageReadError as error:
                messages.append(sorted(Path(name).name for name in error.failures))
        if self.accelerator is not None:
            rank, (X, _) = self.accelerator.process_index, pictures()
            reg = self.make(max_epochs=0).fit(X, y)
            for job in (lambda: reg.fit(X, y + rank / 1000), lambda: reg.predict(X[: 10 + rank])):
                try:
                    job()
                except ValueError as error:
                    messages.append(str(error))
        return messages


if __name__ == "__main__":
    progress.DELAY = 0  # bars of short work too
    from accelerate import Accelerator

    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    reports = Scenarios(sys.argv[1], accelerator).everything()
    Path(sys.argv[1], f"{accelerator.process_index}.pkl").write_bytes(pickle.dumps(reports))
    accelerator.end_training()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()

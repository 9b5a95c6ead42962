"""Data sets of images with numeric labels, and splitters for few-shot and shifted training.

- ``make_...`` draws images, ``load_...`` reads local files; nothing is downloaded. Loaders return
  paths, labels, identities (``groups``) and the published folds or split; ``DESCR`` documents the
  source and terms of the data.
- :func:`few_shot` and :func:`distribution_shift` choose samples to train on;
  :class:`FewShotSplit` and :class:`DistributionShiftSplit` do so in cross-validation, also with
  the published folds or split: ``FewShotSplit(k=4, cv=data.folds)``.
"""

from ._drawing import make_counting_images
from ._faces import load_adience, load_fgnet, load_utkface
from ._folder import load_folder
from ._morph2 import load_morph2
from ._photos import load_historical_color, load_image_aesthetics
from ._splits import DistributionShiftSplit, FewShotSplit
from ._subsets import distribution_shift, few_shot
from ._yearguessr import load_yearguessr

__all__ = [
    "DistributionShiftSplit",
    "FewShotSplit",
    "distribution_shift",
    "few_shot",
    "load_adience",
    "load_fgnet",
    "load_folder",
    "load_historical_color",
    "load_image_aesthetics",
    "load_morph2",
    "load_utkface",
    "load_yearguessr",
    "make_counting_images",
]

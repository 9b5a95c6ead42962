"""Type aliases for signatures, used by editors and type checkers only.

Types of heavy or optional libraries are in quotes, so that this module does not import them.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from accelerate import Accelerator as _Accelerator
    from matplotlib.axes import Axes as _Axes
    from matplotlib.colors import Colormap as _Colormap
    from matplotlib.figure import Figure as _Figure
    from PIL.Image import Image
    from sklearn.model_selection import BaseCrossValidator

StrPath: TypeAlias = str | os.PathLike[str]

# --------------------------------------------------------------------------------------- arrays

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.signedinteger[Any]]
Pixels: TypeAlias = NDArray[np.uint8]
ImagesOrFeatures: TypeAlias = Union[
    "Sequence[StrPath | Image | Pixels] | pd.Series | pd.Index | pd.DataFrame",
    NDArray[Any],
    Sequence[Sequence[float]],
]

# ------------------------------------------------------------------- parameters of the estimators

Preset: TypeAlias = Literal["age", "age_fine", "decade", "aesthetics"]
Outside: TypeAlias = Literal["raise", "clip"]
PromptInit: TypeAlias = Literal["words", "numbers", "random"]
Augment: TypeAlias = bool | Literal["crop"] | Callable[["torch.Tensor"], "torch.Tensor"]
AugmentOrAuto: TypeAlias = Augment | Literal["auto"]
FineTune: TypeAlias = Literal["full", "none"] | int
RankingLoss: TypeAlias = Literal["fcrc", "infonce", "author_code", "none"] | Callable[..., Any]
Distance: TypeAlias = Literal["absolute", "sqrt", "squared"]
WeightNorm: TypeAlias = Literal["softmax", "mean"]
Shift: TypeAlias = Literal["width", "relative", "none"]
LrSchedule: TypeAlias = Literal["cosine", "constant"]
IntOrAuto: TypeAlias = int | Literal["auto"]
FloatOrAuto: TypeAlias = float | Literal["auto"]
Device: TypeAlias = Union[str, "torch.device"]
Precision: TypeAlias = Literal["auto", "fp32", "bf16"]
OnError: TypeAlias = Literal["raise", "skip"]
HeadLoss: TypeAlias = Literal["l1", "cross_entropy", "sord", "corn", "triangular", "emd"]
CV: TypeAlias = Union[
    int, "BaseCrossValidator", Iterable[tuple[ArrayLike, ArrayLike]], NDArray[Any], "pd.Series"
]
RandomState: TypeAlias = int | np.random.RandomState | None
Accelerator: TypeAlias = "_Accelerator"

# -------------------------------------------------------------------------------- everything else

Metrics: TypeAlias = Mapping[str, float | str]
Axes: TypeAlias = "_Axes"
Figure: TypeAlias = "_Figure"
Colormap: TypeAlias = Union[str, "_Colormap"]
Keywords: TypeAlias = Mapping[str, Any]

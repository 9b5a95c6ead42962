"""BatchPredictor: predictions for large tables with dask, ray or pandas, piece by piece."""

from __future__ import annotations

import copy
import os
import sys
import threading
import uuid
from collections.abc import Mapping
from typing import Any, overload

import numpy as np
import pandas as pd

from ._typing import StrPath
from .baselines._zero_shot import ZeroShotCLIPRegressor
from .classifier import NumCLIPClassifier
from .estimators.numclip import BaseNumCLIP
from .exceptions import SavedModelError
from .regressor import NumCLIPRegressor, PaperRegressor
from .saving.folder import saved_class

__all__ = ["BatchPredictor"]

_MAX_MODELS = 4
_models: dict[str, Any] = {}  # loaded in this process, by the predictor's token, oldest first
_lock = threading.RLock()


class BatchPredictor:
    """Add predictions to a piece of a table, with one copy of the model per process.

    It can be pickled, so dask, ray and similar libraries can send it to their workers. If dask
    calls it with made-up rows to learn the column types (``map_partitions`` without ``meta=``), it
    answers without reading an image.

    Parameters
    ----------
    model : str, Path or fitted NumCLIPRegressor or NumCLIPClassifier
        The folder of a saved model that all workers can read, or the model itself, which is then
        sent along with the predictor. Either way each process loads it once.
    column : str, default="path"
        The column with the images: paths, URLs or arrays.
    output : str, default="prediction"
        The column to add.
    params : mapping, default=None
        Parameters of the estimator to change on the workers, such as
        ``{"on_error": "skip", "num_workers": 4}``.

    Raises
    ------
    ValueError
        When called on a table without `column`.
    SavedModelError
        On the first call, if `model` is not the folder of a saved model. It is a ValueError.
    TypeError
        If `model` is neither a folder nor a model, or when called on something other than a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> from sknumclip.inference import BatchPredictor
    >>> X, y = make_counting_images(60, random_state=0)
    >>> reg = NumCLIPRegressor(3, model_name="tiny", fine_tune="none", verbose=0).fit(X, y)
    >>> predictor = BatchPredictor(reg, column="image")
    >>> predictor(pd.DataFrame({"image": list(X[:4])})).columns.tolist()
    ['image', 'prediction']
    """

    def __init__(
        self,
        model: StrPath | BaseNumCLIP,
        *,
        column: str = "path",
        output: str = "prediction",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        if not (isinstance(model, (str, os.PathLike)) or hasattr(model, "predict")):
            raise TypeError(
                "model must be the folder of a saved model, or a fitted estimator. Got "
                f"{model!r:.100}."
            )
        self.model = model
        self.column = column
        self.output = output
        self.params = params
        self._token = uuid.uuid4().hex

    @overload
    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame: ...
    @overload
    def __call__(self, batch: pd.Series) -> pd.Series: ...
    @overload
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]: ...
    def __call__(
        self, batch: pd.DataFrame | pd.Series | Mapping[str, Any]
    ) -> pd.DataFrame | pd.Series | dict[str, Any]:
        """Predict for one piece of a table.

        Parameters
        ----------
        batch : DataFrame, Series of images, or mapping of column names to arrays
            A piece of a table, as passed by dask, pandas and ray. May be empty.

        Returns
        -------
        DataFrame, Series or dict
            `batch` with the predictions as an additional column; for a Series, just the
            predictions.
        """
        if isinstance(batch, pd.Series):
            return pd.Series(self._predict(batch), index=batch.index, name=self.output)
        if not isinstance(batch, (pd.DataFrame, Mapping)):
            raise TypeError(
                "A piece of a table must be a DataFrame, a Series of images or a mapping of column "
                f"names to arrays. Got {type(batch).__name__}; with ray use batch_format='numpy' "
                "or 'pandas'."
            )
        if self.column not in list(batch):
            raise ValueError(
                f"There is no column {self.column!r} among {list(batch)}. Pass its name, as in "
                f"BatchPredictor(model, column={[*batch, 'path'][0]!r})."
            )
        predictions = self._predict(batch[self.column])
        if isinstance(batch, pd.DataFrame):
            return batch.assign(**{self.output: predictions})
        return {**batch, self.output: predictions}

    def _predict(self, images):
        # One piece at a time, since each uses all cores or the GPU.
        with _lock:
            estimator = self._estimator()
            if len(images) and not _called_by_dask_for_types():
                return estimator.predict(images)
            return np.resize(getattr(estimator, "classes_", [np.nan]), len(images))

    def _estimator(self):
        if self._token not in _models:
            if len(_models) >= _MAX_MODELS:
                del _models[next(iter(_models))]
            _models[self._token] = _load(self.model).set_params(**(self.params or {}))
        return _models[self._token]


def _called_by_dask_for_types():
    """Whether dask is calling with made-up rows to learn the column types."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name in ("emulate", "_emulate") and module.startswith("dask."):
            return True
        frame = frame.f_back
    return False


def _load(model):
    if not isinstance(model, (str, os.PathLike)):
        return copy.copy(model)
    saved = (NumCLIPRegressor, PaperRegressor, NumCLIPClassifier, ZeroShotCLIPRegressor)
    classes = {cls.__name__: cls for cls in saved}
    name = saved_class(model)
    if name not in classes:
        raise SavedModelError(
            f"{model} contains the class {name:.50}, not one of {sorted(classes)}. Load it with "
            "its own class, and pass the model: BatchPredictor(YourClass.load(folder))."
        )
    return classes[name].load(model)

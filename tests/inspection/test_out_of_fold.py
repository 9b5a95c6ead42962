"""out_of_fold: each prediction comes from a model that has not seen the sample."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict

from sknumclip import NumCLIPRegressor
from sknumclip.inspection._out_of_fold import out_of_fold

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=20)
SPLITS = list(KFold(4).split(X))


def test_predictions_are_those_of_cross_validation():
    held = out_of_fold(Ridge(), X, Y, SPLITS, None, 5)
    np.testing.assert_allclose(held.prediction, cross_val_predict(Ridge(), X, Y, cv=KFold(4)))


def test_neighbors_are_training_samples():
    reg = NumCLIPRegressor(3, model_name="tiny", fine_tune="none", max_epochs=1, verbose=0)
    held = out_of_fold(reg, X.astype(np.float32), Y, SPLITS, None, 5)
    for train, test in SPLITS:
        labels = held.neighbor_labels[test]
        assert labels.shape == (5, 5)
        assert np.isin(labels, Y[train]).all()


def test_folds_that_leave_samples_out_are_an_error():
    with pytest.raises(ValueError, match="cv must test each sample once"):
        out_of_fold(Ridge(), X, Y, SPLITS[:3], None, 5)

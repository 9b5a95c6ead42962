"""
Searching over β and bins
=========================

The strength of the ranking loss (β) and the bins are parameters, so scikit-learn can search over
them. With ``fine_tune="none"`` each image is embedded once for the whole search. Offline, in less
than a minute::

    python examples/plot_03_search.py
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV, KFold

from sknumclip import LinguisticBins, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.plotting import SearchDisplay, TrainingCurveDisplay

# %%
# The grid
# --------
# Bins can be searched over like any other value.

X, y = make_counting_images(500, random_state=0)
bins = [
    LinguisticBins.from_mapping({"a few": (1, 20), "countless": (20, 101)}),
    LinguisticBins.from_mapping({"a few": (1, 10), "many": (10, 40), "countless": (40, 101)}),
    LinguisticBins.from_mapping(
        {
            "a few": (1, 6),
            "several": (6, 16),
            "many": (16, 40),
            "dozens of": (40, 70),
            "countless": (70, 101),
        }
    ),
]
reg = NumCLIPRegressor(
    template="a picture of {} shapes.",
    model_name="tiny",
    canvas_scale=1,
    fine_tune="none",
    max_epochs=30,
    prompt_lr=3e-3,
    random_state=0,
    verbose=0,
)
search = GridSearchCV(
    reg,
    {"beta": [0, 1, 4, 16], "bins": bins},
    scoring="neg_mean_absolute_error",
    cv=KFold(3, shuffle=True, random_state=0),
).fit(X, y)

# %%
# The heat map
# ------------
# Mean and standard deviation of the error over the folds; the best is framed in red. Differences
# smaller than the standard deviation mean little: here the bins matter, and β hardly does.

SearchDisplay.from_estimator(search, labels={"bins": ["2 words", "3 words", "5 words"]})

# %%
# Training curves of the best model
# ---------------------------------
# Early stopping sets part of the data aside and records its losses, too. Training stops when the L1
# loss on that part no longer falls. The ranking loss compares the images of a batch and grows with
# their number, so its training and validation curves are not comparable.

best = search.best_estimator_
best.set_params(early_stopping=True, max_epochs=200).fit(X, y)
print(f"{best.n_iter_} epochs; lowest validation error {best.history_['valid_mae'].min():.2f}")
TrainingCurveDisplay.from_estimator(best)

plt.show()

"""
Reading errors
==============

Where does a fitted model make errors, and how has training changed the image embeddings? Offline,
in less than a minute::

    python examples/plot_04_reading_errors.py
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sknumclip import CLIPEmbedder, NumCLIPClassifier, NumCLIPRegressor
from sknumclip.datasets import make_counting_images
from sknumclip.plotting import BinErrorDisplay, BinProbabilityDisplay, EmbeddingDisplay

# %%
# Fit a model
# -----------

X, y = make_counting_images(700, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=300, random_state=0)
bins = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}
shared = dict(
    template="a picture of {} shapes.", model_name="tiny", canvas_scale=1, random_state=0, verbose=0
)
reg = NumCLIPRegressor(bins, max_epochs=4, lr=1e-4, **shared).fit(X_train, y_train)

# %%
# Errors by bin
# -------------
# Bins with boxes to the right of zero are predicted too low. Errors grow with the count, as they do
# for people.

BinErrorDisplay.from_estimator(reg, X_test, y_test)

# %%
# The largest errors
# ------------------
# Are these images hard, or are their labels wrong? Here they are hard: dozens of small shapes,
# which the model places between two bins.

worst = np.argsort(-np.abs(y_test - reg.predict(X_test)))[:6]
BinProbabilityDisplay.from_estimator(reg, X_test[worst], y_test[worst])

# %%
# Explain predictions
# -------------------
# A notebook shows the result of ``explain`` as sentences; ``print`` shows it as a DataFrame.

reg.explain(X_test[worst])

# %%
# Embeddings before and after training
# ------------------------------------
# Figure 4 of the paper: maps of the embeddings of held-out images. After training, distances
# between embeddings follow the labels more closely.

embedder = CLIPEmbedder(model_name="tiny", canvas_scale=1, verbose=0).fit(X_test)
fig, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for ax, (name, estimator) in zip(
    axes, {"before training": embedder, "after training": reg}.items(), strict=True
):
    EmbeddingDisplay.from_estimator(estimator, X_test, y_test, ax=ax, random_state=0)
    ax.set_title(f"{name}: {ax.get_title()}")

# %%
# Classes
# -------
# For :class:`~sknumclip.NumCLIPClassifier` use scikit-learn's display: mistakes are next to the
# diagonal.

names = np.array(list(bins))
classes_train, classes_test = (names[reg.bins_.assign(labels)] for labels in (y_train, y_test))
clf = NumCLIPClassifier(names, fine_tune="none", max_epochs=50, **shared)
clf.fit(X_train, classes_train)
ConfusionMatrixDisplay.from_estimator(clf, X_test, classes_test, labels=clf.classes_)

plt.show()

"""
Are image embeddings in order?
==============================

Figure 4 of the paper: the embeddings of held-out images before and after training, as a t-SNE map
colored by label. The ordinality score is the rank correlation between distances of embeddings and
of labels, over all pairs. Offline, about a minute on two cores::

    python examples/plot_tsne.py
    python examples/plot_tsne.py --data FOLDER --label age --model local-dir:MODEL --bins age \
        --template "the person is a {}." --canvas-scale 1.1428571
"""

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from sknumclip import CLIPEmbedder, NumCLIPRegressor
from sknumclip.datasets import load_folder, make_counting_images
from sknumclip.plotting import EmbeddingDisplay

COUNTS = {
    "a few": (1, 6),
    "several": (6, 16),
    "many": (16, 40),
    "dozens of": (40, 70),
    "countless": (70, 101),
}

# %%
# Data
# ----

parser = argparse.ArgumentParser()
parser.add_argument("--data", help="folder with images and a labels.csv")
parser.add_argument("--label", default="label")
parser.add_argument("--model", default="tiny")
parser.add_argument("--bins", default=COUNTS)
parser.add_argument("--template", default="a picture of {} shapes.")
parser.add_argument("--canvas-scale", type=float, default=1)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=1e-4)
parser.add_argument("--output", default="tsne.png")
args = parser.parse_args()

if args.data:
    data = load_folder(args.data, label=args.label)
    X, y = np.array(data.paths), data.y
else:
    X, y = make_counting_images(1500, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=500, random_state=0)

# %%
# Before and after training
# -------------------------

shared = dict(model_name=args.model, canvas_scale=args.canvas_scale, verbose=0)
reg = NumCLIPRegressor(
    args.bins, template=args.template, max_epochs=args.epochs, lr=args.lr, random_state=0, **shared
)
estimators = {
    "before training": CLIPEmbedder(**shared).fit(X_test),
    "after training": reg.fit(X_train, y_train),
}

# %%
# The map
# -------

fig, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for ax, (name, estimator) in zip(axes, estimators.items(), strict=True):
    display = EmbeddingDisplay.from_estimator(
        estimator, X_test, y_test, random_state=0, ax=ax, colorbar=False
    )
    print(f"{name}: ordinality {display.ordinality:.3f}")
    ax.set_title(f"{name}: {ax.get_title()}")
fig.colorbar(display.scatter_, ax=axes, label="number")
fig.savefig(args.output, dpi=150)

"""NumCLIPRegressor: predict a number from an image. Steps of fit: estimators/fitting.py."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from ._typing import (
    Accelerator,
    AugmentOrAuto,
    Device,
    FineTune,
    FloatOrAuto,
    ImagesOrFeatures,
    IntOrAuto,
    OnError,
    Precision,
    PromptInit,
    RandomState,
    RankingLoss,
    Shift,
    StrPath,
)
from .bins import Bins
from .estimators.numclip import NUMCLIP_CONSTRAINTS, BaseNumCLIP
from .estimators.regression import BINS_CONSTRAINT, BinRegressionMixin

__all__ = ["NumCLIPRegressor", "PaperRegressor"]


class NumCLIPRegressor(RegressorMixin, BinRegressionMixin, BaseNumCLIP):
    """Predict a number from an image with CLIP.

    The label range is cut into bins, each described in words that CLIP knows ("teenager"). CLIP
    compares the image with the description of each bin, a small regressor moves the bin centers,
    and the prediction is the sum of the moved centers weighted by the bin probabilities (Eq. 1 of
    [1]_). The image tower, the prompts and the regressor are trained end to end on a ranking loss
    (FCRC, Eq. 4) and the absolute error.

    Parameters are listed in groups: the task (`bins`, `template`), the model (`model_name` to
    `shift`), training (`ranking_loss` to `random_state`), images (`augment` to `on_error`), and
    the machine (`device` to `verbose`).

    Parameters
    ----------
    bins : LinguisticBins, mapping, {"age", "age_fine", "decade", "aesthetics"} or int, default=5
        The ranges of the label and their descriptions: :class:`LinguisticBins`, a mapping of each
        description to its range ``(low, high)``, the name of a preset, or the number of quantile
        bins of y, which get generic descriptions ("very low" ... "very high").
    template : str, default="{}"
        Sentence around the description, with one ``{}``, like "the person is a {}.".
    model_name : str, default="ViT-B-16"
        One of open_clip's architectures, ``"local-dir:FOLDER"``, ``"hf-hub:ORG/NAME"``, or
        ``"tiny"``: a small model included in the package that can only count colored shapes, for
        trying things out without a download.
    pretrained : str or None, default="openai"
        For an architecture: one of open_clip's weight tags (downloaded on first use), or a file
        of weights. The other forms of `model_name` bring their own weights.
    prompt_init : {"words", "numbers", "random"}, default="words"
        How prompts start: with the bin's description, its center in digits, or random tokens.
    fine_tune : {"full", "none"} or int, default="full"
        How much of the image tower to train: all of it, its last n blocks, or nothing. With
        ``"none"`` each image is embedded once and the fit is solved in a second or two; X may then
        also be a 2-D array of features. Otherwise training starts from such a fit (see Notes).
    shift : {"width", "relative", "none"}, default="width"
        How δ, the regressor's output, moves a bin center b: to ``b + δ · width`` of the bin, or
        to ``b / (1 + δ)`` as in Eq. 1. The latter makes little sense if the zero of the scale is
        arbitrary (years), and was less accurate on faces as well.
    ranking_loss : {"fcrc", "infonce", "author_code", "none"} or callable, default="fcrc"
        The loss added to the absolute error: a name, an object of :mod:`sknumclip.losses` like
        ``FCRC(distance="sqrt")``, or your own callable with the same signature. ``"infonce"``
        weights all negatives equally; ``"author_code"`` is the form in the authors' code, for
        reference.
    beta : float, default=4.0
        Scale of the label distance in the FCRC weights, 0 to 1e6. Distances are measured as
        fractions of the range of the bins, so beta has no unit; 0 gives InfoNCE.
    max_epochs : int or "auto", default="auto"
        Number of passes over the data. ``"auto"`` is 100, but with ``fine_tune="none"`` the fit is
        solved instead of trained (see Notes). 0 gives the zero-shot model: CLIP without training,
        on the center crop (see `canvas_scale`).
    batch_size : int or "auto", default="auto"
        Images per step; the ranking loss compares the images of one batch. ``"auto"`` is 32, as in
        the paper. With ``fine_tune="none"`` it is up to 1024; learning rates are meant for a batch
        of 256 and grow in proportion for larger ones.
    lr : float or "auto", default="auto"
        Learning rate of the image tower. ``"auto"`` is 1e-5, unless the solved fit from which
        fine-tuning starts finds that embeddings predict the label at least 5 % better than
        the median does, but zero-shot CLIP does not: then it is 0.01 over the number of steps, at
        least 3e-5 and at most 2e-4.
    prompt_lr : float or "auto", default="auto"
        Learning rate of the prompts, or of the weights that replace them after a solved fit (as
        text embeddings of norm 1). ``"auto"`` is 1e-4 if they start from a solved fit or from
        meaningful words and 3e-3 otherwise: when `bins` is an int, when `prompt_init` is not
        ``"words"``, or, with ``fine_tune="none"``, when zero-shot predictions are no better than
        predicting the median.
    early_stopping : bool, default=False
        Whether to set aside part of the data and stop when the error on it no longer falls.
    validation_fraction : float, default=0.1
        Fraction of the data to set aside for early stopping.
    n_iter_no_change : int, default=10
        Number of epochs without improvement before early stopping.
    warm_start : bool, default=False
        Whether ``fit`` continues from the last result instead of starting over. Model and bins
        must be the same; the weights continue as trained. ``history_`` covers the last call only.
    checkpoint : str, Path or None, default=None
        Folder where ``fit`` saves its state after each epoch. If the process dies, the same call
        resumes from there and gives the same result (if `random_state` is None, seed 0 is used).
        Different fits use different files, so one folder can serve a whole search. A checkpoint
        is about three times the size of the trained weights; delete it when you are done. The
        state of `callbacks` is not saved.
    callbacks : list of skorch callbacks or None, default=None
        ``fit`` uses copies of the callbacks and discards them afterwards, so a callback must store
        its results itself, for example with ``net.history.record``. One that changes learning rates
        needs a constant ``lr_schedule`` (see Notes). Callbacks that compute scores from labels
        (``EpochScoring``) are refused; the losses are in ``history_``. For scikit-learn's callbacks
        use ``set_callbacks`` instead; see Notes.
    random_state : int, RandomState instance or None, default=None
        Determines everything random. On a CPU, with the same number of torch threads, the same
        state gives bitwise identical results whatever the cache and `num_workers`.
    augment : {"auto", "crop"}, bool or callable, default="auto"
        What the image tower is trained on. With True, on random crops of the canvas, half of them
        mirrored (Section 4.1); with "crop", on random crops only, for tasks where left and right
        matter, such as reading a dial; with False, on the center crop, which predictions also use.
        "auto" is True, unless a ridge regression on the embeddings is clearly worse for held-out
        images once they are mirrored; then it is "crop", and a warning says so.
        A callable makes the training views itself: it gets canvases, a uint8 tensor of shape (n, 3,
        height, width), and returns a tensor like it, of the canvas's or of the tower's size;
        torchvision transforms (``v2``) get one image at a time. torch's random numbers are seeded
        for each batch; the callable must seed any others, such as numpy's. With `checkpoint` it
        must be picklable, and is identified by its name: rename it when you change its code. Saved
        models do not contain it and fall back to the default.
    canvas_scale : float, default=8/7
        Images are resized to a canvas of this many times the tower's image size, 1 to 8; the
        paper crops 224 from 256 pixels. 1 shows the whole image, at the size the weights expect.
    image_cache : {"auto", "memory"}, str, Path or None, default="auto"
        Where to keep decoded images during ``fit``, so that only the first pass decodes: in
        memory, in a folder (reused by later fits), or, with ``"auto"``, in memory if they fit, else
        in a temporary folder. None keeps nothing. With ``fine_tune="none"``, embeddings are kept
        instead of images: up to 512 MB in memory, shared by all fits of this process, and, if
        this is a folder, also there, shared by all processes and predictions; None turns that off.
    num_workers : "auto" or int, default="auto"
        Threads that decode images; ``"auto"`` is one per core, or in a joblib worker process as
        many as joblib allows.
    on_error : {"raise", "skip"}, default="raise"
        What to do with unreadable images: raise one error that lists all of them before training,
        or leave them out of ``fit`` and predict NaN for them.
    device : str, default="auto"
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Precision of the towers' activations; weights are kept in fp32. ``"auto"`` is bf16 if the
        hardware multiplies it natively.
    compile : bool, default=False
        Whether to compile the image tower with ``torch.compile``.
    grad_checkpointing : bool, default=False
        Whether to save memory by computing activations twice.
    accumulate_steps : int, default=1
        Number of batches to add up the gradients of before each step. The ranking loss still
        compares only the images of one batch.
    accelerator : accelerate.Accelerator or None, default=None
        For data-parallel training, in a script that ``accelerate launch`` or ``torchrun`` runs once
        per device; it also sets the device. Every process receives the full X and y and ends with
        the same weights; `batch_size` is per process. Predictions are computed in parallel and
        returned to every process. ``fit`` ends with ``accelerator.free_memory()``.
    verbose : int, default=1
        0 is silent; 1 shows a progress bar for what takes longer than two seconds (in a log: one
        line a minute), and estimates the time of a long fit after its first steps; 2 also prints
        what is about to be done: model, device, precision, batches and cache.

    Attributes
    ----------
    bins_ : LinguisticBins
        The bins of the fit.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
    history_ : DataFrame
        After a solved fit, one row per penalty: ``penalty``; ``valid_mae``, the error out of fold;
        and ``median_mae``, that of the median. Otherwise one row per epoch: ``train_ranking_loss``,
        ``train_l1_loss`` (in percent of the range of the bins), their sum ``train_loss``,
        ``train_mae`` (the mean absolute error, in the unit of the label), the same for validation,
        and ``dur``, the duration in seconds.
    n_iter_ : int
        Number of epochs run; for a solved fit, number of penalties tried.
    skipped_ : dict of str to str
        Images left out of ``fit``, and the reason for each.
    n_features_in_ : int
        Number of features, if X was an array of features.

    Notes
    -----
    With ``fine_tune="none"`` and ``max_epochs="auto"`` the fit is solved, not trained. The model
    is a softmax over the bins, with moved bin centers. Its logits start as those of zero-shot CLIP
    and learn a function of the embeddings that may be curved: linear in the embeddings and in 512
    random Fourier features of them, which stand for a Gaussian kernel. It minimizes a Huber loss
    and the ranking loss over all images (L-BFGS, float64), with a penalty on what is learned.
    Five-fold cross-validation chooses the penalty, between zero-shot CLIP at one end and a nearly
    free model at the other; the models of the folds are averaged. The prediction is a mixture of
    this model, a ridge regression on the embeddings, another on the Fourier features, zero-shot
    CLIP and the median, with shares chosen out of fold, so it should not be worse than any of them.
    Only the folds and the Fourier features are random; the order of images does not matter, and a
    `sample_weight` of 2 gives bitwise the same result as repeating the image.
    ``predict(return_std=True)`` is calibrated on out-of-fold errors. ``history_`` has one row per
    penalty that was tried; smaller ones that would only increase the error are not. Parameters for
    training have no effect, and a warning lists them; set `max_epochs` to a number to train in
    epochs as the paper does.

    Fine-tuning starts from the solved fit on embeddings of the pretrained tower: linear probing,
    then fine-tuning. The tower, the weights and biases of the bins and the regressor, which
    starts with δ = 0, are trained; the rest of the mixture stays as solved.

    Six rarely changed settings are class attributes, which a subclass may set:
    ``max_shift = 0.5``, the bound of \\|δ\\|; ``solve_first = True``: False fine-tunes from
    zero-shot CLIP and its prompts, as the paper does; ``regressor_lr = 1e-3``, the
    learning rate of the regressor; ``lr_schedule = "cosine"``, or "constant", of all learning
    rates; ``mirror = False``: True averages embeddings over mirror images, as
    ``CLIPEmbedder(mirror=True)`` does; and ``gather_batches = True``: with an `accelerator` the
    ranking loss compares the images of all processes.

    With scikit-learn 1.9 or newer, ``set_callbacks`` takes scikit-learn's callbacks, including
    those of a search or a pipeline around the estimator. ``sklearn.callback.ProgressBar`` shows
    epochs and replaces our own bar. ``sklearn.callback.ScoringMonitor`` scores the estimator after
    each epoch, on all readable images of ``fit``; each score costs a copy of the model and one
    prediction. A callback that returns True at the end of an epoch ends training there. Callbacks
    that only observe leave the result of a fit bitwise the same. With an `accelerator` each process
    calls its own copies, so all of them must stop at the same epoch.

    scikit-learn tools that convert X to an array of numbers first (``BaggingRegressor``,
    ``permutation_importance``) need features (``fine_tune="none"``); the others take paths.

    References
    ----------
    .. [1] Y. Du, Q. Zhai, W. Dai, X. Li, "Teach CLIP to Develop a Number Sense for Ordinal
       Regression", ECCV 2024, arXiv:2408.03574.

    Examples
    --------
    >>> from sknumclip import NumCLIPRegressor
    >>> from sknumclip.datasets import make_counting_images
    >>> X, y = make_counting_images(60, random_state=0)
    >>> reg = NumCLIPRegressor(model_name="tiny", max_epochs=2, random_state=0, verbose=0)
    >>> reg.fit(X[:50], y[:50]).predict(X[50:]).shape
    (10,)
    """

    _parameter_constraints = {**NUMCLIP_CONSTRAINTS, "bins": BINS_CONSTRAINT}

    def __init__(
        self,
        bins: Bins = 5,
        *,
        template: str = "{}",
        model_name: str = "ViT-B-16",
        pretrained: str | None = "openai",
        prompt_init: PromptInit = "words",
        fine_tune: FineTune = "full",
        shift: Shift = "width",
        ranking_loss: RankingLoss = "fcrc",
        beta: float = 4.0,
        max_epochs: IntOrAuto = "auto",
        batch_size: IntOrAuto = "auto",
        lr: FloatOrAuto = "auto",
        prompt_lr: FloatOrAuto = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: StrPath | None = None,
        callbacks: list[Any] | None = None,
        random_state: RandomState = None,
        augment: AugmentOrAuto = "auto",
        canvas_scale: float = 8 / 7,
        image_cache: StrPath | None = "auto",
        num_workers: IntOrAuto = "auto",
        on_error: OnError = "raise",
        device: Device = "auto",
        precision: Precision = "auto",
        compile: bool = False,
        grad_checkpointing: bool = False,
        accumulate_steps: int = 1,
        accelerator: Accelerator | None = None,
        verbose: int = 1,
    ) -> None:
        self.bins = bins
        self.template = template
        self.model_name = model_name
        self.pretrained = pretrained
        self.prompt_init = prompt_init
        self.fine_tune = fine_tune
        self.shift = shift
        self.ranking_loss = ranking_loss
        self.beta = beta
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.prompt_lr = prompt_lr
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.callbacks = callbacks
        self.random_state = random_state
        self.augment = augment
        self.canvas_scale = canvas_scale
        self.image_cache = image_cache
        self.num_workers = num_workers
        self.on_error = on_error
        self.device = device
        self.precision = precision
        self.compile = compile
        self.grad_checkpointing = grad_checkpointing
        self.accumulate_steps = accumulate_steps
        self.accelerator = accelerator
        self.verbose = verbose

    @classmethod
    def paper(cls, bins: Bins, **params: Any) -> PaperRegressor:
        """Make an estimator with the settings that the paper states (Sections 3.2 and 4.1).

        The defaults of the class follow our measurements instead: centers move by a share of the
        bin's width instead of by Eq. 1, fine-tuning starts from a solved fit, prompts and
        regressor learn faster than the image tower, and learning rates decay to 0.

        Parameters
        ----------
        bins : as for the class
        **params
            Other parameters; they override the paper's.

        Returns
        -------
        PaperRegressor
            A NumCLIPRegressor with one constant learning rate for the tower, the prompts and the
            regressor.

        Raises
        ------
        TypeError
            If called on a subclass: the result would lack the subclass's own code.

        Examples
        --------
        >>> from sknumclip import NumCLIPRegressor
        >>> NumCLIPRegressor.paper("age", beta=1).get_params()["shift"]
        'relative'
        """
        if cls not in (NumCLIPRegressor, PaperRegressor):
            raise TypeError(
                f"paper() makes a NumCLIPRegressor. Got {cls.__name__}: derive your class from "
                "sknumclip.regressor.PaperRegressor, and pass the other settings as parameters."
            )
        settings = dict(shift="relative", batch_size=32, lr=1e-5, prompt_lr=1e-5, augment=True)
        return PaperRegressor(bins, **{**settings, **params})

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on images and their labels.

        Parameters
        ----------
        X : sequence of paths or PIL images, one-column DataFrame of paths, uint8 array of shape \
                (n_samples, height, width, 3), or array of shape (n_samples, n_features)
            Images, or features, which need ``fine_tune="none"``: embeddings of the tower's width
            are used directly, other features go through a learned linear map.
        y : array-like of shape (n_samples,)
            Labels: numbers within the bins.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, at least 0; a sample of weight 0 is left out. In a solved fit,
            a weight of 2 counts like having the image twice; in epochs, only the ratios of weights
            matter, and each sample counts fully as a negative of the ranking loss.

        Returns
        -------
        self : NumCLIPRegressor

        Raises
        ------
        ValueError
            If a parameter or a label is invalid, or labels lie outside the bins.
        ImageReadError
            If images cannot be read and ``on_error="raise"``. It lists all of them.
        BackboneError
            If the CLIP model cannot be loaded.
        """
        return self._fit(X, y, sample_weight)


class PaperRegressor(NumCLIPRegressor):
    """Returned by :meth:`NumCLIPRegressor.paper`; sets class attributes as in the paper."""

    solve_first = False
    regressor_lr = 1e-5
    lr_schedule = "constant"

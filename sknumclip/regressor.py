"""NumCLIPRegressor, the estimator."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from ._typing import (
    Accelerator,
    Augment,
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

    The label range is cut into bins that are named in words CLIP knows ("teenager"). An image is
    compared with the words of each bin, a small regressor moves the bin centers, and the
    prediction is the sum of the moved centers weighted by the probabilities of the bins (Eq. 1 of
    [1]_). Image tower, prompts and regressor are trained end to end by a ranking loss (FCRC,
    Eq. 4) and the absolute error.

    Parameters are listed in groups: the task (`bins`, `template`), the model (`model_name` to
    `shift`), training (`ranking_loss` to `random_state`), images (`augment` to `on_error`), and
    the machine (`device` to `verbose`).

    Parameters
    ----------
    bins : LinguisticBins, mapping, {"age", "age_fine", "decade", "aesthetics"} or int, default=5
        The ranges of the label and their names: :class:`LinguisticBins`, or a mapping of each
        description to its range ``(low, high)``, or the name of a preset, or the number of
        quantile bins of y, which then have generic names ("very low" ... "very high").
    template : str, default="{}"
        Sentence for the words, with one ``{}``, like "the person is a {}.".
    model_name : str, default="ViT-B-16"
        One of open_clip's architectures, ``"local-dir:FOLDER"``, ``"hf-hub:ORG/NAME"``, or
        ``"tiny"``: a small model inside the package that knows nothing but counting colored
        shapes, to try things out without a download.
    pretrained : str or None, default="openai"
        For an architecture: one of open_clip's tags of weights, which are downloaded when first
        used, or a checkpoint file. Other forms of `model_name` bring their own weights.
    prompt_init : {"words", "numbers", "random"}, default="words"
        How prompts start: with the bin's description, its center in digits, or random tokens.
    fine_tune : {"full", "none"} or int, default="full"
        What to train of the image tower: all of it, its last n blocks, or nothing. With
        ``"none"`` each image is embedded once and epochs take milliseconds; X may then also be a
        2-D array of features.
    shift : {"width", "relative", "none"}, default="width"
        How δ, the regressor's output, moves a bin center b: to ``b + δ · width`` of the bin, or
        to ``b / (1 + δ)`` as in Eq. 1, which means little where the zero of the scale is
        arbitrary (years), and was less exact on faces too.
    ranking_loss : {"fcrc", "infonce", "author_code", "none"} or callable, default="fcrc"
        The loss beside the absolute error, by name or as an object of
        :mod:`sknumclip.losses`, like ``FCRC(distance="sqrt")``, or of your own that is called
        as those are. ``"infonce"`` weights all negatives the same; ``"author_code"`` is the form
        in the authors' code, for reference.
    beta : float, default=4.0
        Scale of the label distance in the FCRC weights, 0 to 1e6. Distances are counted in
        units of the range of the bins, so beta has no unit; 0 is InfoNCE.
    max_epochs : int or "auto", default="auto"
        Number of passes over the data. ``"auto"`` is 100, but with ``fine_tune="none"`` the fit is
        solved instead of trained (see Notes). 0 gives the zero-shot model: CLIP as it is, on the
        center crop (see `canvas_scale`).
    batch_size : int or "auto", default="auto"
        Images per step; the ranking loss compares the images of one batch. ``"auto"`` is 32, as in
        the paper. With ``fine_tune="none"`` it is up to 1024, and learning rates, which are meant
        for 256, grow in proportion beyond that.
    lr : float, default=1e-5
        Learning rate of the image tower.
    prompt_lr : float or "auto", default="auto"
        Learning rate of the prompts. ``"auto"`` is 1e-4 if the prompts start from meaningful
        words and 3e-3 otherwise: when `bins` is an int, when `prompt_init` is not ``"words"``, or,
        with ``fine_tune="none"``, when zero-shot predictions are no better than predicting the
        median.
    early_stopping : bool, default=False
        Whether to set aside part of the data and to stop when its error no longer falls.
    validation_fraction : float, default=0.1
        The part to set aside for early stopping.
    n_iter_no_change : int, default=10
        Number of epochs without improvement before early stopping.
    warm_start : bool, default=False
        Whether ``fit`` continues from the last result instead of starting anew: the same kind of
        model, with the same bins and the prompts as they were left. ``history_`` is that of the
        last call.
    checkpoint : str, Path or None, default=None
        Folder where ``fit`` saves its state after each epoch. If the process dies, the same call
        resumes from there and gives the same result (if `random_state` is None, seed 0 is used).
        Different fits use different files, so one folder can serve a whole search. A checkpoint
        is about three times the size of the trained weights; delete it when you are done. The
        state of `callbacks` is not saved.
    callbacks : list of skorch callbacks or None, default=None
        ``fit`` uses copies of the callbacks and discards them afterwards, so a callback must store
        its results itself, for example with ``net.history.record``. One that changes learning rates
        needs a constant ``lr_schedule`` (see Notes). Callbacks that compute scores of their own
        from labels (``EpochScoring``) do not work; the losses are in ``history_``. scikit-learn's
        callbacks are not set here, but with ``set_callbacks``; see Notes.
    random_state : int, RandomState instance or None, default=None
        Determines everything random. On a CPU the same state gives the same result to the bit,
        whatever the cache and `num_workers`, for the same number of torch's threads.
    augment : bool or callable, default=True
        Whether the image tower is trained on random crops of the canvas and on mirrored images
        (Section 4.1). Otherwise it is trained on what predictions are made from, the center crop.
        A callable makes the views itself: it gets canvases, a uint8 tensor of shape (n, 3, height,
        width), and returns such a tensor, of the canvas's or of the tower's size; transforms of
        torchvision (``v2``) get one image at a time. torch's random numbers are seeded for each
        batch; others, of numpy say, are up to the callable. With `checkpoint` it must be picklable,
        and results depend on what it was: change its name with its code. Saved models have their
        default in its place.
    canvas_scale : float, default=8/7
        Images are resized to a canvas of this many times the tower's image size, 1 to 8; the
        paper crops 224 from 256 pixels. 1 shows whole images, just as the checkpoint wants them.
    image_cache : {"auto", "memory"}, str, Path or None, default="auto"
        Where decoded images are kept during ``fit``, so that only the first pass decodes: in
        memory, in a folder (which later fits use again), or, with ``"auto"``, in memory or else in
        a temporary folder, as space allows. None keeps nothing. With ``fine_tune="none"``, what is
        kept is not images but their embeddings, up to 512 MB of them in memory, for all fits of
        this process, and, if it is a folder, in there too, for all processes and predictions; None
        turns that off.
    num_workers : "auto" or int, default="auto"
        Threads that decode images; ``"auto"`` is one per core, or in a worker process of joblib as
        many as joblib allows it.
    on_error : {"raise", "skip"}, default="raise"
        What to do with images that cannot be read: raise one error that lists all of them before
        training, or leave them out of ``fit`` and predict NaN in their places.
    device : str, default="auto"
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    precision : {"auto", "fp32", "bf16"}, default="auto"
        Precision of the towers' activations; weights are kept in fp32. ``"auto"`` is bf16 wherever
        the hardware multiplies it natively.
    compile : bool, default=False
        Whether to compile the image tower with ``torch.compile``.
    grad_checkpointing : bool, default=False
        Whether to save memory by computing activations twice.
    accumulate_steps : int, default=1
        Number of batches whose gradients are added up before each step. The ranking loss still
        compares the images of one batch only.
    accelerator : accelerate.Accelerator or None, default=None
        Trains data-parallel and sets the device, in a script that ``accelerate launch`` or
        ``torchrun`` runs once per device. Every process receives the full X and y and ends with
        the same weights; `batch_size` is per process. Predictions are computed in parallel and
        returned to every process. ``fit`` ends with ``accelerator.free_memory()``.
    verbose : int, default=1
        0 is silent; 1 shows a progress bar with the losses.

    Attributes
    ----------
    bins_ : LinguisticBins
        The bins in use.
    net_ : skorch.NeuralNet
        The trained net; ``net_.module_`` is the torch module.
    history_ : DataFrame
        One row per epoch: ``train_ranking_loss``, ``train_l1_loss`` (in hundredths of the range
        of the bins), their sum ``train_loss``, the same for validation, and duration in seconds.
    n_iter_ : int
        Number of epochs run; of a solved fit, of penalties tried.
    skipped_ : dict of str to str
        Images left out of ``fit``, and why.
    n_features_in_ : int
        Number of features, if X was an array of features.

    Notes
    -----
    With ``fine_tune="none"`` and ``max_epochs="auto"`` the fit is solved, not trained: a softmax
    over the bins, whose weights start at the text features, and their moved centers minimize a
    Huber loss and the ranking loss over all images (L-BFGS, float64), with a penalty on how far
    the weights go from the text features. The penalty is chosen by five folds, from where the
    model is zero-shot CLIP to where it is nearly free; the models of the folds are averaged. The
    prediction is a mixture of this model, a ridge regression, zero-shot CLIP and the median, in
    shares chosen out of fold. So it should not be worse than any of them. Nothing is random but
    the folds; the order of images does not matter, and a `sample_weight` of 2 counts an image
    twice, to the bit. ``predict(return_std=True)`` is calibrated by errors out of fold.
    ``history_`` is the path of penalties. Parameters that say how to train have no effect, and a
    warning says so; give `max_epochs` a number to train in epochs as the paper does.

    Four settings that hardly anyone changes are class attributes, which a subclass may set:
    ``max_shift = 0.5``, the bound of \\|δ\\|; ``regressor_lr = 1e-3``, the learning rate of the
    regressor; ``lr_schedule = "cosine"``, or "constant", of all learning rates; and
    ``gather_batches = True``: with an `accelerator` the ranking loss compares the images of all
    processes.

    With scikit-learn 1.9 or newer, ``set_callbacks`` takes scikit-learn's callbacks, also those of
    a search or a pipeline around the estimator. ``sklearn.callback.ProgressBar`` shows epochs in
    the place of our own bar. ``sklearn.callback.ScoringMonitor`` scores the estimator as it is
    after each epoch, on all images of ``fit`` that can be read; each score takes a copy of the
    model and one prediction. A callback that returns True at the end of an epoch ends training
    there. Callbacks that only watch do not change the result of a fit, to the bit. With an
    `accelerator` each process calls its own copies, so all of them must stop at the same epoch.

    Tools of scikit-learn that turn X into an array of numbers first, ``BaggingRegressor`` and
    ``permutation_importance``, need features (``fine_tune="none"``); others take paths.

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
        lr: float = 1e-5,
        prompt_lr: FloatOrAuto = "auto",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        warm_start: bool = False,
        checkpoint: StrPath | None = None,
        callbacks: list[Any] | None = None,
        random_state: RandomState = None,
        augment: Augment = True,
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
        """Make an estimator that follows the paper to the letter (Sections 3.2 and 4.1).

        Its defaults are where measurements led: centers move by a share of the width of the bin
        instead of Eq. 1, prompts and regressor learn faster than the tower, and rates fall to 0.

        Parameters
        ----------
        bins : as for the class
        **params
            Other parameters, which win over the paper's.

        Returns
        -------
        PaperRegressor
            A NumCLIPRegressor whose regressor learns as slowly as the tower, at rates that stay.

        Raises
        ------
        TypeError
            If it is called on a subclass, whose own code the result would lack.

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
        settings = dict(shift="relative", batch_size=32, lr=1e-5, prompt_lr=1e-5)
        return PaperRegressor(bins, **{**settings, **params})

    def fit(
        self, X: ImagesOrFeatures, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train on images and their numbers.

        Parameters
        ----------
        X : sequence of paths or PIL images, one-column DataFrame of paths, uint8 array of shape \
                (n_samples, height, width, 3), or array of shape (n_samples, n_features)
            Images; features only with ``fine_tune="none"``: embeddings of the tower's width are
            used as they are, others go through a learned linear map.
        y : array-like of shape (n_samples,)
            Numbers, within the bins.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in both losses, at least 0; only their ratios matter. A sample
            of weight 0 is left out, but any other is a full negative of the ranking loss.

        Returns
        -------
        self : NumCLIPRegressor

        Raises
        ------
        ValueError
            If a parameter or a label is not allowed, or labels lie outside the bins.
        ImageReadError
            If images cannot be read and ``on_error="raise"``. It lists all of them.
        BackboneError
            If the CLIP model cannot be loaded.
        """
        return self._fit(X, y, sample_weight)


class PaperRegressor(NumCLIPRegressor):
    """What :meth:`NumCLIPRegressor.paper` makes: the paper's settings that are no parameters."""

    regressor_lr = 1e-5
    lr_schedule = "constant"

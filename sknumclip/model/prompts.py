"""Learnable prompts: one sentence per bin, as tokens or as text embeddings (Section 3.3)."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

__all__ = [
    "PROMPT_INITS",
    "FeaturePrompts",
    "TokenPrompts",
    "check_prompts",
    "check_template",
    "is_word_token",
    "prompt_texts",
    "tokenize",
]


def prompt_texts(bins, template, prompt_init="words"):
    """Write the prompt of each bin.

    Parameters
    ----------
    bins : LinguisticBins
    template : str
        Sentence with one ``{}``.
    prompt_init : {"words", "numbers", "random"}, default="words"
        ``"numbers"`` uses the bin's center in digits; the others use its description.

    Returns
    -------
    list of str, length n_bins

    Examples
    --------
    >>> from sknumclip import LinguisticBins
    >>> from sknumclip.model.prompts import prompt_texts
    >>> ages = LinguisticBins.from_mapping({"child": (0, 13), "teenager": (13, 19)})
    >>> prompt_texts(ages, "the person is a {}.")
    ['the person is a child.', 'the person is a teenager.']
    >>> prompt_texts(ages, "{}", "numbers")
    ['6.5', '16']
    """
    check_template(template)
    return [template.replace("{}", words) for words in PROMPT_INITS[prompt_init](bins)]


def check_template(template):
    """Raise ValueError unless `template` is a sentence with exactly one ``{}``."""
    if not isinstance(template, str) or template.count("{}") != 1:
        raise ValueError(
            "template must be a sentence with exactly one {} for the description of the bin, as in "
            f"'the person is a {{}}.'. Got template={template!r}."
        )


def _in_digits(number):
    """Format with six significant digits, or more if needed before the decimal point."""
    digits = max(6, len(str(int(abs(number)))))
    return f"{number:.{digits}g}"


# The text for each bin. "random" then replaces the words, but keeps the number of tokens.
PROMPT_INITS = {
    "words": lambda bins: bins.descriptions,
    "numbers": lambda bins: [_in_digits(center) for center in bins.centers],
    "random": lambda bins: bins.descriptions,
}


def tokenize(backbone, texts):
    """Tokenize prompts, cut to the positions that the text tower needs.

    Parameters
    ----------
    backbone : Backbone
    texts : list of str

    Returns
    -------
    int Tensor of shape (n_texts, length)
        Length of the longest text if the tower ignores padding, else its context length.

    Raises
    ------
    ValueError
        If a text has more tokens than the tower's context length; open_clip silently truncates.
    """
    limit = backbone.text.context_length
    tokens = backbone.tokenizer(texts)
    # With a longer context, a text that fits gets only padding at the end.
    padding = backbone.tokenizer([""], context_length=limit + 1)[0, -1]
    beyond = backbone.tokenizer(texts, context_length=limit + 64)[:, limit:]
    too_long = [text for text, rest in zip(texts, beyond, strict=True) if (rest != padding).any()]
    if too_long:
        raise ValueError(
            f"{len(too_long)} of {len(texts)} prompts have more tokens than the {limit} that "
            f"{backbone.model_name!r} can read, among them {too_long[0]!r}. Use shorter "
            "descriptions or a shorter template."
        )
    if backbone.text.ignores_padding:
        length = int(backbone.text.pooled_position(tokens).max()) + 1
        tokens = tokens[:, :length]
    return tokens


def check_prompts(backbone, texts, numbers=()):
    """Raise ValueError unless all prompts have different tokens and numbers are read in full.

    Some tokenizers drop symbols, so that "<5" and ">5" are the same prompt and 6.5 is "6 5".

    Parameters
    ----------
    backbone : Backbone
    texts : list of str
    numbers : list of str, default=()
        The numbers that the texts contain.
    """
    first = {}
    for text, tokens in zip(texts, tokenize(backbone, texts), strict=True):
        key = tuple(tokens.tolist())
        if key in first:
            raise ValueError(
                f"The tokenizer of {backbone.model_name!r} makes the same prompt of "
                f"{first[key]!r} and {text!r}: {_as_read(backbone, tokens)!r}. Each bin or class "
                "needs a different description: use words instead of symbols, as in 'under 5' for "
                "'<5'."
            )
        first[key] = text
    for number, tokens in zip(numbers, tokenize(backbone, numbers or [""]), strict=False):
        read = _as_read(backbone, tokens)
        if "".join(read.split()) != number:
            raise ValueError(
                f"The tokenizer of {backbone.model_name!r} reads the number {number!r} as "
                f"{read!r}. Use words instead of numbers, or bins whose centers are whole numbers "
                "of at least 0."
            )


def _as_read(backbone, tokens):
    """Return the text that tokens stand for."""
    tokenizer = getattr(backbone.tokenizer, "tokenizer", backbone.tokenizer)  # Hugging Face's
    return tokenizer.decode(tokens[is_word_token(backbone, tokens)].tolist()).strip()


def is_word_token(backbone, tokens):
    """Return a bool Tensor like `tokens`: False for start and end of text and for padding."""
    return ~torch.isin(tokens, backbone.tokenizer([""]).unique())


class TokenPrompts(nn.Module):
    """Prompts as learnable token embeddings, read by the frozen text tower.

    The tokens of words are learned; those for start and end of text and padding are fixed.

    Parameters
    ----------
    embeddings : Tensor of shape (n_bins, length, width)
        Initial token embeddings.
    is_word : bool Tensor of shape (n_bins, length, 1)
        Which of them are learned.
    position : int Tensor of shape (n_bins,)
        From :meth:`~sknumclip.clip.text_tower.TextTower.pooled_position`.
    tower : TextTower, default=None
        Only needed by ``forward``. It is shared; :meth:`own_tower` makes a copy.
    """

    def __init__(self, embeddings, is_word, position, tower=None):
        super().__init__()
        self.embeddings = nn.Parameter(embeddings.clone())
        self.register_buffer("fixed_embeddings", embeddings)
        self.register_buffer("is_word", is_word)
        self.register_buffer("position", position)
        self.tower = tower

    @classmethod
    def from_texts(cls, backbone, texts, *, random=False, generator=None):
        """Make prompts that start from sentences.

        Parameters
        ----------
        backbone : Backbone
        texts : list of str, length n_bins
            From :func:`prompt_texts`.
        random : bool, default=False
            Whether to replace the words by random embeddings with the same standard deviation.
        generator : torch.Generator, default=None
            For `random`.

        Returns
        -------
        TokenPrompts
        """
        tokens = tokenize(backbone, texts)
        embeddings = backbone.token_embedding(tokens).detach()
        is_word = is_word_token(backbone, tokens)[..., None]
        if random:
            noise = torch.randn(embeddings.shape, generator=generator)
            spread = backbone.token_embedding.weight.std()
            embeddings = torch.where(is_word, noise * spread, embeddings)
        return cls(embeddings, is_word, backbone.text.pooled_position(tokens), backbone.text)

    def own_tower(self):
        """Copy the text tower, so that training may move it to another device."""
        self.tower = copy.deepcopy(self.tower)

    def forward(self):
        """Return the text embeddings, Tensor of shape (n_bins, embed_dim)."""
        embeddings = torch.where(self.is_word, self.embeddings, self.fixed_embeddings)
        return self.tower(embeddings, self.position)

    def release(self):
        """Drop the text tower, which only training needs."""
        self.tower = None


class FeaturePrompts(nn.Module):
    """Prompts as learnable text embeddings, for a frozen image tower.

    The text tower reads the sentences once, and an offset to its output is learned. With a frozen
    image tower this fits as well as :class:`TokenPrompts` but needs no text tower in each step.

    Parameters
    ----------
    features : Tensor of shape (n_bins, embed_dim)
        Initial ℓ2-normalized text embeddings.
    """

    def __init__(self, features):
        super().__init__()
        self.register_buffer("fixed_features", features)
        self.step = nn.Parameter(torch.zeros_like(features))

    @classmethod
    def from_texts(cls, backbone, texts, *, random=False, generator=None):
        """Make prompts that start from sentences; see :meth:`TokenPrompts.from_texts`."""
        known = backbone.known_texts
        if not random and tuple(texts) in known:  # for example for all folds of a search
            return cls(known[tuple(texts)].clone())
        prompts = TokenPrompts.from_texts(backbone, texts, random=random, generator=generator)
        with torch.no_grad():
            features = F.normalize(prompts(), dim=1)
        if not random:
            known[tuple(texts)] = features.clone()  # loading state overwrites a module's tensors
        return cls(features)

    def forward(self):
        """Return the text embeddings, Tensor of shape (n_bins, embed_dim)."""
        return self.fixed_features + self.step

    def own_tower(self):
        """Do nothing: there is no text tower to copy."""

    def release(self):
        """Do nothing: there is no text tower to drop."""

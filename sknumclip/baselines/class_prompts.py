"""Prompts of the baselines: one class per number, as digits or as a learned token."""

import torch
from torch import nn

from ..model.prompts import TokenPrompts, check_prompts, is_word_token, tokenize

__all__ = ["INTERPOLATIONS", "ContextPrompts", "RankFormerPrompts", "RankPrompts"]


class ContextPrompts(TokenPrompts):
    """Prompts with a shared learned context before a number in digits (CoOp, arXiv 2109.01134).

    Parameters
    ----------
    embeddings : Tensor of shape (n_classes, length, width)
        Initial token embeddings: start of text, context, number, end of text.
    is_word : bool Tensor of shape (n_classes, length, 1)
    position : int Tensor of shape (n_classes,)
    tower : TextTower
    n_context : int
        Number of tokens of the context.
    """

    def __init__(self, embeddings, is_word, position, tower, n_context):
        super().__init__(embeddings, is_word, position, tower)
        start = _start_of_words(is_word)
        self.context = slice(start, start + n_context)
        # Only the context is learned, and it is the same for all classes.
        self.embeddings = nn.Parameter(embeddings[:1, self.context].clone())

    @classmethod
    def from_numbers(cls, backbone, context, numbers, generator=None, **kwargs):
        """Make prompts that start from a context in words and numbers in digits.

        Parameters
        ----------
        backbone : Backbone
        context : str or int
            Words, or a number of random tokens.
        numbers : list of str, length n_classes
        generator : torch.Generator, default=None
            For random tokens.
        **kwargs
            For the constructor.
        """
        tokens, n_context = class_tokens(backbone, context, numbers)
        embeddings = backbone.token_embedding(tokens).detach()
        is_word = is_word_token(backbone, tokens)[..., None]
        if not isinstance(context, str):
            start = _start_of_words(is_word)
            noise = torch.randn((n_context, embeddings.shape[2]), generator=generator)
            noise = noise * backbone.token_embedding.weight.std()
            embeddings[:, start : start + n_context] = noise
        position = backbone.text.pooled_position(tokens)
        return cls(embeddings, is_word, position, backbone.text, n_context, **kwargs)

    def words(self):
        """Return all token embeddings, Tensor of shape (n_classes, length, width)."""
        x = self.fixed_embeddings
        context = self.embeddings.expand(len(x), -1, -1)
        return torch.cat([x[:, : self.context.start], context, x[:, self.context.stop :]], dim=1)

    def forward(self):
        """Return the text embeddings, Tensor of shape (n_classes, embed_dim)."""
        return self.tower(self.words(), self.position)


class RankPrompts(ContextPrompts):
    """Prompts with learned tokens for numbers between base ranks (OrdinalCLIP, arXiv 2206.02338).

    Parameters
    ----------
    embeddings, is_word, position, tower, n_context
        As for :class:`ContextPrompts`; the token after the context is replaced.
    weights : Tensor of shape (n_classes, n_base_ranks)
        Share of each base rank in the token of each class.
    base_ranks : Tensor of shape (n_base_ranks, width)
        Initial tokens.
    """

    def __init__(self, embeddings, is_word, position, tower, n_context, *, weights, base_ranks):
        super().__init__(embeddings, is_word, position, tower, n_context)
        self.register_buffer("weights", weights)
        self.base_ranks = nn.Parameter(base_ranks)

    def words(self):
        """Return all token embeddings, Tensor of shape (n_classes, length, width)."""
        x, at = super().words(), self.context.stop
        ranks = (self.weights @ self.base_ranks)[:, None]
        return torch.cat([x[:, :at], ranks, x[:, at + 1 :]], dim=1)


class RankFormerPrompts(ContextPrompts):
    """Prompts that attend to each other (RankFormer of L2RCLIP, arXiv 2306.13856).

    At each position the tokens of all classes attend to one another, and the result is blended
    into them. The initial blend, the number of heads and the hidden width are not in the paper's
    abstract and public material; they are our choice.

    Parameters
    ----------
    embeddings, is_word, position, tower, n_context
        As for :class:`ContextPrompts`.
    """

    def __init__(self, embeddings, is_word, position, tower, n_context):
        super().__init__(embeddings, is_word, position, tower, n_context)
        width = embeddings.shape[2]
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, width // 64 or 1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.blend = nn.Parameter(torch.tensor(0.01))

    def words(self):
        """Return all token embeddings, Tensor of shape (n_classes, length, width)."""
        x = super().words()
        by_position = self.norm(x.transpose(0, 1))
        attended, _ = self.attention(by_position, by_position, by_position, need_weights=False)
        attended = self.mlp(attended).transpose(0, 1)
        return torch.where(self.is_word, (1 - self.blend) * x + self.blend * attended, x)


def class_tokens(backbone, context, numbers):
    """Tokenize one prompt per class.

    Returns
    -------
    tokens : int Tensor of shape (n_classes, length)
    n_context : int
        Number of context tokens, which follow the start of the text.
    """
    words = context if isinstance(context, str) else " ".join(["X"] * context)
    n_context = int(is_word_token(backbone, tokenize(backbone, [words])).sum())
    return tokenize(backbone, _texts(words, numbers)), n_context


def check_numbers(backbone, context, numbers):
    """Raise ValueError unless the numbers have different tokens and are read in full."""
    words = context if isinstance(context, str) else " ".join(["X"] * context)
    check_prompts(backbone, _texts(words, numbers), numbers)


def _texts(words, numbers):
    return [f"{words} {number}." for number in numbers]


def _start_of_words(is_word):
    """Return the position of the context: 1 if the tokenizer marks the start of text, else 0."""
    return int(not is_word[0, 0, 0])


def _linear(distances):
    return 1 - distances / distances.max()


def _inverse(distances):
    return 1 / (distances + 1e-5)


INTERPOLATIONS = {"linear": _linear, "inverse": _inverse}


def interpolation_weights(n_classes, n_base_ranks, interpolation):
    """Compute the share of each base rank in each class, by their distance on the scale.

    Parameters
    ----------
    n_classes, n_base_ranks : int
    interpolation : {"linear", "inverse"}

    Returns
    -------
    Tensor of shape (n_classes, n_base_ranks)
        Rows sum to 1.

    Examples
    --------
    >>> from sknumclip.baselines.class_prompts import interpolation_weights
    >>> interpolation_weights(3, 2, "linear")
    tensor([[1.0000, 0.0000],
            [0.5000, 0.5000],
            [0.0000, 1.0000]])
    """
    classes = torch.linspace(0, 1, n_classes)[:, None]
    distances = (classes - torch.linspace(0, 1, n_base_ranks)).abs()
    weights = INTERPOLATIONS[interpolation](distances)
    return weights / weights.sum(dim=1, keepdim=True)

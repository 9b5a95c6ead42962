"""TextTower: the text tower of a CLIP model, run from token embeddings."""

import torch
from torch import nn

from ..exceptions import BackboneError

__all__ = ["TextTower"]


class TextTower(nn.Module):
    """The text tower of a CLIP model, run from token embeddings instead of token ids.

    Parameters
    ----------
    model : open_clip.CLIP or open_clip.CustomTextCLIP
        The model with the frozen text tower; its parts are shared, not copied.
    """

    def __init__(self, model):
        super().__init__()
        # In CLIP the parts are attributes of the model, in CustomTextCLIP of `.text`.
        flat = not hasattr(model, "text")
        tower = model if flat else model.text
        if not hasattr(tower, "token_embedding") or getattr(tower, "cls_emb", None) is not None:
            raise BackboneError(
                "Learnable prompts need one of open_clip's own text towers, without a class "
                f"token. Got {type(tower).__name__}: choose another model_name."
            )
        self.positional_embedding = tower.positional_embedding
        self.transformer = tower.transformer
        self.ln_final = tower.ln_final
        self.text_projection = tower.text_projection
        self.register_buffer("attn_mask", tower.attn_mask, persistent=False)
        self.pool_type = model.text_pool_type if flat else tower.pool_type
        self.eos_id = model.text_eos_id if flat else tower.eos_id
        self.context_length = tower.context_length

    @property
    def ignores_padding(self):
        """Whether only the tokens up to the end-of-text token matter."""
        return self.attn_mask is not None and self.pool_type in ("argmax", "eos")

    def pooled_position(self, tokens):
        """Find the position whose output is the embedding of the text.

        Parameters
        ----------
        tokens : int Tensor of shape (n_texts, length)

        Returns
        -------
        int Tensor of shape (n_texts,)
        """
        if self.pool_type == "argmax":  # the end-of-text token has the highest id
            return tokens.argmax(dim=1)
        if self.pool_type == "eos":
            return (tokens == self.eos_id).int().argmax(dim=1)
        position = {"first": 0, "last": tokens.shape[1] - 1}[self.pool_type]
        return torch.full((len(tokens),), position, device=tokens.device)

    def forward(self, embeddings, position):
        """Compute the embeddings of texts.

        Parameters
        ----------
        embeddings : Tensor of shape (n_texts, length, width)
            Token embeddings.
        position : int Tensor of shape (n_texts,)
            From :meth:`pooled_position`.

        Returns
        -------
        Tensor of shape (n_texts, embed_dim)
        """
        length = embeddings.shape[1]
        x = embeddings + self.positional_embedding[:length]
        mask = None if self.attn_mask is None else self.attn_mask[:length, :length]
        x = self.ln_final(self.transformer(x, attn_mask=mask))
        x = x[torch.arange(len(x), device=x.device), position]
        if isinstance(self.text_projection, nn.Linear):
            return self.text_projection(x)
        return x if self.text_projection is None else x @ self.text_projection

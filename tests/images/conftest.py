"""Small batches, and embeddings of no other test."""

import pytest

from sknumclip.images import embeddings
from sknumclip.images.embeddings import clear_embedding_cache


@pytest.fixture
def _small_batches_and_empty_cache(monkeypatch):
    monkeypatch.setattr(embeddings, "CPU_CACHED_BATCH_SIZE", 2)
    monkeypatch.setattr(embeddings, "BATCH_SIZE", 2)
    clear_embedding_cache()
    yield
    clear_embedding_cache()

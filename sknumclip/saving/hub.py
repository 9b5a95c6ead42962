"""push_to_hub() and from_pretrained(): share fitted estimators on the Hugging Face Hub."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from sklearn.utils.validation import check_is_fitted

from .._typing import Metrics, StrPath
from ..clip.loading import is_published
from ..estimators.numclip import BaseNumCLIP
from ..exceptions import SavedModelError
from .config import CONFIG_FILE, TENSORS_FILE
from .folder import NumCLIP, load, save
from .model_card import model_card, refers_to_tower

__all__ = ["from_pretrained", "prepare_upload", "push_to_hub"]


def push_to_hub(
    estimator: BaseNumCLIP,
    repo_id: str,
    *,
    standalone: bool = False,
    metrics: Metrics | None = None,
    description: str | None = None,
    license: str | None = None,
    private: bool | None = None,
    token: str | bool | None = None,
    **upload_options: Any,
) -> str:
    """Upload a fitted estimator with a model card to the Hugging Face Hub.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    repo_id : str
        ``"user/name"``; created if needed.
    standalone : bool, default=False
        Whether to also upload a frozen image tower. Check its license first.
    metrics : mapping of str to number or str, default=None
        For the model card: results by name.
    description : str, default=None
        For the model card: the purpose of the model, in plain text.
    license : str, default=None
        For the model card: license identifier of the hub, like ``"cc-by-nc-4.0"``.
    private : bool, default=None
        Whether a new repository is private; None is the hub's default.
    token : str or bool, default=None
        Token for the hub; None uses the one that you logged in with.
    **upload_options
        Passed to ``HfApi.upload_folder`` of huggingface_hub: `revision`, `commit_message`, ...

    Returns
    -------
    str
        URL of the commit.

    Raises
    ------
    ValueError
        If the frozen image tower exists only on this machine, so that others could not load the
        model, or if `repo_id` is not a valid repository name.
    """
    with tempfile.TemporaryDirectory(prefix="sknumclip-") as folder:
        prepare_upload(
            estimator,
            folder,
            repo_id,
            standalone=standalone,
            metrics=metrics,
            description=description,
            license=license,
        )
        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id, private=private, exist_ok=True).repo_id
        options = {"commit_message": "Upload a model of sknumclip", **upload_options}
        commit = api.upload_folder(repo_id=repo_id, folder_path=folder, **options)
    return commit.commit_url


def prepare_upload(
    estimator: BaseNumCLIP,
    path: StrPath,
    repo_id: str,
    *,
    standalone: bool = False,
    metrics: Metrics | None = None,
    description: str | None = None,
    license: str | None = None,
) -> None:
    """Write the files that :func:`push_to_hub` uploads to a folder, to review them first.

    Names of skipped images and of local folders are left out.

    Parameters
    ----------
    estimator : NumCLIPRegressor or NumCLIPClassifier
    path : str or Path
        Folder; created if needed.
    repo_id : str
    standalone : bool, default=False
    metrics : mapping of str to number or str, default=None
    description : str, default=None
    license : str, default=None
        As for :func:`push_to_hub`.
    """
    check_is_fitted(estimator)
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ValueError(f"repo_id must be like 'user/name'. Got {repo_id!r}: {error}") from error
    reference = estimator.backbone_
    refers = refers_to_tower(estimator, standalone)
    if refers and not _is_public(reference["model_name"], reference["pretrained"]):
        raise ValueError(
            f"The frozen image tower model_name={reference['model_name']!r}, "
            f"pretrained={reference['pretrained']!r} is on this machine only, so others could not "
            "load the model. Use standalone=True to upload it too, if its license allows that."
        )
    public = _without_private_names(estimator)
    card = model_card(
        public,
        repo_id,
        standalone=standalone,
        metrics=metrics,
        description=description,
        license=license,
    )
    save(public, path, standalone)
    (Path(path) / "README.md").write_text(card, encoding="utf-8")


def from_pretrained(
    cls: type[NumCLIP],
    repo_id_or_folder: StrPath,
    *,
    model_name: str | None = None,
    pretrained: str | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: StrPath | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> NumCLIP:
    """Load a fitted estimator from the Hugging Face Hub or from a folder.

    Two files are downloaded, JSON and safetensors; they never execute code. If they refer to a
    frozen image tower, it is loaded from open_clip's list of published weights or from the location
    in `model_name`; a downloaded model cannot point to other repositories or to local files.

    Parameters
    ----------
    cls : type
        The estimator's class.
    repo_id_or_folder : str or Path
        A local folder, if one of this name exists (no network needed); otherwise a repository.
    model_name, pretrained : str, default=None
        Location of the frozen image tower; see :func:`~sknumclip.saving.load`.
    revision : str, default=None
        Branch, tag or commit. Pass a commit to always get the same model.
    token : str or bool, default=None
        Token for the hub; None uses the one that you logged in with.
    cache_dir : str or Path, default=None
        Folder for downloads; None is the hub's own folder.
    force_download : bool, default=False
        Whether to download files again that are already there.
    local_files_only : bool, default=False
        Whether to use only earlier downloads, without a network.

    Returns
    -------
    estimator of type `cls`

    Raises
    ------
    SavedModelError
        If the model cannot be downloaded, or is incomplete or of another class or format. It is a
        ValueError.
    BackboneError
        If the frozen image tower cannot be loaded.
    """
    folder = Path(repo_id_or_folder)
    is_local = folder.is_dir()
    if not is_local:
        try:
            folder = Path(
                snapshot_download(
                    os.fspath(repo_id_or_folder),
                    revision=revision,
                    token=token,
                    cache_dir=cache_dir if cache_dir is None else os.fspath(cache_dir),
                    force_download=force_download,
                    local_files_only=local_files_only,
                    allow_patterns=[CONFIG_FILE, TENSORS_FILE],
                )
            )
        except Exception as error:  # from the hub, its HTTP library or the disk
            raise SavedModelError(
                f"{os.fspath(repo_id_or_folder)!r} is not a local folder and cannot be downloaded: "
                f"{error}"
            ) from error
    return load(cls, folder, model_name=model_name, pretrained=pretrained, trust_paths=is_local)


def _is_public(model_name, pretrained):
    return model_name.startswith("hf-hub:") or is_published(model_name, pretrained)


def _without_private_names(estimator):
    """Copy the estimator without names of local folders and files."""
    public = copy.copy(estimator)
    public.skipped_ = {}
    public.checkpoint = None
    if estimator.image_cache not in ("auto", "memory", None):
        public.image_cache = "auto"
    if not _is_public(estimator.backbone_["model_name"], estimator.backbone_["pretrained"]):
        public.model_name = _last_part(estimator.model_name)
        public.pretrained = _last_part(estimator.pretrained)
        names = {
            name: _last_part(estimator.backbone_[name]) for name in ("model_name", "pretrained")
        }
        public.backbone_ = {**estimator.backbone_, **names}
    return public


def _last_part(name):
    """Return "local-dir:/home/me/clip" as "local-dir:clip"."""
    if not name or ("/" not in name and "\\" not in name):
        return name
    prefix = "local-dir:" if name.startswith("local-dir:") else ""
    return prefix + Path(name.replace("\\", "/")).name

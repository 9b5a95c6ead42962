"""restore_module(): rebuild a saved model's torch module, checked before memory is allocated."""

import torch

from ..bins import LinguisticBins
from ..clip.backbone import Preprocessing, tower_fingerprint
from ..exceptions import SavedModelError
from ..model.modules import FeatureEncoder, ImageEncoder, NumCLIPModule
from ..model.prompts import FeaturePrompts, TokenPrompts
from ..model.solved import SolvedModule
from .config import CONFIG_FILE, refers_to_tower
from .tensors import TensorFile
from .tower import build_tower, check_tower_config, load_referenced_tower

__all__ = ["kind_of", "restore_module", "tower_state"]

_TOWER = "encoder.visual."


def tower_state(encoder):
    """Return the tensors of an image tower, by their names in a saved model."""
    return {_TOWER + name: tensor for name, tensor in encoder.visual.state_dict().items()}


def kind_of(module):
    """Return the value of "kind" in the JSON of a saved model."""
    if not isinstance(module, SolvedModule):
        return "trained"
    return "solved" if module.of_clip else "solved for other features"


def restore_module(config, folder, model_name=None, pretrained=None, *, trust_paths=True):
    """Rebuild the module: first on the meta device, to validate the files, then with weights.

    Parameters
    ----------
    config : dict
        From :func:`~sknumclip.saving.config.read_config`.
    folder : Path
    model_name, pretrained, trust_paths
        As for :func:`~sknumclip.saving.load`.

    Returns
    -------
    NumCLIPModule

    Raises
    ------
    SavedModelError
        If the tensors and the JSON do not describe a valid module.
    BackboneError
        If the frozen image tower cannot be loaded.
    """
    file = TensorFile(folder, config["tensors_sha256"])
    bins, expected = _dry_run(config, folder, file)
    tensors = file.read(expected)
    visual = None
    if refers_to_tower(config):
        visual = load_referenced_tower(
            config, folder, model_name, pretrained, trust_paths=trust_paths
        ).visual
    module = _build(config, bins, tensors, visual)
    for name in {"centers", "widths"} & tensors.keys():
        if not torch.equal(tensors[name], getattr(module, name)):
            raise SavedModelError(
                f"{file.file} does not match {CONFIG_FILE}: the {name} of the bins differ."
            )
    _fill(module, tensors, config, file.file)
    return module


def _dry_run(config, folder, file):
    """Build and run the module on torch's meta device; return bins and expected tensors."""
    try:
        bins = LinguisticBins(**config["bins"])
        if "n_features" not in config["encoder"] and not refers_to_tower(config):
            n_bytes = file.file.stat().st_size
            tower_config = config["backbone"]["vision_config"]
            check_tower_config(tower_config, len(file.shapes) + 100, n_bytes)
        with torch.device("meta"):
            prompts = {} if _is_solved(config) else _empty_prompts(config, bins, file)
            module = _build(config, bins, prompts)
            expected = _expected_state(module, config, bins)
            _run(module.encoder.image_encoder, config)
    except SavedModelError:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise SavedModelError(f"{folder / CONFIG_FILE} is damaged: {error!s:.500}") from error
    return bins, expected


def _is_solved(config):
    return config["kind"] != "trained"


def _build(config, bins, prompts, visual=None):
    if _is_solved(config):
        return SolvedModule(
            _build_encoder(config, visual),
            bins=bins,
            n_features=_embed_dim(config),
            of_clip=config["kind"] == "solved",
            shift=config["shift"],
            max_shift=config["max_shift"],
        )
    prompts = {name.removeprefix("prompts."): tensor for name, tensor in prompts.items()}
    if "fixed_features" in prompts:
        prompts = FeaturePrompts(prompts["fixed_features"])
    else:
        names = ("embeddings", "is_word", "position")
        prompts = TokenPrompts(*(prompts[name] for name in names))
    return NumCLIPModule(
        _build_encoder(config, visual),
        prompts,
        bins=bins,
        logit_scale=config["logit_scale"],
        shift=config["shift"],
        max_shift=config["max_shift"],
    )


def _build_encoder(config, visual):
    encoder = config["encoder"]
    if "n_features" in encoder:
        return FeatureEncoder(encoder["n_features"], encoder["embed_dim"])
    if refers_to_tower(config):
        visual = visual or torch.nn.Identity()  # not needed in the dry run
    else:
        visual = build_tower(config["backbone"]["vision_config"])
    preprocessing = Preprocessing.from_dict(encoder["preprocessing"])
    image_encoder = ImageEncoder(
        visual, preprocessing, encoder["canvas_scale"], encoder.get("mirror", False)
    )
    if not encoder["is_shared"]:
        return image_encoder
    embed_dim = _embed_dim(config)
    return FeatureEncoder(embed_dim, embed_dim, image_encoder=image_encoder.eval())


def _empty_prompts(config, bins, file):
    if "prompts.fixed_features" in file.shapes:
        return {"fixed_features": torch.empty(bins.n_bins, _embed_dim(config))}
    _, length, width = file.shape("prompts.embeddings", 3)
    return {
        "embeddings": torch.empty(bins.n_bins, length, width),
        "is_word": torch.empty(bins.n_bins, length, 1, dtype=torch.bool),
        "position": torch.empty(bins.n_bins, dtype=torch.int64),
    }


def _embed_dim(config):
    return config["encoder"].get("embed_dim", config["backbone"]["vision_config"]["embed_dim"])


def _expected_state(module, config, bins):
    if not _is_solved(config):
        module.text_features = torch.empty(bins.n_bins, _embed_dim(config))
    state = module.fitted_state()
    if config["standalone"] and module.encoder.image_encoder is not None:
        state.update(tower_state(module.encoder.image_encoder))
    return state


def _run(encoder, config):
    """Check that the tower runs on images of the size in the JSON."""
    if "n_features" in config["encoder"] or refers_to_tower(config):
        return
    size = encoder.preprocessing.size
    own_size = getattr(encoder.visual, "image_size", size)
    if own_size not in (size, list(size)) and (own_size, own_size) != size:
        raise ValueError(f"the image tower takes images of size {own_size}, not {size}.")
    with torch.no_grad():
        features = encoder.eval()(torch.empty(1, 3, *size))
    if features.shape != (1, _embed_dim(config)):
        raise ValueError("the image tower does not return one embedding per image.")


def _fill(module, tensors, config, file):
    tensors = dict(tensors)
    if not _is_solved(config):
        module.text_features = tensors.pop("text_features")
    if module.is_frozen:
        own = {name: tensors.pop(name) for name in list(tensors) if name.startswith(_TOWER)}
        if own:
            _fill_tower(module.encoder.image_encoder, own, config, file)
    if "prompts.position" in tensors:
        length = tensors["prompts.embeddings"].shape[1]
        position = tensors["prompts.position"]
        if not ((position >= 0) & (position < length)).all():
            raise SavedModelError(f"{file} is damaged: 'prompts.position' is out of range.")
    module.load_trained_state(tensors)


def _fill_tower(encoder, tensors, config, file):
    encoder.visual.load_state_dict(
        {name.removeprefix(_TOWER): tensor for name, tensor in tensors.items()}
    )
    vision_config = config["backbone"]["vision_config"]
    # Embeddings are cached under this hash, so a wrong hash would give another tower's.
    got = tower_fingerprint(encoder.visual, vision_config, encoder.preprocessing)
    if got != config["backbone"]["fingerprint"]:
        raise SavedModelError(f"{file} contains a different image tower than {CONFIG_FILE} says.")

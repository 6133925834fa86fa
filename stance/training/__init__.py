"""From data to weights: the stance classifier and the quote tagger, each from one YAML file of `configs/`."""

from __future__ import annotations

from pathlib import Path

from stance.config import TaggerConfig, TrainConfig, load_train_config
from stance.errors import ConfigError

__all__ = ["train"]


def train(
    config: str | Path | TrainConfig | TaggerConfig,
    *,
    data: str | Path | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
) -> Path:
    """Train a stance checkpoint and return its folder, which `model=` takes.

    Each finished stage is kept beside the output as `NAME.stage-N`, and the last finished epoch of an unfinished one as
    `NAME.state-N.SEED.safetensors`; with `resume`, neither is run again and the result is that of a whole run
    (on a GPU, but for its dropout). Without it, both are removed first.
    Ctrl-C in the last stage leaves its best epoch so far.

    Args:
        config: a YAML file or a configuration.
        data: folder that the sources' paths are relative to; the config file's folder when None.
        output: where the checkpoint goes; the config's `output` when None.
        resume: go on after the last finished epoch.
        progress: show a progress bar on stderr.

    Raises:
        ConfigError: a wrong configuration, a base that cannot be loaded, or `resume` for a tagger.
        InputError: a source that is missing or has a bad row.

    Example:
        >>> train("configs/train-default.yaml", data="../shared/data")  # doctest: +SKIP
        PosixPath('runs/minilm-nato')
    """
    given = isinstance(config, (TrainConfig, TaggerConfig))
    settings = config if isinstance(config, (TrainConfig, TaggerConfig)) else load_train_config(config)
    home = Path() if given else Path(str(config)).parent
    folder = Path(data) if data is not None else home
    out = Path(output or settings.output)
    if isinstance(settings, TaggerConfig):
        if resume:
            raise ConfigError(f"{settings.name}: the training of a tagger cannot be resumed; run it whole.")
        from stance.training.tagger import train_tagger

        return train_tagger(settings, data=folder, output=out, progress=progress)
    from stance.training.classifier import train_classifier

    return train_classifier(settings, data=folder, home=home, output=out, resume=resume, progress=progress)

"""The data card: what is in the data set, how it came about, and how far people agreed, with the build's own figures."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from stance.config import BuildConfig
from stance.corpus.splits import SPLITS
from stance.labels import LABELS
from stance.targets import Target

if TYPE_CHECKING:
    from jinja2 import Template

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def dataset_card(manifest: dict[str, Any], *, config: BuildConfig, target: Target) -> str:
    """The card as Markdown with the metadata of the hub.

    Args:
        manifest: counts, agreement and tables of a build.
        config: of the build.
        target: what the labels are about.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    labelled = manifest["counts"]["labelled"]
    size = next((name for most, name in _SIZES if labelled < most), "n>1M")
    filled = [s for s in SPLITS if manifest["tables"]["label"][s]]
    about = DatasetCardData(
        pretty_name=config.name,
        license=config.licence or "other",
        language="en",
        task_categories="text-classification",
        size_categories=size,
        tags=["stance-detection"],
        configs=[{"config_name": "default", "data_files": [{"split": s, "path": f"data/{s}.parquet"} for s in filled]}],
    )
    text = _template().render(manifest, about=config, target=target, labels=[*map(str, LABELS)], splits=SPLITS)
    return str(DatasetCard(f"---\n{about.to_yaml()}\n---\n\n{text}"))


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("stance", "pages"), trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("dataset_card.md")

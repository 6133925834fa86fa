"""From collected statements to a data set that can be published: checked, grouped, split, counted."""

from stance.corpus.curate import curate
from stance.corpus.groups import near_duplicate_groups, split_of

__all__ = ["curate", "near_duplicate_groups", "split_of"]

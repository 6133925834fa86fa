"""From articles to a data set that can be published: found, filtered, grouped, annotated, split, counted."""

from stance.corpus.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha
from stance.corpus.annotate import Session, annotate_in_notebook, annotate_in_terminal
from stance.corpus.annotations import adjudicate, dawid_skene, join_annotations
from stance.corpus.build import Build, build_dataset
from stance.corpus.card import dataset_card
from stance.corpus.curate import curate
from stance.corpus.duplicates import Duplicates
from stance.corpus.formats import LABEL_STUDIO_CONFIG, read_tasks, write_tasks
from stance.corpus.groups import near_duplicate_groups, split_of
from stance.corpus.ingest import Unreadable, article_files, read_articles
from stance.corpus.load import load_dataset
from stance.corpus.publish import push_dataset, write_dataset
from stance.corpus.quotes import quotes_on_target
from stance.corpus.sampling import sample_for_annotation
from stance.corpus.splits import assign_splits, check_leaks, find_leaks, join_near_duplicates, split_tables

__all__ = [
    "LABEL_STUDIO_CONFIG",
    "Build",
    "Duplicates",
    "Session",
    "Unreadable",
    "adjudicate",
    "agreement",
    "annotate_in_notebook",
    "annotate_in_terminal",
    "article_files",
    "assign_splits",
    "build_dataset",
    "check_leaks",
    "cohen_kappa",
    "curate",
    "dataset_card",
    "dawid_skene",
    "find_leaks",
    "fleiss_kappa",
    "join_annotations",
    "join_near_duplicates",
    "krippendorff_alpha",
    "load_dataset",
    "near_duplicate_groups",
    "push_dataset",
    "quotes_on_target",
    "read_articles",
    "read_tasks",
    "sample_for_annotation",
    "split_of",
    "split_tables",
    "write_dataset",
    "write_tasks",
]

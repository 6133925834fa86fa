"""Tables of any size: batches of Arrow, files in parts, several processes; the rows come out in order, each once."""

from stance.stream.batch import RESULT_COLUMNS, Labelling, LabelOptions, label_batch
from stance.stream.files import Summary, classify_file

__all__ = ["RESULT_COLUMNS", "LabelOptions", "Labelling", "Summary", "classify_file", "label_batch"]

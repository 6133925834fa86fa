"""Tasks and annotations in the files of annotation tools, there and back without loss.

Each kind carries the whole quote along, in fields that its tool keeps: what is written and read again is equal.

======================  ======================================================================================
kind                    file
======================  ======================================================================================
``stance``              JSON lines of annotations alone (quote, annotator, label, note), as `stance annotate` writes
``labelstudio``         Label Studio's JSON: tasks with `data`, `predictions`, `annotations`
``doccano``             doccano's JSON lines for text classification; one file for each annotator
``prodigy``             Prodigy's JSON lines for the interface `choice`
``table``               CSV or XLSX for people with a spreadsheet; the column `record` is not to be touched
======================  ======================================================================================

`make labelstudio` and `make doccano` take tasks through the tools' own code. Prodigy is not free: its files are tested against
what its documentation says of them, never by the tool.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from stance.corpus.annotations import Problem
from stance.errors import InputError, MissingExtraError
from stance.io import atomic_path, must_exist, read_table, write_table
from stance.labels import LABELS, Stance
from stance.records import Annotation

Row = dict[str, Any]
Kind = Literal["stance", "labelstudio", "doccano", "prodigy", "table"]

LABEL_STUDIO_CONFIG = """\
<View>
  <Header value="$speaker"/>
  <Text name="text" value="$text"/>
  <Text name="context" value="$context"/>
  <Choices name="stance" toName="text" choice="single" required="true" showInLine="true">
    <Choice value="against" hotkey="a"/>
    <Choice value="neutral" hotkey="n"/>
    <Choice value="favor" hotkey="f"/>
  </Choices>
  <TextArea name="note" toName="text" rows="1" placeholder="a remark, if any"/>
</View>
"""
"""The labelling configuration for a Label Studio project that takes our tasks."""

_SHOWN = ("id", "text", "speaker", "context")
_FORMULA = ("=", "+", "-", "@")
_CELL = 32_767
"""Characters that a cell of a spreadsheet holds; longer text would be cut."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """What a file holds: quotes, annotations of them, and what could not be used.

    Args:
        quotes: each quote by its id, in the file's order; empty for the kind "stance".
        annotations: in the file's order.
        problems: labels outside the scheme, skipped tasks, lines without an id.
    """

    quotes: dict[str, Row] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The quotes as rows."""
        return list(self.quotes.values())

    def take(self, file: str, quote: Any, annotator: Any, label: Any, note: Any = None) -> None:
        """Keep an annotation, or list why it cannot be one."""
        name = label.strip().casefold() if isinstance(label, str) else None
        if name not in list(LABELS):
            self.refuse(file, quote, annotator, f"label {label!r} is outside the scheme", label, note)
            return
        try:
            self.annotations.append(Annotation(_text(quote) or "", _text(annotator) or "", Stance(name), _text(note)))
        except InputError as error:
            self.refuse(file, quote, annotator, str(error), label, note)

    def refuse(self, file: str, quote: Any, annotator: Any, reason: str, label: Any = None, note: Any = None) -> None:
        """List an annotation that cannot be used, with all that it says."""
        said = ", ".join(map(str, label)) if isinstance(label, list) else label
        self.problems.append(Problem(file, _text(quote), _text(annotator), reason, _text(said), _text(note)))


def _text(value: Any) -> str | None:
    return None if value is None or not str(value).strip() else str(value)


def write_tasks(rows: Sequence[Row], path: str | Path, *, kind: Kind, annotations: Sequence[Annotation] = ()) -> None:
    """Write quotes, and annotations of them, for a tool.

    Args:
        rows: quotes with id and text.
        path: the file; its ending decides between CSV and XLSX.
        kind: see the module.
        annotations: of these quotes. For Label Studio, the model's stance goes along as a prediction.

    Raises:
        InputError: an unknown kind, an annotation of a quote that is not among the rows, two annotators for doccano, a
            text too long for a cell.
        MissingExtraError: XLSX without openpyxl.
    """
    _known(kind)
    ids = {row["id"] for row in rows}
    lost = [a.quote for a in annotations if a.quote not in ids]
    if lost and kind != "stance":
        raise InputError(f"{path}: an annotation of {lost[0]!r}, which is not among the quotes.")
    by_quote: dict[str, list[Annotation]] = defaultdict(list)
    for a in annotations:
        by_quote[a.quote].append(a)
    pairs: list[tuple[Row, Annotation | None]] = [(r, a) for r in rows for a in by_quote[r["id"]] or (None,)]
    if kind == "stance":
        write_table([[a.to_dict() for a in annotations]], path)
    elif kind == "labelstudio":
        text = json.dumps([_labelstudio_task(r, by_quote[r["id"]]) for r in rows], ensure_ascii=False, indent=1)
        with atomic_path(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    elif kind == "doccano":
        if len({a.annotator for a in annotations}) > 1:
            raise InputError(f"{path}: doccano keeps one file for each annotator; write them one by one.")
        with atomic_path(path) as temporary:  # in ASCII, since doccano guesses the encoding, and not well
            temporary.write_text("".join(json.dumps(_doccano_line(r, a)) + "\n" for r, a in pairs), encoding="ascii")
    elif kind == "prodigy":
        write_table([[_prodigy_line(r, a) for r, a in pairs]], path)
    else:
        cells = [_cells(r, a, str(path)) for r, a in pairs]
        if Path(path).suffix.lower() == ".xlsx":
            _write_xlsx(cells, Path(path))
        else:
            write_table([cells], path, encoding="utf-8-sig")  # by whose mark Excel knows UTF-8


def read_tasks(path: str | Path, *, kind: Kind, annotator: str | None = None) -> Tasks:
    """Read a tool's file.

    Args:
        path: the file.
        kind: see the module.
        annotator: whose annotations these are where the file does not say; its name without ending when None.

    Raises:
        InputError: an unknown kind, or a file that is not of this kind.
        MissingExtraError: XLSX without openpyxl.
    """
    _known(kind)
    readers: dict[str, Callable[[Path, str, Tasks], None]] = {
        "stance": _read_stance,
        "labelstudio": _read_labelstudio,
        "doccano": _read_doccano,
        "prodigy": _read_prodigy,
        "table": _read_cells,
    }
    tasks = Tasks()
    readers[kind](Path(path), annotator or Path(path).stem, tasks)
    return tasks


def _known(kind: str) -> None:
    if kind not in get_args(Kind):
        raise InputError(f"Unknown kind {kind!r}; there are {', '.join(get_args(Kind))}.")


def _rows(path: Path, tasks: Tasks, *, kind: str) -> Iterator[Row]:
    """The good rows of a file; what is half-written becomes a problem."""
    how: dict[str, Any] = _as_saved(path) if kind == "csv" else {}

    def skip(reason: str) -> None:
        tasks.refuse(str(path), None, None, reason.removeprefix(f"{path}, "))

    for batch in read_table(path, kind=kind, skip=skip, **how):
        yield from batch


def _as_saved(path: Path) -> dict[str, Any]:
    """How a spreadsheet program saved a CSV file: in UTF-8 or its country's encoding, with its country's separator."""
    must_exist(path)
    data, encoding = path.read_bytes(), "utf-8-sig"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.end < len(data):  # else it is UTF-8 that was cut inside its last letter
            from charset_normalizer import from_bytes

            found = from_bytes(data, cp_isolation=["cp1252", "cp1251"]).best()
            encoding = encoding if found is None else found.encoding
    header = data.split(b"\n", 1)[0]
    return {"encoding": encoding, "delimiter": max((",", ";", "\t"), key=lambda d: header.count(d.encode()))}


def _read_stance(path: Path, annotator: str, tasks: Tasks) -> None:
    for line in _rows(path, tasks, kind="jsonl"):
        tasks.take(str(path), line.get("quote"), line.get("annotator") or annotator, line.get("label"), line.get("note"))


def _labelstudio_task(row: Row, annotations: list[Annotation]) -> Row:
    def choice(label: str) -> Row:
        return {"from_name": "stance", "to_name": "text", "type": "choices", "value": {"choices": [label]}}

    given = []
    for a in annotations:
        result = [choice(str(a.label))]
        if a.note is not None:
            result.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [a.note]}})
        given.append({"completed_by": {"email": a.annotator}, "result": result})
    shown = {name: row.get(name) or "" for name in _SHOWN}
    task: Row = {"data": {**shown, "quote": row}, "annotations": given}
    if row.get("stance"):
        score = row.get(f"p_{row['stance']}")
        task["predictions"] = [{"model_version": row.get("model") or "", "score": score, "result": [choice(row["stance"])]}]
    return task


def _read_labelstudio(path: Path, annotator: str, tasks: Tasks) -> None:
    """JSON exports; `completed_by` is the annotator's number, or the address in a snapshot made with all of a user."""
    try:
        found = json.loads(path.read_text("utf-8"))
        data = [(task["data"], task.get("annotations") or []) for task in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no JSON export of Label Studio ({error!r}); choose JSON, not JSON-MIN.") from error
    for values, given in data:
        if isinstance(values.get("quote"), dict):
            tasks.quotes.setdefault(values["quote"]["id"], values["quote"])
        for a in given:
            by = a.get("completed_by")
            who = by.get("email") if isinstance(by, dict) else by if by is not None else annotator
            results = {r.get("from_name"): r.get("value", {}) for r in a.get("result", [])}
            choices = results.get("stance", {}).get("choices") or [None]
            note = "\n".join(results.get("note", {}).get("text") or []) or None
            label = choices[0] if len(choices) == 1 else choices
            if a.get("was_cancelled"):
                tasks.refuse(str(path), values.get("id"), who, "skipped in the tool", label, note)
            else:
                tasks.take(str(path), values.get("id"), who, label, note)


def _doccano_line(row: Row, annotation: Annotation | None) -> Row:
    """Every line has the same keys, since doccano's import fails at a key that others lack.

    Its export cuts the digits of numbers, so the quote goes along as text, and sets `Comments` anew, so a note goes in `given`.
    """
    shown = {name: row.get(name) for name in ("text", "speaker", "context")}
    given = None if annotation is None else annotation.to_dict()
    return {**shown, "label": [given["label"]] if given else [], "given": given, "quote": json.dumps(row)}


def _read_doccano(path: Path, annotator: str, tasks: Tasks) -> None:
    """Exports hold our fields at the top, `id` of doccano's own, and `label` or, in old versions, `labels`.

    doccano tells users apart by its files' names alone: a label that is not the one brought along is this file's annotator's.
    """
    for line in _rows(path, tasks, kind="jsonl"):
        labels, given = line.get("label", line.get("labels")) or [], line.get("given")
        note = "\n".join(line.get("Comments") or []) or None
        try:
            quote = json.loads(line["quote"])
            tasks.quotes.setdefault(quote["id"], quote)
        except (KeyError, TypeError, ValueError):
            tasks.refuse(str(path), None, annotator, f"line with doccano's id {line.get('id')!r}: no `quote`", labels, note)
            continue
        if given and labels == [given["label"]]:
            tasks.take(str(path), quote["id"], given["annotator"], given["label"], note or given["note"])
        elif labels:
            tasks.take(str(path), quote["id"], annotator, labels[0] if len(labels) == 1 else labels, note)


def _prodigy_line(row: Row, annotation: Annotation | None) -> Row:
    options = [{"id": str(x), "text": str(x)} for x in LABELS]
    meta = {name: row[name] for name in ("speaker", "outlet", "date") if row.get(name)}
    line: Row = {"text": row["text"], "options": options, "meta": meta, "quote": row}
    if annotation:
        given = {"accept": [str(annotation.label)], "answer": "accept", "_annotator_id": annotation.annotator}
        line |= given | ({"note": annotation.note} if annotation.note is not None else {})
    return line


def _read_prodigy(path: Path, annotator: str, tasks: Tasks) -> None:
    for line in _rows(path, tasks, kind="jsonl"):
        quote = line.get("quote")
        who = line.get("_annotator_id") or line.get("_session_id") or annotator
        said = line.get("accept"), line.get("note")
        if not isinstance(quote, dict) or "id" not in quote:
            tasks.refuse(str(path), None, who, f"line with task {line.get('_task_hash')!r}: no `quote`", *said)
            continue
        tasks.quotes.setdefault(quote["id"], quote)
        if line.get("answer", "accept") != "accept":
            tasks.refuse(str(path), quote["id"], who, f"answer {line['answer']!r} in the tool", *said)
        elif "accept" in line:
            labels = line["accept"]
            tasks.take(str(path), quote["id"], who, labels[0] if len(labels) == 1 else labels, line.get("note"))


def _cells(row: Row, annotation: Annotation | None, where: str) -> Row:
    """Cells for people, and the quote as JSON. A spreadsheet takes a cell that begins with = for a formula."""
    shown = {}
    for name in _SHOWN:
        text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in str(row.get(name) or ""))
        shown[name] = _escaped(text)
    label = str(annotation.label) if annotation else ""
    person, note = (_escaped(annotation.annotator), _escaped(annotation.note or "")) if annotation else ("", "")
    cells = {**shown, "label": label, "annotator": person, "note": note, "record": json.dumps(row)}
    long = [name for name, value in cells.items() if len(value) > _CELL]
    if long:
        raise InputError(f"{where}: {row['id']!r}: {long[0]} has more than {_CELL} characters; use another kind.")
    return cells


def _escaped(text: str) -> str:
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _unescaped(cell: Any) -> Any:
    escaped = isinstance(cell, str) and cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA)
    return cell[1:] if escaped else cell


def _read_cells(path: Path, annotator: str, tasks: Tasks) -> None:
    rows = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _rows(path, tasks, kind="csv")
    for number, raw in enumerate(rows, start=2):
        cells = {name: _unescaped(cell) if name in ("id", "annotator", "note") else cell for name, cell in raw.items()}
        try:
            quote = json.loads(cells["record"])
        except (KeyError, TypeError, ValueError):
            quote = {"id": cells.get("id")}  # a table of somebody's own: the id is enough for an annotation
        else:
            tasks.quotes.setdefault(quote["id"], quote)
        if not quote["id"]:
            person = cells.get("annotator") or annotator
            tasks.refuse(str(path), None, person, f"row {number}: no id", cells.get("label"), cells.get("note"))
        elif _text(cells.get("label")):
            tasks.take(str(path), quote["id"], cells.get("annotator") or annotator, cells["label"], cells.get("note"))


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "xlsx") from error
    return openpyxl


def _write_xlsx(rows: Iterable[Row], path: Path) -> None:
    openpyxl = _openpyxl()
    book = openpyxl.Workbook()
    sheet = book.active
    for at, row in enumerate(rows, start=1):
        if at == 1:
            sheet.append(list(row))
        for column, value in enumerate(row.values(), start=1):
            try:
                sheet.cell(at + 1, column, value).data_type = "s"  # text that begins with = is no formula
            except openpyxl.utils.exceptions.IllegalCharacterError as error:
                raise InputError(f"{path}: {row['id']!r}: a character that XLSX cannot hold; use CSV.") from error
    with atomic_path(path) as temporary:
        book.save(temporary)


def _read_xlsx(path: Path) -> Iterator[Row]:
    try:
        book = _openpyxl().load_workbook(path, read_only=True)
    except MissingExtraError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise InputError(f"{path}: no XLSX file ({error}).") from error
    rows = book.active.iter_rows(values_only=True)
    names = [str(n) for n in next(rows, ())]
    for row in rows:
        yield {name: "" if v is None else v for name, v in zip(names, row, strict=False)}

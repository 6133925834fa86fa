"""One person labels a sample, one key at a time; each decision is on disk before the next quote is shown.

The model's own label is never shown: people follow it.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stance.corpus.formats import read_tasks
from stance.errors import InputError, MissingExtraError
from stance.io import read_table, write_table
from stance.labels import Stance
from stance.records import Annotation

Row = dict[str, Any]

KEYS = {"a": Stance.AGAINST, "n": Stance.NEUTRAL, "f": Stance.FAVOR}
_HELP = "a against   n neutral   f favor   |   s skip   u undo   r remark   g guidelines   q quit"
_GUIDELINES = """\
Label the stance that the speaker takes in this quote, read with its context; not what else is known of the speaker.
against: rejects, rules out, opposes or warns against it, or justifies keeping it off.
neutral: takes no side: procedure, history, a report of somebody else's position, another matter.
favor: wants, supports, demands or defends it, now or one day."""


class Session:
    """A sample, one annotator, and the file of decisions: where it stopped, it goes on.

    Args:
        sample: JSON lines of quotes with id and text, such as `review/sample.jsonl`.
        output: JSON lines of annotations; made when it is not there. A line that a crash left half-written moves to the
            same name with `.broken` at its end.
        annotator: who labels.

    Raises:
        InputError: no quotes, or a file of annotations by somebody else.
    """

    def __init__(self, sample: str | Path, output: str | Path, *, annotator: str) -> None:
        self.annotator, self._output = annotator, Path(output)
        self.rows: dict[str, Row] = {row["id"]: row for batch in read_table(sample) for row in batch}
        if not self.rows:
            raise InputError(f"{sample}: no quotes.")
        self._skipped: list[str] = []
        self._again: list[str] = []
        self.broken = 0
        """How many lines were moved aside."""
        self._output.parent.mkdir(parents=True, exist_ok=True)
        self.given = self._resume() if self._output.is_file() else []

    def _resume(self) -> list[Annotation]:
        found = read_tasks(self._output, kind="stance")
        other = [a.annotator for a in found.annotations if a.annotator != self.annotator]
        if other:
            raise InputError(f"{self._output}: holds annotations by {other[0]!r}; give {self.annotator!r} another file.")
        written = self._output.read_bytes()
        if found.problems or not written.endswith(b"\n"):
            good = {json.dumps(a.to_dict(), ensure_ascii=False).encode() for a in found.annotations}
            broken = [line for line in written.splitlines() if line.strip() and line not in good]
            self.broken = len(broken)
            with self._output.with_name(f"{self._output.name}.broken").open("ab") as handle:  # a cut letter stays as it is
                handle.writelines(line + b"\n" for line in broken)
            write_table([[a.to_dict() for a in found.annotations]], self._output)
        return found.annotations

    @property
    def done(self) -> int:
        """How many quotes of this sample have a label."""
        return len({a.quote for a in self.given} & self.rows.keys())

    def current(self) -> Row | None:
        """The quote to label now: what was undone first, what was skipped last; None when all are labelled."""
        labelled = {a.quote for a in self.given}
        order = [*self._again, *(i for i in self.rows if i not in self._skipped), *self._skipped]
        return next((self.rows[i] for i in order if i not in labelled), None)

    def label(self, stance: Stance, *, note: str | None = None) -> None:
        """Label the current quote; on return, the decision is on disk."""
        row = self.current()
        if row is None:
            return
        annotation = Annotation(row["id"], self.annotator, stance, note)
        with self._output.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(annotation.to_dict(), ensure_ascii=False) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        self.given.append(annotation)

    def skip(self) -> None:
        """Leave the current quote for the end."""
        row = self.current()
        if row is not None:
            self._skipped = [i for i in self._skipped if i != row["id"]] + [row["id"]]
            self._again = [i for i in self._again if i != row["id"]]

    def undo(self) -> bool:
        """Take the last label back, also one of an earlier session; False when there is none."""
        if not self.given:
            return False
        self._again.insert(0, self.given[-1].quote)
        write_table([[a.to_dict() for a in self.given[:-1]]], self._output)
        self.given.pop()
        return True


def annotate_in_terminal(
    session: Session,
    *,
    guidelines: str | None = None,
    read_key: Callable[[], str] | None = None,
    read_line: Callable[[], str] | None = None,
    show: Callable[[str], None] | None = None,
) -> int:
    """Ask for one label after the other until all are given, or the annotator quits.

    Args:
        session: what to label.
        guidelines: shown by the key g.
        read_key, read_line, show: the terminal's, unless given.

    Returns:
        How many quotes have a label now.
    """
    import typer

    read_key, show = read_key or typer.getchar, show or typer.echo
    read_line = read_line or (lambda: str(typer.prompt("remark", default="", show_default=False)))
    note: str | None = None
    shown: Row | None = None
    while (row := session.current()) is not None:
        if row is not shown:
            show(_view(row, session))
            shown = row
        try:
            key = read_key().lower()
        except (KeyboardInterrupt, EOFError):
            break
        if key in KEYS:
            session.label(KEYS[key], note=note)
            show(f"  {KEYS[key]}")
            note = None
        elif key == "s":
            session.skip()
            shown = None
        elif key == "u":
            show("  taken back" if session.undo() else "  nothing to take back")
        elif key == "r":
            note = read_line().strip() or None
        elif key == "g":
            show(guidelines or _GUIDELINES)
        elif key == "q":
            break
        else:
            show(_HELP)
    show(f"{session.done} of {len(session.rows)} labelled.")
    return session.done


def _view(row: Row, session: Session) -> str:
    lines = [f"\n── {session.done + 1} of {len(session.rows)}   {row.get('speaker') or 'speaker unknown'}", row["text"]]
    if row.get("context") and row["context"] != row["text"]:
        lines.append(f"   in: {row['context']}")
    return "\n".join([*lines, _HELP])


def annotate_in_notebook(session: Session, *, guidelines: str | None = None) -> Any:
    """The same with buttons, in Jupyter.

    Args:
        session: what to label.
        guidelines: shown below.

    Returns:
        The widget: show it as a cell's last value.

    Raises:
        MissingExtraError: ipywidgets is not installed.
    """
    try:
        import ipywidgets as widgets
    except ImportError as error:
        raise MissingExtraError("ipywidgets", "notebook") from error
    view, note = widgets.HTML(), widgets.Text(placeholder="a remark, if any")

    def refresh() -> None:
        row = session.current()
        text = f"<p>All {len(session.rows)} are labelled.</p>"
        if row is not None:
            speaker, context = html.escape(row.get("speaker") or "speaker unknown"), html.escape(row.get("context") or "")
            text = f"<p>{session.done + 1} of {len(session.rows)}: <b>{speaker}</b></p>"
            text += f"<blockquote>{html.escape(row['text'])}</blockquote><p><small>{context}</small></p>"
        view.value = text

    def button(name: str, act: Callable[[], object]) -> Any:
        made = widgets.Button(description=name)

        def clicked(_: object) -> None:
            act()
            note.value = ""
            refresh()

        made.on_click(clicked)
        return made

    def labeller(stance: Stance) -> Callable[[], None]:
        return lambda: session.label(stance, note=note.value.strip() or None)

    buttons = [button(str(s), labeller(s)) for s in KEYS.values()]
    buttons += [button("skip", session.skip), button("undo", session.undo)]
    refresh()
    rules = widgets.HTML(f"<pre>{html.escape(guidelines or _GUIDELINES)}</pre>")
    return widgets.VBox([view, widgets.HBox(buttons), note, rules])

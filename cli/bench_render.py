"""Benchmarks as tables."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from msclip_search.evaluation import Classification, Report, Summary


def table(made: "Report") -> "RenderableType":
    """Lay a report out: a row a query, the means, and what is to be known of them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from msclip_search.evaluation import in_words, loss, percent

    found, k = made.retrieval, made.retrieval.k
    title = Text.assemble(
        (made.model, "bold"),
        " on ",
        (made.data, "bold"),
        f"  {found.tiles:,} tiles, templates {made.templates or 'none'}",
    )
    table = Table(box=None, header_style="dim", pad_edge=False)
    names = [
        "query",
        "relevant",
        f"AP@{k} standard",
        f"AP@{k} torchmetrics",
        f"P@{k}",
        f"recall@{k}",
        f"nDCG@{k}",
        "R-prec.",
    ]
    names += ["ANN recall", "ANN loss"] if found.ann else []
    for name in names:
        table.add_column(name, justify="left" if name == "query" else "right", no_wrap=name != "query")
    for score in found.scores:
        cells = [score.name, f"{score.relevant:,}", in_words(score.standard), in_words(score.torchmetrics)]
        cells += [percent(value) for value in (score.precision, score.recall, score.ndcg, score.r_precision)]
        cells += [percent(score.ann_recall), _points(loss(score, "standard"))] if found.ann else []
        table.add_row(*(Text(cell) for cell in cells))
    cells = ["mean", "", in_words(found.standard), in_words(found.torchmetrics)]
    cells += [percent(found.mean(name)) for name in ("precision", "recall", "ndcg", "r_precision")]
    cells += [percent(found.mean("ann_recall")), _points(loss(found, "standard"))] if found.ann else []
    table.add_section()
    table.add_row(*(Text(cell, style="bold") for cell in cells))
    notes = [Text(note, style="dim") for note in _notes(made)]
    more = [_classification(made.classification)] if made.classification else []
    return Group(title, table, *notes, *more, "")


def _notes(made: "Report") -> list[str]:
    from msclip_search.evaluation import loss, percent

    found = made.retrieval
    rules = "standard: over min(R, k); torchmetrics: over the hits found, scores of 0 or less not counted."
    notes = [f"In percent, 95 % intervals over tiles. {rules}"]
    if found.ann:
        both = " and ".join(
            f"{percent(found.mean(f'ann_{name}'))} ({name}, loss {_points(loss(found, name))} points)"
            for name in ("standard", "torchmetrics")
        )
        notes.append(f"Through IVF-PQ mAP@{found.k} is {both}; the columns before ANN are from exact scans.")
    if found.unanswerable:
        notes.append(f"Left out, because no tile is a right answer: {', '.join(found.unanswerable)}.")
    if found.unknown:
        notes.append(f"Labels that no tile has: {', '.join(found.unknown)}.")
    if found.unasked:
        shown = ", ".join(found.unasked[:8]) + (", …" if len(found.unasked) > 8 else "")
        notes.append(f"{len(found.unasked):,} labels that no query asks for: {shown}.")
    if made.seen is not None:
        notes.append(f"{made.seen:,} of {found.tiles:,} tiles seen in training.")
    return notes


def _classification(found: "Classification") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    from msclip_search.evaluation import in_words, percent

    rows = Table.grid(padding=(0, 2))
    what = "right decisions, mean over classes" if found.several_labels else "accuracy (top-1)"
    rows.add_row("zero-shot", Text(f"{what} {in_words(found.accuracy)}"))
    if found.top5:
        rows.add_row("", Text(f"top-5 {in_words(found.top5)}"))
    rows.add_row("", Text(f"mean recall of classes {in_words(found.mean_recall)}"))
    rows.add_row("", Text(f"mAP over all tiles {percent(found.mean_average_precision)}"))
    return rows


def _points(value: float | None) -> str:
    return "-" if value is None or value != value else f"{100 * value:+.2f}"  # noqa: PLR0124 - nan


def comparison(data: str, rows: "list[Summary]") -> "RenderableType":
    """Lay results on one data set out side by side."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from msclip_search.evaluation import in_words, percent
    from msclip_search.evaluation.published import SOURCE

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("model", "accuracy", "mAP standard", "mAP torchmetrics", "mAP quoted", "k", "tiles", "templates"):
        table.add_column(name, justify="left" if name in {"model", "templates"} else "right", no_wrap=True)
    for row in rows:
        measured = ["-", "-", percent(row.standard.value), "100", "-", "-"]
        if row.torchmetrics:
            tiles = f"{row.tiles:,}" if row.tiles is not None else "-"
            measured = [
                in_words(row.standard),
                in_words(row.torchmetrics),
                "-",
                str(row.k),
                tiles,
                row.templates or "none",
            ]
        cells = [row.model, percent(row.accuracy), *measured]
        table.add_row(*(Text(cell, style="dim" if row.quoted else "") for cell in cells))
    notes = [f"quoted: {SOURCE}; which of the two mAP@100 it is, is not said there."] if rows[0].quoted else []
    if len({row.data_fingerprint for row in rows if not row.quoted}) > 1:
        notes.append("These results are not of the same tiles with the same labels: compare with care.")
    if len({row.k for row in rows}) > 1:
        notes.append("These results are of different depths k: compare with care.")
    return Group(Text(data, style="bold"), table, *(Text(note, style="dim") for note in notes), "")

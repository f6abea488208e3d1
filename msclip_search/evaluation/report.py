"""What a benchmark found, with all that is needed to repeat it."""

import csv
import datetime as dt
import hashlib
import importlib.metadata
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from msclip_search.errors import QueryError
from msclip_search.evaluation.classification import Classification
from msclip_search.evaluation.retrieval import Retrieval, Score
from msclip_search.metrics import Interval
from msclip_search.models import templates as prompts
from msclip_search.search import SearchIndex

FORMAT = 1
_PACKAGES = ("msclip-search", "numpy", "torch", "open_clip_torch", "faiss-cpu", "faiss-gpu")
_COLUMNS = (
    "query", "text", "relevant", "ap_standard", "ap_standard_low", "ap_standard_high", "ap_torchmetrics",
    "ap_torchmetrics_low", "ap_torchmetrics_high", "precision", "recall", "ndcg", "r_precision", "ann_ap_standard",
    "ann_ap_torchmetrics", "ann_recall",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A benchmark of one model on one set of tiles."""

    data: str
    """Name of the data set, or of the index folder."""
    data_fingerprint: str
    """sha256 over tile ids and labels, in the order of ids: equal means the same tiles with the same labels."""
    model: str
    model_fingerprint: str
    weights_sha256: str | None
    templates: str | None
    templates_fingerprint: str | None
    seed: int
    created: str
    """UTC, ISO 8601."""
    versions: Mapping[str, str]
    seen: int | None
    """Tiles that the model was trained on; None where nobody has kept a list."""
    retrieval: Retrieval
    classification: Classification | None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; nan becomes None."""
        return {"format": FORMAT, **_plain(asdict(self))}

    def to_json(self) -> str:
        """Write it as JSON."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"

    def to_csv(self) -> str:
        """Write a row a query."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_COLUMNS)
        for score in self.retrieval.scores:
            one, two = score.standard, score.torchmetrics
            bare = (
                score.name, score.text, score.relevant, one.value, one.low, one.high, two.value, two.low, two.high,
                score.precision, score.recall, score.ndcg, score.r_precision, score.ann_standard,
                score.ann_torchmetrics, score.ann_recall,
            )  # fmt: skip
            rows.writerow(["" if value is None or value != value else value for value in bare])  # noqa: PLR0124 - nan
        return text.getvalue()

    def to_markdown(self) -> str:
        """Write it as a table of Markdown."""
        k, found = self.retrieval.k, self.retrieval
        head = [f"{self.model} on {self.data}: {found.tiles:,} tiles, templates {self.templates or 'none'}", ""]
        titles = [
            "query",
            "relevant",
            f"AP@{k} standard",
            f"AP@{k} torchmetrics",
            f"recall@{k}",
            f"nDCG@{k}",
            "R-precision",
        ]
        lines = [_line(titles), _line(["---"] * len(titles))]
        for score in found.scores:
            cells = [score.name, f"{score.relevant:,}", in_words(score.standard), in_words(score.torchmetrics)]
            lines.append(_line([*cells, *(percent(value) for value in (score.recall, score.ndcg, score.r_precision))]))
        means = [percent(found.mean(name)) for name in ("recall", "ndcg", "r_precision")]
        lines.append(_line(["**mean**", "", in_words(found.standard), in_words(found.torchmetrics), *means]))
        return "\n".join([*head, *lines]) + "\n"


def report(
    index: SearchIndex,
    retrieval: Retrieval,
    classification: Classification | None,
    *,
    data: str,
    templates: str | None,
    seed: int,
    seen: int | None = None,
) -> Report:
    """Put numbers and their circumstances together."""
    table = index.tiles(["tile_id", "labels"])
    lines = sorted(
        f"{name}\t{';'.join(labels)}\n"
        for name, labels in zip(table["tile_id"].to_pylist(), table["labels"].to_pylist(), strict=True)
    )
    encoder = index.encoder
    return Report(
        data=data,
        data_fingerprint=hashlib.sha256("".join(lines).encode()).hexdigest(),
        model=index.model,
        model_fingerprint=encoder.fingerprint,
        weights_sha256=encoder.weights.sha256 if encoder.weights else None,
        templates=templates,
        templates_fingerprint=prompts.find(templates).fingerprint if templates else None,
        seed=seed,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        seen=seen,
        retrieval=retrieval,
        classification=classification,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The numbers of a report that models are compared by, between 0 and 1."""

    data: str
    model: str
    accuracy: float | None
    standard: Interval
    torchmetrics: Interval | None
    k: int = 100
    tiles: int | None = None
    templates: str | None = None
    data_fingerprint: str | None = None
    classes: tuple[tuple[str, Interval], ...] = ()
    """AP of each query, `standard`, in their order; empty where only means are known."""
    quoted: bool = False
    """Whether it is taken from a publication instead of measured."""

    @classmethod
    def of(cls, made: Report) -> Self:
        """Take them from a report."""
        return cls.from_dict(made.to_dict())

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Take them from what `Report.to_dict` returned.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else, or of another version.
        """
        if body["format"] != FORMAT:
            raise ValueError(f"format {body['format']} is not known")
        accuracy = body["classification"] and body["classification"]["accuracy"]["value"]
        found = body["retrieval"]
        return cls(
            data=str(body["data"]),
            model=str(body["model"]),
            accuracy=accuracy,
            standard=_interval(found["standard"]),
            torchmetrics=_interval(found["torchmetrics"]),
            k=int(found["k"]),
            tiles=int(found["tiles"]),
            templates=body["templates"],
            data_fingerprint=str(body["data_fingerprint"]),
            classes=tuple((str(one["name"]), _interval(one["standard"])) for one in found["scores"]),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read them from the JSON of a report.

        Raises
        ------
        QueryError
            The file cannot be read, or is no report.
        """
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise QueryError(f"The results {path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise QueryError(
                f"{path} holds no results of a benchmark: write them with `bench … --output FILE.json`."
            ) from error


def _interval(body: Mapping[str, float | None]) -> Interval:
    value, low, high = (math.nan if body[name] is None else float(str(body[name])) for name in ("value", "low", "high"))
    return Interval(value, low, high)


def percent(value: float | None) -> str:
    """Write a share in percent."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:.1f}"


def in_words(interval: Interval) -> str:
    """Write a share and its interval in percent: "63.0 (61.2-64.9)"."""
    if math.isnan(interval.value):
        return "-"
    return f"{percent(interval.value)} ({percent(interval.low)}-{percent(interval.high)})"


def loss(score: Score | Retrieval, definition: str) -> float | None:
    """Return what the ANN index costs, exact minus ANN; None where there is none."""
    if isinstance(score, Retrieval):
        return score.mean(definition) - score.mean(f"ann_{definition}") if score.ann else None
    through = getattr(score, f"ann_{definition}")
    return None if through is None else getattr(score, definition).value - through


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever dataclasses hold
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found

"""From an archive to an index folder."""

from msclip_search.ingest.ann import bring_up_to_date, check_kind, plan_for, train_ann
from msclip_search.ingest.job import index_tiles
from msclip_search.ingest.pace import Pace
from msclip_search.ingest.report import Failure, Progress, Report
from msclip_search.ingest.run import ingest

__all__ = [
    "Failure",
    "Pace",
    "Progress",
    "Report",
    "bring_up_to_date",
    "check_kind",
    "index_tiles",
    "ingest",
    "plan_for",
    "train_ann",
]

"""From an archive to an index folder."""

from msclip_search.ingest.job import index_tiles
from msclip_search.ingest.pace import Pace
from msclip_search.ingest.report import Failure, Progress, Report
from msclip_search.ingest.run import ingest

__all__ = ["Failure", "Pace", "Progress", "Report", "index_tiles", "ingest"]

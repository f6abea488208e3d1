"""How good the answers are: rankings and classes against labels."""

from msclip_search.evaluation.assigning import Assignment, assign, check_classes
from msclip_search.evaluation.bench import Benched, bench, read_hashes
from msclip_search.evaluation.classification import Classification, ClassScore, classify
from msclip_search.evaluation.judging import Judgement, judge
from msclip_search.evaluation.published import published
from msclip_search.evaluation.questions import Question, Relevance, of_classes, parse_relevance, read_questions
from msclip_search.evaluation.report import Report, Summary, in_words, loss, percent, report
from msclip_search.evaluation.retrieval import DEPTH, Retrieval, Score, evaluate

__all__ = [
    "DEPTH",
    "Assignment",
    "Benched",
    "ClassScore",
    "Classification",
    "Judgement",
    "Question",
    "Relevance",
    "Report",
    "Retrieval",
    "Score",
    "Summary",
    "assign",
    "bench",
    "check_classes",
    "classify",
    "evaluate",
    "in_words",
    "judge",
    "loss",
    "of_classes",
    "parse_relevance",
    "percent",
    "published",
    "read_hashes",
    "read_questions",
    "report",
]

"""How good the answers are: rankings and classes against labels."""

from msclip_search.evaluation.classification import Classification, ClassScore, classify
from msclip_search.evaluation.questions import Question, Relevance, of_classes, parse_relevance, read_questions
from msclip_search.evaluation.retrieval import DEPTH, Retrieval, Score, evaluate

__all__ = [
    "DEPTH",
    "ClassScore",
    "Classification",
    "Question",
    "Relevance",
    "Retrieval",
    "Score",
    "classify",
    "evaluate",
    "of_classes",
    "parse_relevance",
    "read_questions",
]

"""How the bundled model is made: nothing here is needed for using it."""

from msclip_search.training.nano import Trained, train_nano
from msclip_search.training.plan import Plan

__all__ = ["Plan", "Trained", "train_nano"]

"""Learned Token Pruning: the model, its cost, its training.

Importing it registers the Auto classes.
"""

from auditkit.ltp.configuration import LTPConfig
from auditkit.ltp.modeling import LTPForSequenceClassification, LTPOutput

__all__ = ["LTPConfig", "LTPForSequenceClassification", "LTPOutput"]

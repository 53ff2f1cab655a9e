"""What a posterior says of a period that it has not seen, and how right it is."""

from bayes_tbm.prediction.predict import predict
from bayes_tbm.prediction.scores import PredictionScores, evaluate

__all__ = ["PredictionScores", "evaluate", "predict"]

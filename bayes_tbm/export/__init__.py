"""A run in the names and layout of a community, and what is wrong with such a file."""

from bayes_tbm.export.callmip_check import check_callmip
from bayes_tbm.export.callmip_departure import Departure
from bayes_tbm.export.files import export

__all__ = ["Departure", "check_callmip", "export"]

"""Figures of a selection: contact sheet, comparison, timeline, notebook table."""

from clamr_select.figures.compare_sheet import compare_sheet
from clamr_select.figures.contact_sheet import contact_sheet
from clamr_select.figures.notebook import selection_html
from clamr_select.figures.timeline import timeline

__all__ = ["compare_sheet", "contact_sheet", "selection_html", "timeline"]

"""The bundle `NAME.fcne/`: a network with everything a runtime needs to run it and to refuse it."""

from fcn_edge.bundle.describe import describe
from fcn_edge.bundle.reader import Bundle, read_bundle
from fcn_edge.bundle.segmenter import Segmenter, open_bundle
from fcn_edge.bundle.writer import write_bundle

__all__ = ["Bundle", "Segmenter", "describe", "open_bundle", "read_bundle", "write_bundle"]

"""Tests of fcn_edge.quantize."""

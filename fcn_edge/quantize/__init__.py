"""INT8 by explicit Q/DQ: calibration set, ranges, insertion, bias correction, linter, gate."""

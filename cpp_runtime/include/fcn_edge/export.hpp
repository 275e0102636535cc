#pragma once

/// Marks what libfcn_edge.so shows to the outside; everything else stays hidden.
#define FCN_EDGE_API __attribute__((visibility("default")))

"""From a PyTorch FCN to a frame graph that every engine reads: uint8 frame in, scores or mask out."""

"""From a trained network to a bundle: surgery, INT8, the gate, and the engines of a device."""

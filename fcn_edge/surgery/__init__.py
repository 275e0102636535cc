"""Choose, layer by layer and by measurement, how a network upsamples."""

"""What every other room stands on: errors, files, configuration, the machine, statistics."""

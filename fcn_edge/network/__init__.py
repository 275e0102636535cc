"""What every stage after training takes: a graph from frame to class scores, and what is known of it."""

from fcn_edge.network.door import Named, load_network, open_named
from fcn_edge.network.network import Network, Normalisation, Origin
from fcn_edge.network.tail import Tail

__all__ = ["Named", "Network", "Normalisation", "Origin", "Tail", "load_network", "open_named"]

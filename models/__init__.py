"""Events to tensors to a spiking network: the floor above the recorder, the only one that may know torch."""

"""The network, ResNet50 with a head: its inputs, its training, and its weights on disk."""

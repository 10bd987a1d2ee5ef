"""What several attacks learn with: features, discriminants, networks, and inverses of methods."""

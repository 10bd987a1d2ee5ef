"""What methods share: the record that each is, blocks, and inpainting."""

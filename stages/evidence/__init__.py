"""What attackers hold: how they see images, and images with the noise removed."""

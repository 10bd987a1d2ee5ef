"""What attackers hold: how they see images, and with what taken off."""

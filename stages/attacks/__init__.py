"""The attacks: one per file, and each measures what an anonymized image still gives away."""

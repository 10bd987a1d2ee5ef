"""The attacks: one a file, each measures what an anonymized image still gives away."""

"""What `ingest` takes in: files are found, decoded, split, identified and named."""

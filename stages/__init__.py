"""The pipeline's stages: one module a stage, run as ``python -m stages.<stage>`` by ``dvc repro``."""

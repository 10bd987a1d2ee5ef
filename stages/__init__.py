"""The pipeline's stages: one module a stage, run as ``python -m stages.<stage>`` by ``dvc repro``."""

import os

# TensorFlow reads it when it is imported: notes on its start-up off. What goes wrong still raises.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

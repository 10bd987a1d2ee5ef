"""The pipeline's stages: one module a stage, run as ``python -m stages.<stage>`` by ``dvc repro``."""

import os
import signal
import sys

# Read when TensorFlow is imported: turns its notes at start-up off. Errors are still raised.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Matrix products on one thread: images are shared out to workers already, and sums keep their order.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# HDF5 would load plugins, which are code, from folders that anyone may have filled. Two colons mean none at all.
os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
# Until `python -m` has found the stage there is nothing to clean up, so Ctrl-C ends the process without a traceback.
if sys.argv[0] == "-m":
    signal.signal(signal.SIGINT, signal.SIG_DFL)

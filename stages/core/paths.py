"""Every path of the pipeline, relative to the working folder."""

from pathlib import Path

PARAMS_FILE, LOCK_FILE = Path("params.yaml"), Path("dvc.lock")
DATA, METRICS = Path("data"), Path("metrics")
RAW = "raw"  # the data set of the images as they came

# Drawn, so it shows no real people. Below data/sample, so that what users put there is no output that DVC replaces.
SAMPLE = DATA / "sample" / "drawn"
RAW_FOLDER = DATA / RAW
IDENTITIES_FILE, GROUPS_FILE, REGIONS_FILE = DATA / "identities.csv", DATA / "groups.csv", DATA / "regions.csv"
DETECTIONS_FILE = DATA / "detections.csv"
OUTLINED = DATA / "outlined"  # raw images with their regions
CONTACT = DATA / "contact"
FIT = DATA / "fit"  # groups of people, formed by a method that looks at the whole data set
FEATURES = DATA / "features"
MODELS = DATA / "models"
SCORES = DATA / "scores"
HISTORY, UTILITY, PRIVACY = SCORES / "history", SCORES / "utility", SCORES / "privacy"
MASKS_FOLDER = DATA / "masks"  # silhouettes of people in raw images
GALLERY = DATA / "gallery"
RESTORED = DATA / "restored"
OUTPUTS = (RAW_FOLDER, MASKS_FOLDER, SAMPLE.parent, CONTACT, FIT, FEATURES, MODELS, OUTLINED, SCORES, GALLERY, RESTORED)

# In neither git nor DVC.
SECRET_FILE = DATA / "secret.key"
KEY_FILE = DATA / "key.csv"  # which file became which image, with `data.rename`
PARTIAL = DATA / ".partial"  # without it, all is made anew, the same
LAST_RUN = PARTIAL / "last-run"
FOUND_BOXES = PARTIAL / "found-boxes"
HIDE_FACES = PARTIAL / "hide-faces"

INGEST_REPORT, REGIONS_REPORT = METRICS / "ingest.json", METRICS / "regions.json"
CONFUSION, PER_CLASS = METRICS / "confusion", METRICS / "per_class"
COMPARISON, MEMBERSHIP = METRICS / "comparison.csv", METRICS / "membership.md"
SWEEP, CROSS_EVALUATION = METRICS / "sweep", METRICS / "cross_evaluation"  # without a suffix

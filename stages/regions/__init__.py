"""Where a variant acts: detectors of faces, masks, and a method's work on a part of an image."""

"""What of an image's pixels an anonymized one keeps, and what a restored one gets back."""

import numpy as np

from stages.attacks.fidelity import psnr, ssim
from stages.attacks.survival import keypoint_survival, unchanged_pixels
from stages.core.images import resize_image

KEY_POINT_SIDE = 128  # pixels: a smaller image is enlarged to it, as key points near the border are not found


def measure_pixels(original: np.ndarray, anonymized: np.ndarray, restored: np.ndarray) -> dict[str, float | None]:
    """Compare an image, or a part of one, before and after.

    Parameters
    ----------
    original, anonymized, restored : ndarray of uint8, shape (height, width, 3)
        RGB image: raw, anonymized, and anonymized and then restored.

    Returns
    -------
    dict of str to float or None
        psnr and psnr_restored in dB, ssim_restored, keypoint_survival (None where there are no key points; of what is
        smaller than `KEY_POINT_SIDE`, enlarged to it), and unchanged_pixels.
    """
    return {
        "psnr": psnr(anonymized, original),
        "psnr_restored": psnr(restored, original),
        "ssim_restored": ssim(restored, original),
        "keypoint_survival": keypoint_survival(_enlarged(original), _enlarged(anonymized)),
        "unchanged_pixels": unchanged_pixels(original, anonymized),
    }


def _enlarged(image: np.ndarray) -> np.ndarray:
    scale = KEY_POINT_SIDE / min(image.shape[:2])
    if scale <= 1:
        return image
    height, width = (min(round(side * scale), 4 * KEY_POINT_SIDE) for side in image.shape[:2])
    return resize_image(image, (height, width))

"""Antialiased drawing in unit coordinates: x to the right and y down, both from 0 to 1 across the picture.

Shapes are drawn larger than they are shown and scaled down by area, so that a picture looks the same at every size.
"""

import copy
import math

import cv2
import numpy as np

from stages.scenes.shapes import Colour, Points, spline

# Bits of sub-pixel position that OpenCV's drawing functions are given.
_SHIFT = 4


class Canvas:
    """A square picture, and a frame of coordinates to draw in.

    Parameters
    ----------
    side : int
        Width and height in pixels.

    Attributes
    ----------
    pixels : numpy.ndarray
        The picture so far, (side, side, 3) uint8 RGB; shared by all frames made with `at`.
    """

    def __init__(self, side: int) -> None:
        """Start with a black picture, in the frame of the whole picture."""
        self.pixels = np.zeros((side, side, 3), np.uint8)
        self._axes = np.eye(2) * side
        self._scale = float(side)
        # OpenCV counts from the centre of the first pixel, we from its corner.
        self._origin = np.array([-0.5, -0.5])
        self._hues = np.eye(3)
        self._drawn: list[np.ndarray] | None = None

    def noting(self) -> "Canvas":
        """Return the same frame, which notes the polygons that are drawn in it, and in frames made of it."""
        frame = copy.copy(self)
        frame._drawn = []
        return frame

    def noted(self) -> np.ndarray:
        """Return the corners of the polygons that were noted, from 0 to 1 across the picture, of shape (n, 2)."""
        corners = np.concatenate(self._drawn or [np.empty((0, 2))]) / (1 << _SHIFT)
        return (corners + 0.5) / self.pixels.shape[0]

    def turn_hues(self, turns: float) -> "Canvas":
        """Return the same frame, in which the hues of colours are turned by a share of their circle."""
        frame = copy.copy(self)
        # The rotation of RGB about the axis of greys.
        cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
        angle = 2 * math.pi * turns
        frame._hues = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
        return frame

    def at(self, x: float, y: float, scale: float = 1.0, *, angle: float = 0.0, flip: bool = False) -> "Canvas":
        """Return the same picture in a moved, scaled, turned (clockwise, degrees) and mirrored frame."""
        cosine, sine = np.cos(np.radians(angle)) * scale, np.sin(np.radians(angle)) * scale
        frame = copy.copy(self)
        frame._origin = self._axes @ (x, y) + self._origin
        frame._axes = self._axes @ np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1 if flip else 1, 1])
        frame._scale = self._scale * scale
        return frame

    def polygon(self, points: Points, colour: Colour, fade: Colour | None = None, *, smooth: bool = False) -> None:
        """Fill one outline (n, 2) or several alike (k, n, 2); with `fade`, from `colour` at the top to it below."""
        outlines = self._outlines(points, smooth)
        if self._drawn is not None:
            self._drawn += outlines
        if fade is None:
            for outline in outlines:  # one by one: where outlines given together overlap, OpenCV leaves a hole
                cv2.fillPoly(self.pixels, [outline], self._hued(colour), cv2.LINE_AA, _SHIFT)
            return
        window = self._window(outlines, 2)
        if window is not None:
            gradient = np.array([[self._hued(colour)], [self._hued(fade)]], np.uint8)
            self._blend(window, self._cover(outlines, window), gradient)

    def stroke(
        self, points: Points, colour: Colour, width: float, *, smooth: bool = False, closed: bool = False
    ) -> None:
        """Draw a line of the given width through the points."""
        thickness = max(1, round(width * self._scale))
        cv2.polylines(
            self.pixels,
            self._outlines(points, smooth, closed, 5),
            closed,
            self._hued(colour),
            thickness,
            cv2.LINE_AA,
            _SHIFT,
        )

    def soft(
        self,
        points: Points,
        colour: Colour,
        alpha: float,
        blur: float,
        *,
        smooth: bool = False,
        within: np.ndarray | None = None,
    ) -> None:
        """Blend a shape with blurred edges (shadow, highlight, blush, cloud), inside the mask `within` if given."""
        outlines = self._outlines(points, smooth)
        sigma = max(blur * self._scale, 0.5)
        window = self._window(outlines, int(2.5 * sigma) + 2)
        if window is None:
            return
        shrink = min(max(int(sigma / 1.5), 1), 8)  # a blurred mask has no detail that needs every pixel
        cover = self._cover(outlines, window, shrink)
        cover = cv2.GaussianBlur(cover, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
        rows, columns = (part.stop - part.start for part in window)
        cover = cv2.resize(cover, (columns, rows), interpolation=cv2.INTER_LINEAR)
        if within is not None:
            cover = cv2.multiply(cover, within[window], scale=1 / 255)
        self._blend(window, cover, np.array([[self._hued(colour)]], np.uint8), alpha)

    def mask(self, points: Points, *, smooth: bool = False) -> np.ndarray:
        """Return the area of a shape as a (side, side) uint8 mask."""
        mask = np.zeros(self.pixels.shape[:2], np.uint8)
        cv2.fillPoly(mask, self._outlines(points, smooth), 255, cv2.LINE_AA, _SHIFT)
        return mask

    def text(self, words: str, x: float, y: float, height: float, colour: Colour, width: float) -> None:
        """Write upright letters of the given height, centred on a point."""
        size, thickness = height * self._scale / 22, max(1, round(width * self._scale))
        (columns, rows), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, size, thickness)
        left, bottom = (self._axes @ (x, y) + self._origin + (-columns / 2, rows / 2)).round().astype(int)
        cv2.putText(
            self.pixels,
            words,
            (int(left), int(bottom)),
            cv2.FONT_HERSHEY_SIMPLEX,
            size,
            self._hued(colour),
            thickness,
            cv2.LINE_AA,
        )

    def _hued(self, colour: Colour) -> Colour:
        red, green, blue = np.clip(self._hues @ colour, 0, 255).tolist()
        return red, green, blue

    def _outlines(self, points: Points, smooth: bool, closed: bool = True, steps: int = 7) -> list[np.ndarray]:
        outlines = np.asarray(points, dtype=float)
        if smooth:
            outlines = spline(outlines.shape[-2], closed, steps) @ outlines
        fixed = ((outlines @ self._axes.T + self._origin) * (1 << _SHIFT)).astype(np.int32)
        return [fixed] if fixed.ndim == 2 else list(fixed)

    def _window(self, outlines: list[np.ndarray], margin: int) -> tuple[slice, slice] | None:
        """Return the rows and columns that the outlines and a margin touch, or None outside the picture."""
        left, top, width, height = cv2.boundingRect(outlines[0] if len(outlines) == 1 else np.concatenate(outlines))
        side = self.pixels.shape[0]
        right, bottom = (min((end >> _SHIFT) + margin + 1, side) for end in (left + width, top + height))
        left, top = (max((start >> _SHIFT) - margin, 0) for start in (left, top))
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None

    def _cover(self, outlines: list[np.ndarray], window: tuple[slice, slice], shrink: int = 1) -> np.ndarray:
        rows, columns = (-(-(part.stop - part.start) // shrink) for part in window)
        cover = np.zeros((rows, columns), np.uint8)
        corner = np.array([window[1].start, window[0].start]) << _SHIFT
        for outline in outlines:
            cv2.fillPoly(cover, [(outline - corner) // shrink], 255, cv2.LINE_AA, _SHIFT)
        return cover

    def _blend(self, window: tuple[slice, slice], cover: np.ndarray, colour: np.ndarray, alpha: float = 1.0) -> None:
        """Blend colours (one, or two from the top to the bottom) in; OpenCV's byte arithmetic, for speed."""
        if alpha < 1:
            cover = cv2.convertScaleAbs(cover, alpha=alpha)
        region = self.pixels[window]
        colour = cv2.resize(colour, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
        cover = cv2.merge((cover, cover, cover))
        added = cv2.multiply(colour, cover, scale=1 / 255)
        cv2.add(cv2.multiply(region, cv2.bitwise_not(cover), scale=1 / 255), added, dst=region)

"""Brings points in the two shifted Chinese map datums back to WGS84.

Web maps in mainland China publish GCJ-02 (a nonlinear shift of up to some 700 m) or BD-09 (a second shift on top).
The forward formula is the one in public use since 2013 (Krasovsky 1940 ellipsoid); there is no closed inverse, so it
is found by iteration, to about a centimetre.
"""

from math import atan2, cos, pi, radians, sin, sqrt

_AXIS = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_ANGLE = pi * 3000.0 / 180.0
_ROUNDS = 6


def gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """A GCJ-02 point in degrees as WGS84; points outside China were never shifted and come back as they are."""
    if not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271):
        return lon, lat
    guess_lon, guess_lat = lon, lat
    for _ in range(_ROUNDS):
        shift_lon, shift_lat = _shift(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - shift_lon, lat - shift_lat
    return guess_lon, guess_lat


def bd09_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """A BD-09 point in degrees as WGS84."""
    x, y = lon - 0.0065, lat - 0.006
    radius = sqrt(x * x + y * y) - 0.00002 * sin(y * _BD_ANGLE)
    angle = atan2(y, x) - 0.000003 * cos(x * _BD_ANGLE)
    return gcj02_to_wgs84(radius * cos(angle), radius * sin(angle))


def _shift(lon: float, lat: float) -> tuple[float, float]:
    """How far GCJ-02 lies east and north of the WGS84 point, in degrees."""
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    flattening = 1.0 - _ECCENTRICITY_SQUARED * sin(radians(lat)) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY_SQUARED) / (flattening * sqrt(flattening)) * pi
    parallel = _AXIS / sqrt(flattening) * cos(radians(lat)) * pi
    return east * 180.0 / parallel, north * 180.0 / meridian

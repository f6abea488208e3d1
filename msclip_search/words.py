"""Places as people write them."""

from msclip_search.geometry import Box


def latitude_in_words(degrees: float) -> str:
    """Write a latitude, "47.25° N"."""
    return f"{_number(abs(degrees))}°{_side(degrees, 'S', 'N')}"


def longitude_in_words(degrees: float) -> str:
    """Write a longitude, "11.5° E", also one beyond 180."""
    turned = (degrees + 180) % 360 - 180
    side = "" if abs(turned) == 180 else _side(turned, "W", "E")
    return f"{_number(abs(turned))}°{side}"


def place_in_words(box: Box) -> str:
    """Write the middle of a box: "47.250° N 11.500° E"."""
    west, south, east, north = box
    longitude = (west + east + 360 * (east < west)) / 2
    longitude -= 360 * (longitude > 180)
    latitude = (south + north) / 2
    return (
        f"{abs(latitude):.3f}° {'N' if latitude >= 0 else 'S'} {abs(longitude):.3f}° {'E' if longitude >= 0 else 'W'}"
    )


def _number(degrees: float) -> str:
    return f"{round(degrees, 6):g}"


def _side(degrees: float, below: str, above: str) -> str:
    return "" if degrees == 0 else f" {below if degrees < 0 else above}"

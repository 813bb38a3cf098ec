"""shapely's part in C, functions that numpy checks for, from one module: what is called, and how often, counted by hand."""

import numpy as np
from shapely import lib
from shapely.geometry import LineString, Point

BOUNDARY = "shapely.lib"
NEEDS = "shapely==2.0.6"
CALLS = {
    "shapely.lib:area": 3,
    "shapely.lib:distance": 1,
    "shapely.lib:is_valid": 1,
    "shapely.lib:intersection": 1,
    "shapely.lib:count_coordinates": 1,
    "shapely.lib:get_num_points": 1,
}
OPERATORS: dict[str, int] = {}
MADE_BY_C = 2
"""`map` calls area twice; what shapely's own Python calls is inside no calling component."""


def run() -> None:
    """Call what is written in C, beside functions of numpy of the same type."""
    np.add(1, 2)
    point, disk = Point(0, 0), Point(3, 4).buffer(1)
    assert 3 < lib.area(disk) < 4
    areas = lib.area
    areas(disk), areas(np.array([point, disk]))
    assert 3.9 < lib.distance(point, disk) < 4.1
    assert lib.is_valid(point)
    lib.intersection(point, disk)
    lib.count_coordinates(np.array([point, disk]))
    assert lib.get_num_points(LineString([(0, 0), (1, 1)])) == 2
    list(map(lib.area, [point, disk]))
    disk.area
    assert type(lib.area) is np.ufunc
    assert type(point) is Point


if __name__ == "__main__":
    run()

"""numpy from one module: what is called, and how often, counted by hand."""

import numpy as np

BOUNDARY = "numpy"
NEEDS = "numpy==2.2.1"
CALLS = {
    "numpy._core._multiarray_umath:arange": 1,
    "numpy._core._multiarray_umath:array": 1,
    "numpy._core._multiarray_umath:zeros": 2,
    "numpy._core._multiarray_umath:frombuffer": 1,
    "numpy._core._multiarray_umath:add": 2,
    "numpy._core._multiarray_umath:multiply": 1,
    "numpy._core.multiarray:dot": 1,
    "numpy._core.multiarray:concatenate": 1,
    "numpy._core.multiarray:where": 1,
    "numpy:_ArrayFunctionDispatcher.__call__": 3,
    "numpy:ufunc.reduce": 1,
    "numpy:int64": 1,
    "numpy:generic.item": 9,
    "numpy:ndarray.sum": 2,
    "numpy:ndarray.max": 1,
    "numpy:ndarray.all": 1,
    "numpy:ndarray.mean": 1,
    "numpy:ndarray.reshape": 3,
    "numpy:ndarray.astype": 1,
    "numpy:ndarray.tolist": 1,
    "numpy._core._methods:_sum": 2,
    "numpy._core._methods:_amax": 1,
    "numpy._core._methods:_all": 1,
    "numpy._core._methods:_mean": 1,
}
OPERATORS = {
    "numpy:ndarray.__add__": 1,
    "numpy:ndarray.__mul__": 1,
    "numpy:ndarray.__iadd__": 1,
    "numpy:ndarray.__rsub__": 1,
    "numpy:ndarray.__matmul__": 1,
    "numpy:ndarray.__lt__": 1,
    "numpy:ndarray.__gt__": 1,
    "numpy:ndarray.__contains__": 1,
    "numpy:ndarray.__getitem__": 3,
    "numpy:ndarray.__setitem__": 1,
    "numpy:int64.__add__": 1,
    "numpy:int64.__eq__": 2,
}
MADE_BY_C = 3
"""`map` calls sqrt twice, `len` asks once; `for` over an array is not counted either."""


def run() -> None:
    """Call numpy in every way there is."""
    first = np.arange(6)
    second = np.array([1, 2, 3, 4, 5, 6])
    both = first + second
    both = both * 2
    both += first
    assert int(both[1:3].sum()) + int(second.max()) == 19 + 6
    both[0] = 9
    assert (3 - first)[0] == 3
    assert (first < second).all()
    np.ndarray.mean(both)
    first.reshape(2, 3) @ second.reshape(3, 2)
    np.add(first, second)
    np.add(*(first, second))
    np.multiply(*iter((first, second)))  # counted as lost: looking at an iterator's items would use them up
    np.add.reduce(first)
    np.zeros((2, 2), dtype=np.float64)
    assert np.int64(5) + 1 == 6
    assert [each.item() for each in first] == list(range(6))
    assert sum(each.item() for each in first[:3]) == 3
    first.astype("f8").tolist()
    np.dot(first, second), np.concatenate([first, second]), np.where(first > 2, first, second)
    list(map(np.sqrt, [1.0, 2.0]))
    for refused, error in ((lambda: np.zeros(), TypeError), (lambda: first.reshape(7), ValueError)):
        try:
            refused()
        except error:
            continue
        raise AssertionError
    assert 2 in first
    assert len(first) == 6
    assert type(first) is np.ndarray
    assert type(np.add) is np.ufunc


DATA = np.frombuffer(b"1234", dtype="u1").sum()

if __name__ == "__main__":
    run()

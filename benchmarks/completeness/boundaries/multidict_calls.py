"""multidict from one module: what is called, and how often, counted by hand."""

from multidict import CIMultiDict, MultiDict, MultiDictProxy, istr

BOUNDARY = "multidict"
NEEDS = "multidict==6.1.0"
CALLS = {
    "multidict._multidict:MultiDict": 2,
    "multidict._multidict:MultiDict.add": 3,
    "multidict._multidict:MultiDict.getall": 2,
    "multidict._multidict:MultiDict.getone": 2,
    "multidict._multidict:MultiDict.get": 4,
    "multidict._multidict:MultiDict.extend": 1,
    "multidict._multidict:MultiDict.pop": 1,
    "multidict._multidict:MultiDict.items": 1,
    "multidict._multidict:MultiDict.keys": 1,
    "multidict._multidict:MultiDict.copy": 1,
    "multidict._multidict:MultiDict.update": 1,
    "multidict._multidict:MultiDict.setdefault": 1,
    "multidict._multidict:MultiDict.popitem": 1,
    "multidict._multidict:MultiDict.clear": 1,
    "multidict._multidict:MultiDictProxy": 1,
    "multidict._multidict:MultiDictProxy.getall": 1,
    "multidict._multidict:MultiDictProxy.items": 1,
    "multidict._multidict:MultiDictProxy.keys": 1,
    "multidict._multidict:CIMultiDict": 1,
    "multidict._multidict:istr": 1,
    # What the C code calls in Python, and what the import of the package registers.
    "multidict._multidict_base:_viewbaseset_and": 1,
    "multidict._multidict_base:_abc_itemsview_register": 1,
    "multidict._multidict_base:_abc_keysview_register": 1,
    "multidict._multidict_base:_abc_valuesview_register": 1,
}
OPERATORS = {
    "multidict._multidict:MultiDict.__setitem__": 1,
    "multidict._multidict:MultiDict.__getitem__": 2,
    "multidict._multidict:MultiDict.__delitem__": 1,
    "multidict._multidict:MultiDict.__contains__": 1,
    "multidict._multidict:MultiDict.__eq__": 1,
    "multidict._multidict:MultiDictProxy.__getitem__": 1,
    "multidict._multidict:_KeysView.__and__": 1,
}
MADE_BY_C = 3
"""`len` and `list` ask once each, `for` once."""


class Mine(MultiDict[int]):
    """A class in Python below one in C."""

    def add(self, key: str, value: int) -> None:
        super().add(key, value + 1)


def run() -> None:
    """Call multidict in every way there is."""
    found: MultiDict[int] = MultiDict([("a", 1), ("b", 2)])
    found.add("a", 3)
    found["c"] = 4
    assert found["c"] == 4
    assert found.getall("a") == [1, 3]
    assert found.getone("b") == 2
    found.get("z")
    found.extend(x=1)
    found.pop("b")
    assert "a" in found
    list(found.items())
    assert [key for key in found.keys()]
    del found["c"]
    assert found == found
    found.copy()
    assert len(found) == 3
    shown = MultiDictProxy(found)
    assert shown["a"] == 1
    shown.getall("a"), shown.items(), shown.keys() & {"a"}
    assert CIMultiDict(A=1)["a"] == 1
    istr("X")
    found.update({"u": 1})
    found.setdefault("k", 2)
    found.popitem()
    found.clear()
    mine = Mine()
    mine.add("k", 1)
    MultiDict.add(mine, "j", 2)
    assert getattr(mine, "getall")("k") == [2]
    try:
        mine.getone("nope")
    except KeyError:
        pass
    get = mine.get
    get("k"), get(*("k",)), get(*iter(["k"]))
    assert type(found) is MultiDict
    assert type(shown) is MultiDictProxy


if __name__ == "__main__":
    run()

"""Run with the Python of a case: reads dotted names, one a line, and prints which of them mean the same object.

One line per name: the name, a tab, and a token that is equal for names of one object; `-` where a name leads nowhere.
"""

import importlib
import inspect
import sys


def resolve(name):
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        try:
            for part in parts[end:]:
                found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
        except AttributeError:
            continue
        return found
    return None


def bare(found):
    """The function below bound methods, descriptors and wrappers."""
    while True:
        for attribute in ("__func__", "fget", "__wrapped__"):
            inner = getattr(found, attribute, None)
            if inner is not None and inner is not found:
                found = inner
                break
        else:
            return found


kept = []
for line in sys.stdin:
    target = resolve(line.strip())
    if target is not None:
        target = bare(target)
        kept.append(target)
    print(line.strip(), "-" if target is None else id(target), sep="\t")

/* The values of calls: which can be put into a frame here, byte for byte as encode.py does, and which only Python can. */

#include "_native.h"

/* -- what a value may hold that needs a closer look ------------------------------------------------------------------------------- */

/* Say whether bytes may hold a path to rewrite, as `PathNormaliser.found`. All its needles begin with a slash. */
static Answer holds_path(Kernel *kernel, const unsigned char *data, Py_ssize_t size) {
    const unsigned char *end = data + size, *at = memchr(data, '/', (size_t)size);
    if (at == NULL)
        return NO;
    PyObject *needles = PyObject_GetAttrString(kernel->paths, "needles");
    if (needles == NULL)
        return FAILED;
    Answer found = PyList_CheckExact(needles) ? NO : YES;
    for (; at != NULL && found == NO; at = memchr(at + 1, '/', (size_t)(end - at - 1)))
        for (Py_ssize_t which = 0; which < PyList_GET_SIZE(needles) && found == NO; which++) {
            PyObject *needle = PyList_GET_ITEM(needles, which);
            Py_ssize_t length = PyBytes_GET_SIZE(needle);
            if (length <= end - at && memcmp(at, PyBytes_AS_STRING(needle), (size_t)length) == 0)
                found = YES;
        }
    Py_DECREF(needles);
    return found;
}

static Answer is_clean(Kernel *kernel, Draft *draft, Py_ssize_t start) {
    if (!draft->slash)
        return YES;
    Answer found = holds_path(kernel, draft->snapshot + start, draft->size - start);
    return found == FAILED ? FAILED : found == YES ? NO : YES;
}

/* Return where a dict's keys would be remembered, and whether they are the ones that are. */
static bool is_remembered(Kernel *kernel, PyObject *dict, PyObject ***place) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    uintptr_t mixed = (uintptr_t)PyDict_GET_SIZE(dict);
    while (PyDict_Next(dict, &at, &key, &value))
        mixed = mixed * 31 + ((uintptr_t)key >> 4);
    *place = &kernel->shapes[(mixed ^ mixed >> 7) % KEPT_SHAPES];
    PyObject *shape = **place;
    if (shape == NULL || PyTuple_GET_SIZE(shape) != PyDict_GET_SIZE(dict))
        return false;
    at = 0;
    for (Py_ssize_t which = 0; PyDict_Next(dict, &at, &key, &value); which++)
        if (PyTuple_GET_ITEM(shape, which) != key) /* the tuple holds its keys, so no other can be at the same place */
            return false;
    return true;
}

/* Say whether all keys of a short dict are exact str and, as the judge has said of them before, none is secret. */
static Answer is_harmless(Kernel *kernel, PyObject *dict) {
    PyObject *key, *value, **place;
    if (is_remembered(kernel, dict, &place))
        return YES;
    PyObject *keys = PyTuple_New(PyDict_GET_SIZE(dict)); /* the last thing here that might run code, and change the dict */
    if (keys == NULL)
        return FAILED;
    Py_ssize_t at = 0, count = 0;
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (count >= PyTuple_GET_SIZE(keys) || !PyUnicode_CheckExact(key))
            break;
        Py_INCREF(key);
        PyTuple_SET_ITEM(keys, count++, key);
    }
    Answer answer = NO;
    if (count == PyTuple_GET_SIZE(keys) && count == PyDict_GET_SIZE(dict)) {
        PyObject *verdict = PyDict_GetItemWithError(kernel->judged, keys);
        answer = verdict == Py_None ? YES : PyErr_Occurred() ? FAILED : NO;
    }
    if (answer == YES) {
        PyObject *before = *place;
        *place = keys;
        Py_XDECREF(before); /* a tuple of exact str */
    } else
        Py_DECREF(keys);
    return answer;
}

static Answer put_flat_container(Kernel *kernel, Draft *draft, PyObject *value) {
    if (PyList_CheckExact(value))
        return put_items(draft, value, kernel->longest) ? YES : NO;
    if (PyTuple_CheckExact(value))
        return put_tuple(draft, value, kernel->longest) ? YES : NO;
    Answer harmless = PyDict_GET_SIZE(value) > FEW ? NO : is_harmless(kernel, value);
    if (harmless != YES)
        return harmless;
    return put_dict(draft, value, kernel->longest) ? YES : NO;
}

/* -- arguments -------------------------------------------------------------------------------------------------------------------- */

static bool only_text_keys(PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(dict, &at, &key, &value))
        if (!PyUnicode_CheckExact(key)) /* copying might compare it */
            return false;
    return true;
}

/* Return a copy of a short list or dict; NULL, perhaps without an error, of any other. */
static PyObject *copy_of(PyObject *value) {
    if (PyList_CheckExact(value))
        return PyList_GET_SIZE(value) <= FEW ? PyList_GetSlice(value, 0, PyList_GET_SIZE(value)) : NULL;
    return PyDict_GET_SIZE(value) <= FEW && only_text_keys(value) ? PyDict_Copy(value) : NULL;
}

/* Return what `Images.changed` in images.py wants: the arguments, their snapshot, no secrets, and what was encoded. */
static PyObject *observation(Draft *draft, PyObject *arguments, PyObject *copy, Py_ssize_t place) {
    PyObject *ready = PyList_GetSlice(arguments, 0, PyList_GET_SIZE(arguments));
    if (ready == NULL)
        return NULL;
    Py_INCREF(copy);
    PyList_SetItem(ready, place, copy);
    PyObject *before = PyBytes_FromStringAndSize((char *)draft->snapshot, draft->size);
    PyObject *observed = before == NULL ? NULL : PyTuple_Pack(4, arguments, before, Py_None, ready);
    Py_XDECREF(before);
    Py_DECREF(ready);
    return observed;
}

/* Put arguments that are scalars but for at most one small flat container. */
static Answer put_flat(Kernel *kernel, Draft *draft, PyObject *arguments, PyObject **observed) {
    Py_ssize_t count = PyList_GET_SIZE(arguments), place = 0;
    PyObject *copy = NULL;
    bool scalars = true;
    draft->size = 0;
    draft->slash = false;
    Answer answer = put_array_header(draft, count) ? YES : NO;
    for (Py_ssize_t at = 0; at < count && answer == YES; at++) {
        PyObject *value = PyList_GET_ITEM(arguments, at);
        bool put = false;
        if (PyUnicode_CheckExact(value))
            put = PyUnicode_GET_LENGTH(value) <= kernel->longest && put_text(draft, value);
        else if (is_number(value))
            put = put_number(draft, value);
        else if (PyBytes_CheckExact(value))
            put = PyBytes_GET_SIZE(value) <= kernel->longest && put_binary(draft, value);
        else if (PyTuple_CheckExact(value) && PyTuple_GET_SIZE(value) == 0) {
            scalars = false;
            draft->slash = true;
            put = put_bytes(draft, "\xd4\x02\x90", 3); /* wire.TUPLE of no items */
        } else if ((PyList_CheckExact(value) || PyDict_CheckExact(value)) && copy == NULL && (copy = copy_of(value)) != NULL) {
            scalars = false;
            place = at;
            answer = put_flat_container(kernel, draft, copy);
            put = answer == YES;
        }
        if (!put && answer == YES)
            answer = PyErr_Occurred() ? FAILED : NO;
    }
    if (answer == YES)
        answer = is_clean(kernel, draft, 0);
    if (answer == YES && !scalars && draft->size > kernel->largest)
        answer = NO;
    if (answer == YES && copy != NULL && (*observed = observation(draft, arguments, copy, place)) == NULL)
        answer = FAILED;
    Py_XDECREF(copy);
    return answer;
}

/* Return the `Name` of a value's type, borrowed; NULL where it has none, or with an error. */
static PyObject *name_of(Kernel *kernel, PyObject *value) {
    PyObject *key = PyLong_FromVoidPtr(Py_TYPE(value));
    PyObject *name = key == NULL ? NULL : PyDict_GetItemWithError(kernel->names, key);
    Py_XDECREF(key);
    return name;
}

static int sized(PyObject *value, const char **name, Py_ssize_t *size) {
    static const char *names[SIZED] = {"list", "tuple", "dict", "set", "frozenset"};
    int kind = PyList_CheckExact(value)        ? 0
               : PyTuple_CheckExact(value)     ? 1
               : PyDict_CheckExact(value)      ? 2
               : Py_IS_TYPE(value, &PySet_Type) ? 3
               : PyFrozenSet_CheckExact(value) ? 4
                                               : -1;
    if (kind >= 0) {
        *name = names[kind];
        *size = kind == 0 ? PyList_GET_SIZE(value) : kind == 1 ? PyTuple_GET_SIZE(value) : kind == 2 ? PyDict_GET_SIZE(value) : PySet_GET_SIZE(value);
    }
    return kind;
}

/* Put a container of which only the size is told, as `cut.bare` remembers it; return who counts that, NULL where it cannot be put. */
static PyObject *put_bare(Kernel *kernel, Draft *draft, PyObject *value) {
    const char *name;
    Py_ssize_t size;
    int kind = sized(value, &name, &size);
    if (kind < 0 || size == 0)
        return NULL;
    if (kernel->sizes[kind] == NULL) {
        PyObject *key = Py_BuildValue("ss", "truncated", name);
        kernel->sizes[kind] = key == NULL ? NULL : PyDict_GetItemWithError(kernel->losses, key);
        Py_XINCREF(kernel->sizes[kind]);
        Py_XDECREF(key);
        if (kernel->sizes[kind] == NULL)
            return NULL;
    }
    PyObject *key = Py_BuildValue("sn", name, size);
    PyObject *known = key == NULL ? NULL : PyDict_GetItemWithError(kernel->bare, key);
    Py_XDECREF(key);
    bool put = known != NULL && PyBytes_CheckExact(known) && put_bytes(draft, PyBytes_AS_STRING(known), PyBytes_GET_SIZE(known));
    return put ? kernel->sizes[kind] : NULL;
}

static bool is_scalar(PyObject *value) {
    return PyUnicode_CheckExact(value) || is_number(value) || PyBytes_CheckExact(value);
}

/* Whether a value is a list, tuple or dict of few exact scalars, a dict under exact str: as walk.py's `is_flat`. */
static bool is_flat(PyObject *value) {
    if (PyDict_CheckExact(value)) {
        PyObject *key, *item;
        Py_ssize_t at = 0;
        if (PyDict_GET_SIZE(value) > FEW)
            return false;
        while (PyDict_Next(value, &at, &key, &item))
            if (!PyUnicode_CheckExact(key) || !is_scalar(item))
                return false;
        return PyDict_GET_SIZE(value) > 0;
    }
    if (!PyList_CheckExact(value) && !PyTuple_CheckExact(value))
        return false;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
    for (Py_ssize_t at = 0; at < count && count <= FEW; at++)
        if (!is_scalar(PySequence_Fast_GET_ITEM(value, at)))
            return false;
    return count > 0 && count <= FEW;
}

/* Put one argument that is only named; `counter` gets who counts that something of it was left out, borrowed, or NULL. `flat` says that a
   list or dict was put before: a second one may be the same, and only the walk refers back. */
static Answer put_named(Kernel *kernel, Draft *draft, PyObject *value, PyObject **counter, bool *flat) {
    *counter = NULL;
    if (is_number(value))
        return put_number(draft, value) ? YES : NO;
    if (PyUnicode_CheckExact(value)) {
        Py_ssize_t start = draft->size;
        draft->slash = false;
        bool put = PyUnicode_GET_LENGTH(value) <= kernel->longest && put_text(draft, value);
        return put ? is_clean(kernel, draft, start) : NO;
    }
    if (is_flat(value)) {
        Py_ssize_t start = draft->size;
        if (!PyTuple_CheckExact(value)) {
            if (*flat)
                return NO;
            *flat = true;
        }
        draft->slash = false;
        Answer put = put_flat_container(kernel, draft, value);
        return put == YES ? is_clean(kernel, draft, start) : put;
    }
    PyObject *name = name_of(kernel, value);
    if (name != NULL) {
        PyObject *snapshot = PyTuple_GET_ITEM(name, 0);
        *counter = PyTuple_GET_ITEM(name, 1);
        return put_bytes(draft, PyBytes_AS_STRING(snapshot), PyBytes_GET_SIZE(snapshot)) ? YES : NO;
    }
    if (!PyErr_Occurred())
        *counter = put_bare(kernel, draft, value);
    return *counter != NULL ? YES : PyErr_Occurred() ? FAILED : NO;
}

/* Put arguments of which only scalars and what has a name or a size are told, unless this crossing is one to look at them in full. */
static Answer put_names(Kernel *kernel, Draft *draft, PyObject *lane, PyObject *number, PyObject *arguments) {
    PyObject *seen = KERNEL_SLOT(kernel, lane, lane, seen), *counters[FEW];
    Py_ssize_t count = PyList_GET_SIZE(arguments);
    long long times;
    if (!add_one(seen, number, &times))
        return FAILED;
    if (times <= kernel->first || (times & (times - 1)) == 0 || count > FEW)
        return NO;
    draft->size = 0;
    if (!put_array_header(draft, count))
        return NO;
    bool flat = false;
    for (Py_ssize_t at = 0; at < count; at++) {
        Answer put = put_named(kernel, draft, PyList_GET_ITEM(arguments, at), &counters[at], &flat);
        if (put != YES)
            return put;
    }
    if (draft->size > kernel->named)
        return NO;
    /* Only now is it certain that Python will not do the same again. Counters run no code. */
    for (Py_ssize_t at = 0; at < count; at++)
        if (counters[at] != NULL)
            Py_XDECREF(Py_TYPE(counters[at])->tp_iternext(counters[at]));
    return add_one(seen, number, NULL) ? YES : FAILED;
}

Answer put_arguments(Kernel *kernel, Draft *draft, PyObject *lane, PyObject *number, PyObject *arguments, PyObject **observed) {
    *observed = NULL;
    if (!PyList_CheckExact(arguments))
        return NO;
    PyObject *first = PyList_GET_SIZE(arguments) > 0 ? PyList_GET_ITEM(arguments, 0) : NULL;
    bool named = first != NULL && !is_number(first) && !PyUnicode_CheckExact(first) && name_of(kernel, first) != NULL;
    if (PyErr_Occurred())
        return FAILED;
    Answer answer = named ? NO : put_flat(kernel, draft, arguments, observed);
    return answer == NO ? put_names(kernel, draft, lane, number, arguments) : answer;
}

/* -- after the call --------------------------------------------------------------------------------------------------------------- */

static bool is_same_dict(PyObject *copy, PyObject *value) {
    PyObject *key, *item, *now_key, *now_item;
    Py_ssize_t at = 0, now = 0;
    if (PyDict_GET_SIZE(copy) != PyDict_GET_SIZE(value))
        return false;
    while (PyDict_Next(copy, &at, &key, &item))
        if (!PyDict_Next(value, &now, &now_key, &now_item) || key != now_key || item != now_item)
            return false;
    return true;
}

static bool is_same_list(PyObject *copy, PyObject *value) {
    if (PyList_GET_SIZE(copy) != PyList_GET_SIZE(value))
        return false;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(copy); at++)
        if (PyList_GET_ITEM(copy, at) != PyList_GET_ITEM(value, at))
            return false;
    return true;
}

bool is_unchanged(PyObject *observed) {
    PyObject *arguments = PyTuple_GET_ITEM(observed, 0), *copies = PyTuple_GET_ITEM(observed, 3);
    if (copies == Py_None || PyList_GET_SIZE(copies) != PyList_GET_SIZE(arguments))
        return false;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(copies); at++) {
        PyObject *copy = PyList_GET_ITEM(copies, at), *value = PyList_GET_ITEM(arguments, at);
        if (PyList_CheckExact(copy) ? !is_same_list(copy, value) : PyDict_CheckExact(copy) && !is_same_dict(copy, value))
            return false;
    }
    return true;
}

Answer put_outcome(Kernel *kernel, Draft *draft, PyObject *lane, PyObject *number, PyObject *value, bool counted) {
    Answer answer = NO;
    draft->size = 0;
    draft->slash = false;
    if (is_number(value))
        return put_number(draft, value) ? YES : NO;
    if (PyUnicode_CheckExact(value)) {
        answer = PyUnicode_GET_LENGTH(value) <= kernel->longest && put_text(draft, value) ? YES : NO;
        if (answer == YES && !draft->slash)
            return YES;
    } else if (PyList_CheckExact(value) || PyDict_CheckExact(value)) {
        counted = true;
        answer = put_flat_container(kernel, draft, value);
        if (answer == YES && draft->size > kernel->largest)
            return NO;
    }
    if (answer == YES)
        answer = is_clean(kernel, draft, 0);
    if (answer == YES && counted && !add_one(KERNEL_SLOT(kernel, lane, lane, out), number, NULL))
        return FAILED;
    return answer;
}

#include "native.h"

/* Begin [name, size, [head, ...], digest]; `heads` heads and `end_truncated` follow. */
static Py_ssize_t begin_truncated(Walk *walk, PyObject *name, Py_ssize_t size, Py_ssize_t heads)
{
    Buffer *out = &walk->out;
    Py_ssize_t start = extension_begin(out);
    if (start < 0 || pack_array_header(out, 4) < 0)
        return FAILED;
    int packed = pack_text(out, name);
    if (packed == UNPACKABLE)
        PyErr_SetString(PyExc_ValueError, "a name with lone surrogates");
    if (packed != PACKED || pack_size(out, size) < 0 || pack_array_header(out, heads) < 0)
        return FAILED;
    return start;
}

static int end_truncated(Walk *walk, Py_ssize_t start, PyObject *name)
{
    if (pack_bytes(&walk->out, "", 0) < 0 || extension_end(&walk->out, start, EXT_TRUNCATED) < 0)
        return FAILED;
    return count_truncated(walk->walks, name);
}

enum { REMEMBERED_SIZES = 4096 };

/* As tracer.encoding.cut does at every cut: hooks read it. */
static int remember_bare(Walk *walk, PyObject *name, Py_ssize_t size, Py_ssize_t mark)
{
    PyObject *bare = walk->walks->bare, *key = Py_BuildValue("(On)", name, size);
    int known = key == NULL ? FAILED : PyDict_Contains(bare, key);
    if (known == 0) {
        PyObject *data = PyBytes_FromStringAndSize((char *)walk->out.data + mark, walk->out.size - mark);
        if (PyDict_GET_SIZE(bare) >= REMEMBERED_SIZES)
            PyDict_Clear(bare);
        known = data == NULL ? FAILED : PyDict_SetItem(bare, key, data);
        Py_XDECREF(data);
    }
    Py_XDECREF(key);
    return known < 0 ? FAILED : 0;
}

int cut_bare(Walk *walk, PyObject *name, Py_ssize_t size)
{
    Py_ssize_t start = begin_truncated(walk, name, size, 0);
    if (start < 0 || end_truncated(walk, start, name) < 0)
        return FAILED;
    return walk->names_only ? remember_bare(walk, name, size, start) : 0;
}

static inline Py_ssize_t heads_of(const Walk *walk, Py_ssize_t count)
{
    Py_ssize_t most = walk->nodes < HEAD_ITEMS ? walk->nodes : HEAD_ITEMS;
    return count < most ? count : most;
}

static inline void pay(Walk *walk, Py_ssize_t nodes)
{
    walk->nodes = walk->nodes > nodes ? walk->nodes - nodes : 0;
}

int cut_container(Walk *walk, PyObject *name, Py_ssize_t size, PyObject *const *items, Py_ssize_t count)
{
    if (walk->nodes <= 0 || walk->level >= MAX_LEVELS)
        return cut_bare(walk, name, size);
    Py_ssize_t heads = heads_of(walk, count);
    Py_ssize_t start = begin_truncated(walk, name, size, heads);
    if (start < 0)
        return FAILED;
    pay(walk, heads);
    walk->level++;
    if (walk_shares(walk, items, heads, heavy(items, heads), NULL) < 0)
        return FAILED;
    walk->level--;
    return end_truncated(walk, start, name);
}

int cut_pairs(Walk *walk, PyObject *name, Py_ssize_t size, PyObject *const *keys, PyObject *const *values, Py_ssize_t count)
{
    if (walk->nodes <= 0 || walk->level >= MAX_LEVELS)
        return cut_bare(walk, name, size);
    Py_ssize_t heads = heads_of(walk, count);
    Py_ssize_t start = begin_truncated(walk, name, size, heads);
    if (start < 0)
        return FAILED;
    Py_ssize_t left = heavy(keys, heads) + heavy(values, heads);
    int secret[HEAD_ITEMS];
    for (Py_ssize_t at = 0; at < heads; at++) {
        secret[at] = verdict_of_key(walk->walks, keys[at]);
        if (secret[at] < 0)
            return FAILED;
    }
    pay(walk, 2 * heads);
    walk->level++;
    for (Py_ssize_t at = 0; at < heads; at++) {
        Py_ssize_t pair = extension_begin(&walk->out);
        if (pair < 0 || pack_array_header(&walk->out, 2) < 0 || walk_share(walk, keys[at], SECRET_NONE, &left) < 0
            || walk_share(walk, values[at], secret[at], &left) < 0 || extension_end(&walk->out, pair, EXT_TUPLE) < 0)
            return FAILED;
    }
    walk->level--;
    return end_truncated(walk, start, name);
}

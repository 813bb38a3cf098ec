/* Scalars and flat containers as msgpack writes them, checksums, and the frames of the journal. Nothing here runs any code. */

#include "_native.h"

/* -- msgpack, in the shortest form, as its Packer gives it ------------------------------------------------------------------------ */

static inline void store_big(unsigned char *at, uint64_t value, int size) {
    for (int place = size - 1; place >= 0; place--, value >>= 8)
        at[place] = (unsigned char)value;
}

static bool put_marked(Draft *draft, unsigned char mark, uint64_t value, int size) {
    if (draft->size + 1 + size > ROOM)
        return false;
    unsigned char *at = draft->snapshot + draft->size;
    at[0] = mark;
    store_big(at + 1, value, size);
    draft->size += 1 + size;
    return true;
}

bool put_bytes(Draft *draft, const void *data, Py_ssize_t size) {
    if (draft->size + size > ROOM)
        return false;
    memcpy(draft->snapshot + draft->size, data, (size_t)size);
    draft->size += size;
    return true;
}

bool put_array_header(Draft *draft, Py_ssize_t count) {
    if (count < 16)
        return put_marked(draft, (unsigned char)(0x90 | count), 0, 0);
    return count < 0x10000 && put_marked(draft, 0xdc, (uint64_t)count, 2);
}

bool put_map_header(Draft *draft, Py_ssize_t count) {
    if (count < 16)
        return put_marked(draft, (unsigned char)(0x80 | count), 0, 0);
    return count < 0x10000 && put_marked(draft, 0xde, (uint64_t)count, 2);
}

static bool put_unsigned(Draft *draft, uint64_t value) {
    if (value < 0x80)
        return put_marked(draft, (unsigned char)value, 0, 0);
    if (value < 0x100)
        return put_marked(draft, 0xcc, value, 1);
    if (value < 0x10000)
        return put_marked(draft, 0xcd, value, 2);
    if (value <= 0xffffffff)
        return put_marked(draft, 0xce, value, 4);
    return put_marked(draft, 0xcf, value, 8);
}

static bool put_negative(Draft *draft, int64_t value) {
    if (value >= -0x20)
        return put_marked(draft, (unsigned char)value, 0, 0);
    if (value >= -0x80)
        return put_marked(draft, 0xd0, (uint64_t)value, 1);
    if (value >= -0x8000)
        return put_marked(draft, 0xd1, (uint64_t)value, 2);
    if (value >= -INT64_C(0x80000000))
        return put_marked(draft, 0xd2, (uint64_t)value, 4);
    return put_marked(draft, 0xd3, (uint64_t)value, 8);
}

static bool put_int(Draft *draft, PyObject *value) {
    int overflow;
    long long signed_value = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0)
        return signed_value >= 0 ? put_unsigned(draft, (uint64_t)signed_value) : put_negative(draft, signed_value);
    if (overflow < 0)
        return false;
    unsigned long long unsigned_value = PyLong_AsUnsignedLongLong(value);
    if (unsigned_value == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return put_unsigned(draft, unsigned_value);
}

static bool put_float(Draft *draft, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_marked(draft, 0xcb, bits, 8);
}

bool is_number(PyObject *value) {
    return value == Py_None || PyLong_CheckExact(value) || PyFloat_CheckExact(value) || PyBool_Check(value);
}

bool put_number(Draft *draft, PyObject *value) {
    if (PyLong_CheckExact(value))
        return put_int(draft, value);
    if (value == Py_None)
        return put_marked(draft, 0xc0, 0, 0);
    if (PyBool_Check(value))
        return put_marked(draft, value == Py_True ? 0xc3 : 0xc2, 0, 0);
    return PyFloat_CheckExact(value) && put_float(draft, PyFloat_AS_DOUBLE(value));
}

static bool put_text_header(Draft *draft, Py_ssize_t size) {
    if (size < 0x20)
        return put_marked(draft, (unsigned char)(0xa0 | size), 0, 0);
    if (size < 0x100)
        return put_marked(draft, 0xd9, (uint64_t)size, 1);
    return size < 0x10000 && put_marked(draft, 0xda, (uint64_t)size, 2);
}

static inline Py_ssize_t size_in_utf8(Py_UCS4 character) {
    return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

/* Encoded here, since PyUnicode_AsUTF8AndSize would keep the bytes with the host's object. */
static bool put_wide_text(Draft *draft, PyObject *text, Py_ssize_t length) {
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t size = 0;
    if (length > ROOM)
        return false;
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        if (Py_UNICODE_IS_SURROGATE(character))
            return false;
        size += size_in_utf8(character);
    }
    if (!put_text_header(draft, size) || draft->size + size > ROOM)
        return false;
    unsigned char *out = draft->snapshot + draft->size;
    for (Py_ssize_t at = 0; at < length; at++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, at);
        Py_ssize_t bytes = size_in_utf8(character);
        draft->slash |= character == '/';
        if (bytes == 1) {
            *out++ = (unsigned char)character;
            continue;
        }
        for (Py_ssize_t place = bytes - 1; place > 0; place--, character >>= 6)
            out[place] = (unsigned char)(0x80 | (character & 0x3f));
        out[0] = (unsigned char)((0xf00 >> bytes & 0xff) | character);
        out += bytes;
    }
    draft->size += size;
    draft->longer = true;
    return true;
}

bool put_text(Draft *draft, PyObject *text) {
#if PY_VERSION_HEX < 0x030c0000
    if (PyUnicode_READY(text) < 0) {
        PyErr_Clear();
        return false;
    }
#endif
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (!PyUnicode_IS_ASCII(text))
        return put_wide_text(draft, text, length);
    const void *data = PyUnicode_DATA(text);
    draft->slash = draft->slash || memchr(data, '/', (size_t)length) != NULL;
    draft->longer = draft->longer || length >= SHORTEST_SECRET;
    return put_text_header(draft, length) && put_bytes(draft, data, length);
}

bool put_binary(Draft *draft, PyObject *data) {
    Py_ssize_t size = PyBytes_GET_SIZE(data);
    draft->slash = draft->longer = true;
    if (size >= 0x10000 || !(size < 0x100 ? put_marked(draft, 0xc4, (uint64_t)size, 1) : put_marked(draft, 0xc5, (uint64_t)size, 2)))
        return false;
    return put_bytes(draft, PyBytes_AS_STRING(data), size);
}

/* Put an item of a container: a scalar, and not a long one. */
static bool put_item(Draft *draft, PyObject *item, Py_ssize_t longest) {
    if (PyUnicode_CheckExact(item))
        return PyUnicode_GET_LENGTH(item) <= longest && put_text(draft, item);
    if (PyBytes_CheckExact(item))
        return PyBytes_GET_SIZE(item) <= longest && put_binary(draft, item);
    return put_number(draft, item);
}

/* Put the items of a list or tuple as an array. */
bool put_items(Draft *draft, PyObject *container, Py_ssize_t longest) {
    PyObject *const *items = PySequence_Fast_ITEMS(container);
    Py_ssize_t count = PySequence_Fast_GET_SIZE(container);
    draft->slash = draft->longer = true;
    if (count > FEW || !put_array_header(draft, count))
        return false;
    for (Py_ssize_t at = 0; at < count; at++)
        if (!put_item(draft, items[at], longest))
            return false;
    return true;
}

bool put_dict(Draft *draft, PyObject *dict, Py_ssize_t longest) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    draft->slash = draft->longer = true;
    if (PyDict_GET_SIZE(dict) > FEW || !put_map_header(draft, PyDict_GET_SIZE(dict)))
        return false;
    while (PyDict_Next(dict, &at, &key, &value))
        if (!PyUnicode_CheckExact(key) || !put_text(draft, key) || !put_item(draft, value, longest))
            return false;
    return true;
}

/* Put a tuple of scalars: an extension of the array of its items, whose header tells the size and is put when that is known. */
bool put_tuple(Draft *draft, PyObject *tuple, Py_ssize_t longest) {
    Py_ssize_t start = draft->size;
    if (!put_items(draft, tuple, longest))
        return false;
    Py_ssize_t size = draft->size - start;
    bool fixed = size <= 16 && (size & (size - 1)) == 0;
    unsigned char header[4] = {0xc8, (unsigned char)(size >> 8), (unsigned char)size, EXT_TUPLE};
    int length = 4;
    if (fixed) {
        header[0] = (unsigned char)(size == 1 ? 0xd4 : size == 2 ? 0xd5 : size == 4 ? 0xd6 : size == 8 ? 0xd7 : 0xd8);
        header[1] = EXT_TUPLE;
        length = 2;
    } else if (size < 0x100) {
        header[0] = 0xc7;
        header[1] = (unsigned char)size;
        header[2] = EXT_TUPLE;
        length = 3;
    }
    if (size >= 0x10000 || draft->size + length > ROOM)
        return false;
    memmove(draft->snapshot + start + length, draft->snapshot + start, (size_t)size);
    memcpy(draft->snapshot + start, header, (size_t)length);
    draft->size += length;
    return true;
}

/* -- frames ----------------------------------------------------------------------------------------------------------------------- */

static inline unsigned char *store(unsigned char *at, uint64_t value, int size) {
    for (int place = 0; place < size; place++, value >>= 8)
        *at++ = (unsigned char)value;
    return at;
}

static void store_begin(
    unsigned char *at, Py_ssize_t size, uint32_t sum, uint64_t key, uint32_t lane, uint32_t caller, uint64_t parent, uint64_t call) {
    at = store(at, (uint64_t)size, 4);
    at = store(at, sum, 4);
    at = store(at, key, 8);
    at = store(at, lane, 4);
    at = store(at, caller, 4);
    at = store(at, parent, 8);
    store(at, call, 8);
}

static void store_end(unsigned char *at, Py_ssize_t size, uint32_t sum, uint32_t key, uint64_t call) {
    at = store(at, (uint64_t)size, 4);
    at = store(at, sum, 4);
    at = store(at, key, 4);
    store(at, call, 8);
}

void put_begin_head(Draft *draft, uint64_t key, uint32_t lane, uint32_t caller, uint64_t parent, uint64_t call) {
    uint32_t sum = checksum(draft->snapshot, draft->size, (uint32_t)call);
    store_begin(draft->snapshot - BEGIN_HEAD, draft->size, sum, key, lane, caller, parent, call);
}

void put_end_head(Draft *draft, uint32_t key, uint64_t call) {
    store_end(draft->snapshot - END_HEAD, draft->size, checksum(draft->snapshot, draft->size, (uint32_t)call), key, call);
}

/* Return room for a head and behind it a copy of a snapshot, whose checksum is told. */
static PyObject *framed(PyObject *snapshot, Py_ssize_t head, uint64_t call, uint32_t *sum) {
    if (!PyBytes_CheckExact(snapshot)) {
        PyErr_SetString(PyExc_TypeError, "a snapshot is bytes");
        return NULL;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(snapshot);
    PyObject *frame = PyBytes_FromStringAndSize(NULL, head + size);
    if (frame == NULL)
        return NULL;
    memcpy(PyBytes_AS_STRING(frame) + head, PyBytes_AS_STRING(snapshot), (size_t)size);
    *sum = checksum((unsigned char *)PyBytes_AS_STRING(snapshot), size, (uint32_t)call);
    return frame;
}

PyObject *begin_frame_of(PyObject *snapshot, uint64_t key, uint32_t lane, uint32_t caller, uint64_t parent, uint64_t call) {
    uint32_t sum;
    PyObject *frame = framed(snapshot, BEGIN_HEAD, call, &sum);
    if (frame != NULL)
        store_begin((unsigned char *)PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(snapshot), sum, key, lane, caller, parent, call);
    return frame;
}

PyObject *end_frame_of(PyObject *snapshot, uint32_t key, uint64_t call) {
    uint32_t sum;
    PyObject *frame = framed(snapshot, END_HEAD, call, &sum);
    if (frame != NULL)
        store_end((unsigned char *)PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(snapshot), sum, key, call);
    return frame;
}

/* The first pass over a journal, as frames.py makes it. The bytes may be anything: nothing is read that was not found to be there. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <string.h>

#include "native_checksum.h"

/* As journal.py and frames.py have them. */
#define HEAD 8 /* u32 length, u32 checksum */
#define BEGIN_HEAD 40
#define NOTE_HEAD 20
#define LANE_AT 16
#define SLACK 4096
#define LARGEST_GAP (1 << 20)
enum { BEGIN = 4, END = 5, ITEM = 6, AFTER = 7, TIME = 13 };

/* -- numbers in a row -------------------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned char *items;
    size_t size, count, room; /* bytes of one; how many there are, and there is room for */
} Row;

static bool make_room(Row *row, size_t count) {
    if (count <= row->room)
        return true;
    size_t room = row->room * 2 > count ? row->room * 2 : count;
    unsigned char *items = room > PY_SSIZE_T_MAX / row->size ? NULL : PyMem_RawRealloc(row->items, room * row->size);
    if (items == NULL) {
        PyErr_NoMemory();
        return false;
    }
    row->items = items;
    row->room = room;
    return true;
}

static bool lengthen(Row *row, size_t count) {
    if (!make_room(row, count))
        return false;
    if (count > row->count) {
        memset(row->items + row->count * row->size, 0, (count - row->count) * row->size);
        row->count = count;
    }
    return true;
}

static inline uint64_t *wide(Row *row) { return (uint64_t *)row->items; }
static inline uint32_t *narrow(Row *row) { return (uint32_t *)row->items; }

static bool append_wide(Row *row, uint64_t number) {
    if (!make_room(row, row->count + 1))
        return false;
    wide(row)[row->count++] = number;
    return true;
}

static bool append_narrow(Row *row, uint32_t number) {
    if (!make_room(row, row->count + 1))
        return false;
    narrow(row)[row->count++] = number;
    return true;
}

static PyObject *bytes_of(Row *row) {
    return PyBytes_FromStringAndSize((char *)row->items, (Py_ssize_t)(row->count * row->size));
}

/* -- the frames -------------------------------------------------------------------------------------------------------------------- */

enum { BEGINS, ENDS, LANES, LAST_EXTRAS, ORDER, EXTRA_AT, EXTRA_BEFORE, BEGAN, ENDED, ROWS };

typedef struct {
    const unsigned char *data;
    PyObject *rare;
    uint64_t base;
    Row rows[ROWS];
    unsigned long long damaged, orphans;
} Search;

static inline uint64_t number_at(const unsigned char *at, int size) {
    uint64_t number = 0;
    while (size-- > 0)
        number = number << 8 | at[size];
    return number;
}

static inline size_t head_of(unsigned char kind) {
    switch (kind) {
    case BEGIN: return BEGIN_HEAD;
    case END: case ITEM: case AFTER: case TIME: return NOTE_HEAD;
    default: return HEAD;
    }
}

/* Say whether a second byte can be: how a call runs, how it ended, what passed, nothing, which time. */
static inline bool can_be(unsigned char kind, unsigned char second) {
    switch (kind) {
    case BEGIN: return second <= 3;
    case END: return second <= 2;
    case ITEM: return second <= 2 || second == 4;
    case AFTER: return second == 0;
    default: return second <= 1;
    }
}

static bool enter_begin(Search *search, size_t at, uint64_t call) {
    Row *begins = &search->rows[BEGINS];
    if (begins->count == 0)
        search->base = call > SLACK ? call - SLACK : 0;
    uint64_t ordinal = call - search->base; /* where that is below 0, it is far above */
    if (ordinal >= begins->count) {
        size_t known = begins->count, more = known > SLACK ? known : SLACK;
        if (call < search->base || ordinal > known + LARGEST_GAP) {
            search->damaged++;
            return true;
        }
        if (ordinal + 1 - known > more)
            more = (size_t)ordinal + 1 - known;
        for (int row = BEGINS; row <= LAST_EXTRAS; row++)
            if (!lengthen(&search->rows[row], known + more))
                return false;
    }
    if (wide(begins)[ordinal] != 0) {
        search->damaged++;
        return true;
    }
    wide(begins)[ordinal] = at;
    narrow(&search->rows[LANES])[ordinal] = (uint32_t)number_at(search->data + at + LANE_AT, 4);
    return append_narrow(&search->rows[ORDER], (uint32_t)ordinal);
}

static bool enter_extra(Search *search, size_t at, uint64_t ordinal) {
    uint32_t *last = &narrow(&search->rows[LAST_EXTRAS])[ordinal];
    Row *extras = &search->rows[EXTRA_AT];
    if (!append_wide(extras, at) || !append_narrow(&search->rows[EXTRA_BEFORE], *last))
        return false;
    *last = (uint32_t)extras->count;
    return true;
}

static bool enter_time(Search *search, unsigned char which, uint64_t ordinal, const unsigned char *content, size_t size) {
    if (size != 8) {
        search->damaged++;
        return true;
    }
    Row *times = &search->rows[which == 0 ? BEGAN : ENDED];
    if (ordinal >= times->count && !lengthen(times, search->rows[BEGINS].count))
        return false;
    wide(times)[ordinal] = number_at(content, 8);
    return true;
}

static bool enter_rare(Search *search, unsigned char kind, const unsigned char *content, size_t size) {
    PyObject *done = PyObject_CallFunction(search->rare, "iy#", (int)kind, (const char *)content, (Py_ssize_t)size);
    Py_XDECREF(done);
    return done != NULL;
}

static bool enter(Search *search, size_t at, size_t start, size_t after, uint64_t call) {
    const unsigned char *data = search->data;
    unsigned char kind = data[at + HEAD], second;
    if (start == at + HEAD)
        return enter_rare(search, kind, data + start + 1, after - start - 1);
    second = data[at + HEAD + 1];
    if (!can_be(kind, second)) {
        search->damaged++;
        return true;
    }
    if (kind == BEGIN)
        return enter_begin(search, at, call);
    uint64_t ordinal = call - search->base;
    if (call < search->base || ordinal >= search->rows[BEGINS].count || wide(&search->rows[BEGINS])[ordinal] == 0) {
        search->orphans += kind != TIME;
        return true;
    }
    if (kind == END) {
        wide(&search->rows[ENDS])[ordinal] = at;
        return true;
    }
    return kind == TIME ? enter_time(search, second, ordinal, data + start, after - start) : enter_extra(search, at, ordinal);
}

/* Enter the frames between two offsets, which lie within the data, up to the first that is not whole. */
static bool search_segment(Search *search, size_t at, size_t stop) {
    const unsigned char *data = search->data;
    while (at < stop && stop - at > HEAD) {
        size_t length = (size_t)number_at(data + at, 4), start = at + head_of(data[at + HEAD]);
        if (length == 0)
            break;
        bool of_call = start > at + HEAD, whole = start <= stop && length <= stop - start;
        uint64_t call = of_call && whole ? number_at(data + start - 8, 8) : 0;
        if (!whole || checksum(data + start, (Py_ssize_t)length, of_call ? (uint32_t)call : 1) != number_at(data + at + 4, 4)) {
            search->damaged++;
            break;
        }
        if (!enter(search, at, start, start + length, call))
            return false;
        at = start + length;
    }
    return true;
}

static PyObject *told(Search *search) {
    PyObject *columns[ROWS];
    bool made = true;
    for (int row = 0; row < ROWS; row++)
        made = (columns[row] = bytes_of(&search->rows[row])) != NULL && made;
    PyObject *found = NULL;
    if (made)
        found = Py_BuildValue(
            "K(OO)KKOOOOOOO", (unsigned long long)search->base, columns[BEGAN], columns[ENDED], search->damaged, search->orphans,
            columns[BEGINS], columns[ENDS], columns[LANES], columns[LAST_EXTRAS], columns[ORDER], columns[EXTRA_AT],
            columns[EXTRA_BEFORE]);
    for (int row = 0; row < ROWS; row++)
        Py_XDECREF(columns[row]);
    return found;
}

static PyObject *find_frames(PyObject *module, PyObject *args) {
    (void)module;
    Py_buffer view;
    PyObject *segments, *found = NULL;
    Search search = {0};
    if (!PyArg_ParseTuple(args, "y*O!O", &view, &PyList_Type, &segments, &search.rare))
        return NULL;
    search.data = view.buf;
    for (int row = 0; row < ROWS; row++)
        search.rows[row].size = row == LANES || row == LAST_EXTRAS || row == ORDER || row == EXTRA_BEFORE ? 4 : 8;
    bool done = true;
    for (Py_ssize_t number = 0; done && number < PyList_GET_SIZE(segments); number++) {
        Py_ssize_t at, stop;
        done = PyArg_ParseTuple(PyList_GET_ITEM(segments, number), "nn", &at, &stop);
        if (done && (at < 0 || stop > view.len)) {
            PyErr_SetString(PyExc_ValueError, "a segment lies outside of the data");
            done = false;
        }
        done = done && (at >= stop || search_segment(&search, (size_t)at, (size_t)stop));
    }
    if (done)
        found = told(&search);
    for (int row = 0; row < ROWS; row++)
        PyMem_RawFree(search.rows[row].items);
    PyBuffer_Release(&view);
    return found;
}

static PyMethodDef functions[] = {
    {"find_frames", find_frames, METH_VARARGS, "Go through the frames of a journal, as frames.py does."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tracer.storage._native",
    .m_doc = "Reading a journal, in C.",
    .m_size = 0,
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }

/* The simplest calls played at once, in C. `make_ready` in ready.py says what is done; this is the same, cheaper.

   Between the look at a queue and the mark on its entry no code can run, so no other thread comes between; where one is in the middle of
   looking in Python, which `looking` tells, this call is looked for there too. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

/* What it is given, in this order. */
#define GIVEN(X) X(working) X(whole) X(exact) X(looking) X(finish) X(unready)

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
#define FIELD(name) PyObject *name;
    GIVEN(FIELD)
#undef FIELD
    PyTypeObject *entry_type;
    Py_ssize_t played, at_once; /* where an entry has these */
} Ready;

#define SLOT(object, place) (*(PyObject **)((char *)(object) + (place)))

/* Which threads are at work for tracer. Numbers of threads are never given twice, so a fork that loses one leaves nothing that matters. */
typedef struct {
    PyObject_HEAD
    uint64_t *threads;
    Py_ssize_t count, room;
} Working;

static PyTypeObject Working_Type;
static PyObject *popleft_name;

static PyObject *again(PyObject *object) {
    Py_INCREF(object);
    return object;
}

/* -- who is at work --------------------------------------------------------------------------------------------------------------- */

static uint64_t this_thread(void) { return PyThreadState_GetID(PyThreadState_Get()); }

static bool is_busy(Working *working) {
    uint64_t thread = this_thread();
    for (Py_ssize_t at = 0; at < working->count; at++)
        if (working->threads[at] == thread)
            return true;
    return false;
}

static int set_busy(Working *working, bool busy) {
    uint64_t thread = this_thread();
    for (Py_ssize_t at = working->count; at-- > 0;)
        if (working->threads[at] == thread)
            working->threads[at] = working->threads[--working->count];
    if (!busy)
        return 0;
    if (working->count == working->room) {
        Py_ssize_t room = working->room * 2 + 8;
        uint64_t *more = PyMem_Realloc(working->threads, (size_t)room * sizeof *more);
        if (more == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        working->threads = more;
        working->room = room;
    }
    working->threads[working->count++] = thread;
    return 0;
}

static PyObject *working_get(Working *working, void *unused) {
    (void)unused;
    return PyBool_FromLong(is_busy(working));
}

static int working_set(Working *working, PyObject *value, void *unused) {
    (void)unused;
    int busy = value == NULL ? 0 : PyObject_IsTrue(value);
    return busy < 0 ? -1 : set_busy(working, busy != 0);
}

static void working_dealloc(Working *working) {
    PyMem_Free(working->threads);
    Py_TYPE(working)->tp_free((PyObject *)working);
}

static PyGetSetDef working_fields[] = {
    {"busy", (getter)working_get, (setter)working_set, "Whether this thread is at work.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject Working_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.playing._native.Working",
    .tp_doc = "Which threads are at work.",
    .tp_basicsize = sizeof(Working),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = (destructor)working_dealloc,
    .tp_getset = working_fields,
};

/* -- what comes of a call --------------------------------------------------------------------------------------------------------- */

static uint64_t big_endian(const unsigned char *data, Py_ssize_t size) {
    uint64_t value = 0;
    for (Py_ssize_t at = 0; at < size; at++)
        value = value << 8 | data[at];
    return value;
}

/* Return a number of msgpack's by its mark; NULL without an error where it is none. */
static PyObject *number(const unsigned char *data, Py_ssize_t size) {
    unsigned char mark = data[0];
    if (mark < 0x80 || mark >= 0xe0)
        return size == 1 ? PyLong_FromLong((signed char)mark) : NULL;
    if (mark == 0xcb && size == 9) {
        uint64_t bits = big_endian(data + 1, 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return PyFloat_FromDouble(value);
    }
    if (mark >= 0xcc && mark <= 0xcf && size == 1 + (1 << (mark - 0xcc)))
        return PyLong_FromUnsignedLongLong(big_endian(data + 1, size - 1));
    if (mark >= 0xd0 && mark <= 0xd3 && size == 1 + (1 << (mark - 0xd0))) {
        int unused = 64 - 8 * (int)(size - 1);
        return PyLong_FromLongLong((int64_t)(big_endian(data + 1, size - 1) << unused) >> unused);
    }
    return NULL;
}

/* Return what a snapshot of a number or a short text stands for; NULL without an error where `plain` in plain.py is to look. */
static PyObject *scalar(PyObject *snapshot) {
    const unsigned char *data = (unsigned char *)PyBytes_AS_STRING(snapshot);
    Py_ssize_t size = PyBytes_GET_SIZE(snapshot), head = 0;
    if (size == 0)
        return NULL;
    if (size == 1 && data[0] >= 0xc0 && data[0] <= 0xc3 && data[0] != 0xc1)
        return again(data[0] == 0xc0 ? Py_None : data[0] == 0xc3 ? Py_True : Py_False);
    if ((data[0] & 0xe0) == 0xa0 && size == 1 + (data[0] & 0x1f))
        head = 1;
    else if (data[0] == 0xd9 && size > 1 && size == 2 + data[1])
        head = 2;
    else
        return number(data, size);
    if (memchr(data, '<', (size_t)size) != NULL) /* a path of another machine begins with it */
        return NULL;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)data + head, size - head, NULL);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        PyErr_Clear();
    return text;
}

static PyObject *outcome(Ready *ready, PyObject *entry, PyObject *arguments) {
    PyObject *snapshot = SLOT(entry, ready->at_once), *made = NULL;
    if (snapshot != NULL && PyBytes_CheckExact(snapshot))
        made = scalar(snapshot);
    if (made != NULL || PyErr_Occurred())
        return made;
    PyObject *both[] = {entry, arguments};
    return PyObject_Vectorcall(ready->finish, both, 2, NULL);
}

/* -- which call it is ------------------------------------------------------------------------------------------------------------- */

/* Return the snapshot of the arguments, a new reference; NULL without an error where this thread is at work for tracer. */
static PyObject *key_of(Ready *ready, PyObject *arguments) {
    Working *working = (Working *)ready->working;
    if (is_busy(working) || set_busy(working, true) < 0)
        return NULL;
    PyObject *key = PyObject_Vectorcall(ready->whole, &arguments, 1, NULL);
    set_busy(working, false);
    return key;
}

/* Take the first call off its queue and mark it, unless it was played by another way; NULL, perhaps with an error, where there is none. */
static PyObject *entry_for(Ready *ready, PyObject *key) {
    PyObject *waiting = PyBytes_CheckExact(key) ? PyDict_GetItemWithError(ready->exact, key) : NULL;
    if (waiting == NULL || PyList_GET_SIZE(ready->looking) > 0)
        return NULL;
    Py_ssize_t count = PyObject_Size(waiting);
    PyObject *entry = count > 0 ? PyObject_CallMethodNoArgs(waiting, popleft_name) : NULL;
    if (entry == NULL)
        return NULL;
    if (!Py_IS_TYPE(entry, ready->entry_type) || SLOT(entry, ready->played) != Py_False) {
        Py_DECREF(entry);
        return NULL;
    }
    SLOT(entry, ready->played) = again(Py_True);
    Py_DECREF(Py_False);
    return entry;
}

static PyObject *answer(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Ready *ready = (Ready *)self;
    if (PyVectorcall_NARGS(flags) != 1 || (names != NULL && PyTuple_GET_SIZE(names) > 0)) {
        PyErr_SetString(PyExc_TypeError, "the arguments of a call, in a list, and nothing else");
        return NULL;
    }
    PyObject *key = key_of(ready, args[0]);
    PyObject *entry = key == NULL ? NULL : entry_for(ready, key);
    Py_XDECREF(key);
    if (entry == NULL)
        return PyErr_Occurred() ? NULL : again(ready->unready);
    PyObject *made = outcome(ready, entry, args[0]);
    Py_DECREF(entry);
    return made;
}

/* -- the type --------------------------------------------------------------------------------------------------------------------- */

static int ready_clear(Ready *ready) {
#define CLEAR(name) Py_CLEAR(ready->name);
    GIVEN(CLEAR)
    Py_CLEAR(ready->entry_type);
    return 0;
}

static int ready_traverse(Ready *ready, visitproc visit, void *arg) {
#define VISIT(name) Py_VISIT(ready->name);
    GIVEN(VISIT)
    Py_VISIT(ready->entry_type);
    return 0;
}

static void ready_dealloc(Ready *ready) {
    PyObject_GC_UnTrack(ready);
    ready_clear(ready);
    Py_TYPE(ready)->tp_free((PyObject *)ready);
}

/* Return where the instances of a class have a slot; -1 with an error where they have none. */
static Py_ssize_t place_of(PyTypeObject *type, const char *name) {
    PyObject *member = PyObject_GetAttrString((PyObject *)type, name);
    Py_ssize_t place = -1;
    if (member != NULL && Py_IS_TYPE(member, &PyMemberDescr_Type))
        place = ((PyMemberDescrObject *)member)->d_member->offset;
    else if (member != NULL)
        PyErr_Format(PyExc_TypeError, "%s is no slot", name);
    Py_XDECREF(member);
    return place;
}

static PyObject *ready_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *working, *whole, *exact, *looking, *finish, *unready;
    PyTypeObject *entry_type;
    static char *names[] = {"working", "whole", "exact", "looking", "finish", "unready", "entry_type", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OO!O!OOO!", names, &Working_Type, &working, &whole, &PyDict_Type, &exact,
            &PyList_Type, &looking, &finish, &unready, &PyType_Type, &entry_type))
        return NULL;
    Py_ssize_t played = place_of(entry_type, "played"), at_once = played < 0 ? -1 : place_of(entry_type, "at_once");
    Ready *ready = at_once < 0 ? NULL : (Ready *)type->tp_alloc(type, 0);
    if (ready == NULL)
        return NULL;
    ready->call = answer;
    ready->entry_type = (PyTypeObject *)again((PyObject *)entry_type);
    ready->played = played;
    ready->at_once = at_once;
#define KEEP(name) ready->name = again(name);
    GIVEN(KEEP)
    return (PyObject *)ready;
}

static PyTypeObject Ready_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.playing._native.Ready",
    .tp_doc = "Plays the simplest calls of one callable.",
    .tp_basicsize = sizeof(Ready),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Ready, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = ready_new,
    .tp_dealloc = (destructor)ready_dealloc,
    .tp_traverse = (traverseproc)ready_traverse,
    .tp_clear = (inquiry)ready_clear,
};

/* -- the module ------------------------------------------------------------------------------------------------------------------- */

static int load(PyObject *module) {
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError, "not made for a Python without its lock");
    return -1;
#else
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "not made for subinterpreters");
        return -1;
    }
    popleft_name = PyUnicode_InternFromString("popleft");
    if (popleft_name == NULL)
        return -1;
    return PyModule_AddType(module, &Working_Type) < 0 || PyModule_AddType(module, &Ready_Type) < 0 ? -1 : 0;
#endif
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, load},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tracer.playing._native",
    .m_doc = "The simplest calls played, in C.",
    .m_size = 0,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }

/* Calls past their callable's budget of detail, as thinning.py and tracer/sums.py have them: sums over runs of calls. */

#include "_native.h"

/* -- sums: numbers to two prime moduli --------------------------------------------------------------------------------------------- */

#define ONE ((UINT64_C(1) << 61) - 1)
#define TWO (UINT64_C(0) - 59) /* 2**64 - 59 */
#define BASE_ONE (UINT64_C(0x1B873593CC9E2D51) % ONE)
#define BASE_TWO UINT64_C(0x9E3779B97F4A7C15)
#define CUT UINT64_C(0x9E3779B97F4A7C15) /* thinning._CUT */
#define CUT_BITS 56
#define LEAST_CALLS 512
#define MOST_CALLS 4096
#define TAG_END 8 /* sums.END */
#define MOST_ITEMS 4096
#define BYTES_AN_ITEM 256

typedef unsigned __int128 wide;

static inline uint64_t to_one(wide value) {
    value = (value & ONE) + (value >> 61);
    value = (value & ONE) + (value >> 61);
    return value >= ONE ? (uint64_t)(value - ONE) : (uint64_t)value;
}

static inline uint64_t to_two(wide value) {
    value = (wide)(uint64_t)value + (value >> 64) * 59;
    value = (wide)(uint64_t)value + (value >> 64) * 59;
    uint64_t low = (uint64_t)value;
    if (value >> 64) /* at most once more, and then far below the modulus */
        low += 59;
    return low >= TWO ? low - TWO : low;
}

static Sum sum_of(const unsigned char *data, Py_ssize_t size) {
    Sum found = {0, 0};
    Py_ssize_t at = 0, front = size % 8;
    uint64_t word = 0;
    for (; at < front; at++)
        word = word << 8 | data[at];
    found.one = to_one(word);
    found.two = word; /* of seven bytes at most */
    for (; at < size; at += 8) {
        word = 0;
        for (int place = 0; place < 8; place++)
            word = word << 8 | data[at + place];
        found.one = to_one((wide)found.one * 8 + word);
        found.two = to_two((wide)found.two * 59 + word);
    }
    return found;
}

static inline void follow(Sum *sum, Sum part) {
    sum->one = to_one((wide)sum->one * BASE_ONE + part.one);
    sum->two = to_two((wide)sum->two * BASE_TWO + part.two);
}

static void note_part(Sum *sum, uint64_t tag, const unsigned char *data, Py_ssize_t size) {
    follow(sum, (Sum){tag, tag});
    follow(sum, sum_of(data, size));
}

/* -- what is open, mirrored into the journal: storage/open_sums.py has the layout ---------------------------------------------------- */

typedef struct {
    uint32_t whole, caller, calls, raised;
    uint64_t ended;
    Sum inputs, outcomes;
} Record;

typedef struct {
    uint32_t kind, numbers;
    uint64_t subject, caller, began;
    Record records[3];
} SlotBytes;

static SlotBytes *slot_bytes(const Slot *slot) {
    return slot->region == NULL ? NULL : (SlotBytes *)bytes_of_half(slot->region, slot->at, sizeof(SlotBytes));
}

/* Whatever a kill lets happen of these stores, it is the first of them. */
#define IN_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Return whether somebody has to write: the slot is a parent's, and with the first frame the journal learns of it. */
static bool put_record(Slot *slot, Record record) {
    SlotBytes *bytes = slot_bytes(slot);
    if (bytes == NULL)
        return slot->region != NULL && half_is_left(slot->region);
    uint32_t spare = 1 + 2 + 3 - slot->newest - slot->before;
    record.whole = slot->whole;
    bytes->records[spare - 1] = record;
    IN_ORDER();
    *(volatile uint32_t *)&bytes->numbers = spare | slot->before << 2;
    IN_ORDER();
    slot->newest = spare;
    return false;
}

static void next_record(Slot *slot, uint64_t ended) {
    SlotBytes *bytes = slot_bytes(slot);
    if (bytes == NULL)
        return;
    uint32_t spare = 1 + 2 + 3 - slot->newest - slot->before;
    bytes->records[spare - 1] = (Record){.whole = ++slot->whole, .ended = ended};
    IN_ORDER();
    *(volatile uint32_t *)&bytes->numbers = spare | slot->newest << 2;
    IN_ORDER();
    slot->before = slot->newest;
    slot->newest = spare;
}

static PyObject *settle(Slot *slot, PyObject *args) {
    PyObject *region;
    Py_ssize_t at;
    if (!PyArg_ParseTuple(args, "O!n", &Half_Type, &region, &at))
        return NULL;
    if (at < 0 || at % (Py_ssize_t)sizeof(uint64_t) != 0) {
        PyErr_SetString(PyExc_ValueError, "no slot begins there");
        return NULL;
    }
    Py_INCREF(region);
    Py_XSETREF(slot->region, region);
    slot->at = at;
    slot->newest = 1;
    slot->before = 2;
    slot->whole = 0;
    Py_RETURN_NONE;
}

/* -- an activation that is not kept ------------------------------------------------------------------------------------------------ */

/* What is told of one thing that came out of a call: a tag or how it ended, and a snapshot. */
typedef struct {
    unsigned long long tag;
    const unsigned char *data;
    Py_ssize_t size;
} Noted;

static bool parse_noted(PyObject *args, Noted *noted) {
    return PyArg_ParseTuple(args, "Ky#", &noted->tag, (const char **)&noted->data, &noted->size);
}

static PyObject *thin_note(Thin *thin, PyObject *args) {
    Noted noted;
    if (!parse_noted(args, &noted))
        return NULL;
    note_thin(thin, noted.tag, noted.data, noted.size);
    Py_RETURN_NONE;
}

void note_thin(Thin *thin, uint64_t tag, const unsigned char *data, Py_ssize_t size) { note_part(&thin->outcomes, tag, data, size); }

bool end_thin(Thin *thin, uint64_t outcome, const unsigned char *data, Py_ssize_t size) {
    Tally *tally = thin->tally;
    note_part(&thin->outcomes, TAG_END + outcome, data, size);
    if (tally->calls == 0)
        tally->caller = thin->caller;
    tally->ended++;
    tally->calls++;
    tally->raised += outcome == 1;
    follow(&tally->inputs, thin->inputs);
    follow(&tally->outcomes, thin->outcomes);
    bool left = put_record(
        &tally->slot, (Record){
                          .caller = tally->caller,
                          .calls = (uint32_t)tally->calls,
                          .raised = (uint32_t)tally->raised,
                          .ended = (uint64_t)tally->ended,
                          .inputs = tally->inputs,
                          .outcomes = tally->outcomes,
                      });
    bool cuts = (thin->inputs.one * CUT) >> CUT_BITS == 0;
    return left || (cuts && tally->calls >= LEAST_CALLS) || tally->calls >= MOST_CALLS;
}

static PyObject *thin_end(Thin *thin, PyObject *args) {
    Noted noted;
    return parse_noted(args, &noted) ? PyBool_FromLong(end_thin(thin, noted.tag, noted.data, noted.size)) : NULL;
}

static PyObject *thin_tally(Thin *thin, void *unused) {
    (void)unused;
    Py_INCREF(thin->tally);
    return (PyObject *)thin->tally;
}

static void thin_dealloc(Thin *thin) {
    Py_DECREF(thin->tally);
    PyObject_Free(thin);
}

static PyMethodDef thin_methods[] = {
    {"note", (PyCFunction)thin_note, METH_VARARGS, "Take in what came out of the call before its end."},
    {"end", (PyCFunction)thin_end, METH_VARARGS, "End the call; say whether the run is to be written."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef thin_parts[] = {{"tally", (getter)thin_tally, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL, NULL}};

PyTypeObject Thin_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Thin",
    .tp_doc = "One activation that is not kept in detail.",
    .tp_basicsize = sizeof(Thin),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)thin_dealloc,
    .tp_methods = thin_methods,
    .tp_getset = thin_parts,
};

/* -- the items of a generator of which no more are kept ----------------------------------------------------------------------------- */

bool note_rest(Rest *rest, uint64_t tag, const unsigned char *data, Py_ssize_t size) {
    note_part(&rest->sum, tag, data, size);
    rest->count++;
    bool left = put_record(&rest->slot, (Record){.calls = (uint32_t)rest->count, .inputs = rest->sum});
    return left || rest->count >= MOST_ITEMS;
}

static PyObject *rest_note(Rest *rest, PyObject *args) {
    Noted noted;
    return parse_noted(args, &noted) ? PyBool_FromLong(note_rest(rest, noted.tag, noted.data, noted.size)) : NULL;
}

static PyObject *rest_settle(Rest *rest, PyObject *args) { return settle(&rest->slot, args); }

static PyObject *rest_taken(Rest *rest, PyObject *unused) {
    (void)unused;
    PyObject *found = Py_BuildValue("L(KK)", rest->count, (unsigned long long)rest->sum.one, (unsigned long long)rest->sum.two);
    if (found != NULL && rest->count > 0) {
        rest->count = 0;
        rest->sum = (Sum){0, 0};
        next_record(&rest->slot, 0);
    }
    return found;
}

static PyObject *rest_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {NULL};
    return PyArg_ParseTupleAndKeywords(args, kwargs, "", names) ? type->tp_alloc(type, 0) : NULL;
}

static void rest_dealloc(Rest *rest) {
    Py_XDECREF(rest->slot.region);
    Py_TYPE(rest)->tp_free((PyObject *)rest);
}

static PyMethodDef rest_methods[] = {
    {"settle", (PyCFunction)rest_settle, METH_VARARGS, "Mirror what is open into a slot of the journal from now on."},
    {"note", (PyCFunction)rest_note, METH_VARARGS, "Take in an item; say whether the sum is to be written."},
    {"taken", (PyCFunction)rest_taken, METH_NOARGS, "Return how many items there are and their sum, and begin anew."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Rest_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Rest",
    .tp_doc = "The items of one generator past the budget of detail, up to the next sum that is written.",
    .tp_basicsize = sizeof(Rest),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = rest_new,
    .tp_dealloc = (destructor)rest_dealloc,
    .tp_methods = rest_methods,
};

/* -- a callable in a lane ---------------------------------------------------------------------------------------------------------- */

bool tally_keeps(Tally *tally, Py_ssize_t size) {
    if (tally->room <= 0 || tally->room_bytes <= 0)
        return false;
    tally->room--;
    tally->room_bytes -= size;
    return true;
}

bool tally_keeps_item(Tally *tally, Py_ssize_t size) {
    if (tally->room_of_items <= 0)
        return false;
    tally->room_of_items -= size + BYTES_AN_ITEM;
    return true;
}

PyObject *begin_thin(Tally *tally, const unsigned char *data, Py_ssize_t size, uint32_t caller) {
    Thin *thin = PyObject_New(Thin, &Thin_Type);
    if (thin == NULL)
        return NULL;
    Py_INCREF(tally);
    thin->tally = tally;
    thin->caller = caller;
    thin->inputs = sum_of(data, size);
    thin->outcomes = (Sum){0, 0};
    tally->begun++;
    if (tally->calls == 0)
        tally->caller = caller;
    SlotBytes *bytes = slot_bytes(&tally->slot);
    if (bytes != NULL) {
        bytes->caller = caller;
        bytes->began = (uint64_t)tally->begun;
    }
    return (PyObject *)thin;
}

static PyObject *tally_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"lane", "callable", "most_calls", "most_bytes", NULL};
    unsigned int lane, callable;
    long long calls, bytes;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "IILL", names, &lane, &callable, &calls, &bytes))
        return NULL;
    Tally *tally = (Tally *)type->tp_alloc(type, 0);
    if (tally == NULL)
        return NULL;
    tally->lane = lane;
    tally->callable = callable;
    tally->room = calls;
    tally->room_bytes = tally->room_of_items = bytes;
    return (PyObject *)tally;
}

static PyObject *tally_keeps_(Tally *tally, PyObject *size) {
    Py_ssize_t bytes = PyLong_AsSsize_t(size);
    return bytes == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(tally_keeps(tally, bytes));
}

static PyObject *tally_keeps_item_(Tally *tally, PyObject *size) {
    Py_ssize_t bytes = PyLong_AsSsize_t(size);
    return bytes == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(tally_keeps_item(tally, bytes));
}

static PyObject *tally_add(Tally *tally, PyObject *size) {
    Py_ssize_t bytes = PyLong_AsSsize_t(size);
    if (bytes == -1 && PyErr_Occurred())
        return NULL;
    tally->room_bytes -= bytes;
    Py_RETURN_NONE;
}

static PyObject *tally_begin(Tally *tally, PyObject *args) {
    const char *data;
    Py_ssize_t size;
    unsigned int caller;
    if (!PyArg_ParseTuple(args, "y#I", &data, &size, &caller))
        return NULL;
    return begin_thin(tally, (const unsigned char *)data, size, caller);
}

static PyObject *tally_taken(Tally *tally, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"last", NULL};
    int last = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p", names, &last))
        return NULL;
    PyObject *found = Py_BuildValue(
        "LLLI(KK)(KK)", tally->calls, tally->raised, last ? tally->begun - tally->ended : 0LL, tally->caller,
        (unsigned long long)tally->inputs.one, (unsigned long long)tally->inputs.two, (unsigned long long)tally->outcomes.one,
        (unsigned long long)tally->outcomes.two);
    if (found != NULL && tally->calls > 0) {
        tally->calls = tally->raised = 0;
        tally->caller = 0;
        tally->inputs = tally->outcomes = (Sum){0, 0};
        next_record(&tally->slot, (uint64_t)tally->ended);
    }
    return found;
}

static PyObject *tally_settle(Tally *tally, PyObject *args) { return settle(&tally->slot, args); }

static PyMethodDef tally_methods[] = {
    {"settle", (PyCFunction)tally_settle, METH_VARARGS, "Mirror what is open into a slot of the journal from now on."},
    {"keeps", (PyCFunction)tally_keeps_, METH_O, "Say whether a call that begins is kept in detail, and count it."},
    {"keeps_item", (PyCFunction)tally_keeps_item_, METH_O, "Say whether an item of a call that is kept is kept too, and count it."},
    {"add", (PyCFunction)tally_add, METH_O, "Count bytes of what came out of a call that is kept."},
    {"begin", (PyCFunction)tally_begin, METH_VARARGS, "Begin a call that is not kept in detail."},
    {"taken", (PyCFunction)(void (*)(void))tally_taken, METH_VARARGS | METH_KEYWORDS, "Return the run and begin the next one."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef tally_parts[] = {
    {"lane", T_UINT, offsetof(Tally, lane), READONLY, NULL},
    {"callable", T_UINT, offsetof(Tally, callable), READONLY, NULL},
    {"begun", T_LONGLONG, offsetof(Tally, begun), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static void tally_dealloc(Tally *tally) {
    Py_XDECREF(tally->slot.region);
    Py_TYPE(tally)->tp_free((PyObject *)tally);
}

PyTypeObject Tally_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Tally",
    .tp_doc = "What is counted of one callable in one lane.",
    .tp_basicsize = sizeof(Tally),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = tally_new,
    .tp_dealloc = (destructor)tally_dealloc,
    .tp_methods = tally_methods,
    .tp_members = tally_parts,
};

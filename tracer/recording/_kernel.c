/* What the hooks of one recorder share: where things are, the state of this thread, the lane of here and now, the journal, losses. */

#include "_native.h"

/* -- slots of Python classes ------------------------------------------------------------------------------------------------------ */

static Py_ssize_t place_of(PyTypeObject *type, const char *name) {
    PyObject *member = PyObject_GetAttrString((PyObject *)type, name);
    if (member == NULL)
        return -1;
    Py_ssize_t place = -1;
    if (Py_TYPE(member) == &PyMemberDescr_Type && ((PyMemberDescrObject *)member)->d_member->type == T_OBJECT_EX)
        place = ((PyMemberDescrObject *)member)->d_member->offset;
    else
        PyErr_Format(PyExc_TypeError, "%s of %s is no slot", name, type->tp_name);
    Py_DECREF(member);
    return place;
}

void set_slot(PyObject *object, Py_ssize_t place, PyObject *value) {
    PyObject *before = SLOT(object, place);
    Py_INCREF(value);
    SLOT(object, place) = value;
    Py_XDECREF(before);
}

bool is_active(Kernel *kernel) { return KERNEL_SLOT(kernel, sink, kernel->sink, active) == Py_True; }

bool is_busy(Kernel *kernel, PyObject *state) { return KERNEL_SLOT(kernel, state, state, busy) != Py_False; }

void set_busy(Kernel *kernel, PyObject *state, bool busy) { set_slot(state, kernel->state_busy, busy ? Py_True : Py_False); }

uint64_t as_number(PyObject *number) { return PyLong_AsUnsignedLongLongMask(number); }

bool add_one(PyObject *counts, PyObject *key, long long *times) {
    PyObject *before = PyDict_GetItemWithError(counts, key);
    if (before == NULL && PyErr_Occurred())
        return false;
    long long now = 1 + (before == NULL ? 0 : (long long)as_number(before));
    if (times != NULL) {
        *times = now;
        return true;
    }
    PyObject *after = PyLong_FromLongLong(now);
    bool done = after != NULL && PyDict_SetItem(counts, key, after) == 0;
    Py_XDECREF(after);
    return done;
}

/* -- this thread ------------------------------------------------------------------------------------------------------------------ */

/* A state that is kept here holds as long as it has a lane of its own: whoever puts another in its place takes the lane from it. */
PyObject *state_here(Kernel *kernel) {
    uint64_t thread = PyThreadState_GetID(PyThreadState_Get());
    PyObject *state = kernel->states[thread % KEPT_STATES].state;
    if (state != NULL && kernel->states[thread % KEPT_STATES].thread == thread && KERNEL_SLOT(kernel, state, state, lane) != Py_None)
        return state;
    state = PyObject_GetAttrString(KERNEL_SLOT(kernel, lanes, kernel->lanes, local), "state");
    if (state == NULL) {
        PyErr_Clear();
        return NULL;
    }
    if (Py_TYPE(state) != (PyTypeObject *)kernel->state_type) {
        Py_DECREF(state);
        return NULL;
    }
    PyObject *before = kernel->states[thread % KEPT_STATES].state;
    kernel->states[thread % KEPT_STATES].thread = thread;
    kernel->states[thread % KEPT_STATES].state = state;
    Py_XDECREF(before);
    return state;
}

PyObject *state_or_made(Kernel *kernel) {
    PyObject *state = state_here(kernel);
    if (state != NULL)
        return state;
    PyObject *made = PyObject_CallMethod(kernel->lanes, "state", NULL);
    if (made == NULL)
        return NULL;
    Py_DECREF(made); /* this thread holds it, and from now on the kernel */
    state = state_here(kernel);
    if (state == NULL)
        PyErr_SetString(PyExc_RuntimeError, "this thread has no state");
    return state;
}

/* Return the lane of the running task; NO where there is none, or Python must be asked: then `lane` is None. */
static Answer lane_of_task(Kernel *kernel, PyObject *loop, PyObject **lane) {
    PyObject *current_task = KERNEL_SLOT(kernel, lanes, kernel->lanes, current_task);
    if (current_task == Py_None)
        return NO;
    Py_INCREF(current_task);
    PyObject *task = PyObject_CallOneArg(current_task, loop);
    Py_DECREF(current_task);
    if (task == NULL)
        return FAILED;
    Answer answer = NO;
    if (task != Py_None) {
        PyObject *key = PyLong_FromVoidPtr(task);
        PyObject *known = key == NULL ? NULL : PyDict_GetItemWithError(KERNEL_SLOT(kernel, lanes, kernel->lanes, tasks), key);
        Py_XDECREF(key);
        if (known != NULL) {
            *lane = PyTuple_GET_ITEM(known, 1);
            answer = YES;
        } else if (PyErr_Occurred())
            answer = FAILED;
        else
            *lane = Py_None;
    }
    Py_DECREF(task); /* its loop or a frame of its own holds it */
    return answer;
}

Answer lane_here(Kernel *kernel, PyObject *state, PyObject **lane) {
    PyObject *running = KERNEL_SLOT(kernel, lanes, kernel->lanes, running_loop);
    *lane = NULL;
    if (running != Py_None) {
        /* Before 3.12 what is asked for the task is written in Python, and may even be watched. */
        bool busy = is_busy(kernel, state);
        set_busy(kernel, state, true);
        Py_INCREF(running);
        PyObject *loop = PyObject_CallNoArgs(running);
        Py_DECREF(running);
        Answer answer = loop == NULL ? FAILED : loop == Py_None ? NO : lane_of_task(kernel, loop, lane);
        Py_XDECREF(loop);
        set_busy(kernel, state, busy);
        if (answer == FAILED || *lane == Py_None)
            return answer;
    }
    if (*lane == NULL)
        *lane = KERNEL_SLOT(kernel, state, state, lane);
    Py_INCREF(*lane);
    return YES;
}

/* As `_unlink` in crossing.py. */
void unlink_activation(Kernel *kernel, PyObject *lane, PyObject *token) {
    PyObject *inner = KERNEL_SLOT(kernel, lane, lane, top);
    if (inner == token) {
        set_slot(lane, kernel->lane_top, PyList_GET_ITEM(token, ABOVE));
        return;
    }
    while (inner != Py_None && PyList_GET_ITEM(inner, ABOVE) != token)
        inner = PyList_GET_ITEM(inner, ABOVE);
    if (inner != Py_None) {
        PyObject *above = PyList_GET_ITEM(token, ABOVE);
        Py_INCREF(above);
        PyList_SetItem(inner, ABOVE, above);
    }
}

/* -- the journal, and what goes wrong --------------------------------------------------------------------------------------------- */

/* Return the error that is set, which no longer is; it has its traceback. */
static PyObject *taken_error(void) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(error, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

static void set_error(PyObject *error) {
    PyObject *type = (PyObject *)Py_TYPE(error);
    Py_INCREF(type);
    PyErr_Restore(type, error, PyException_GetTraceback(error));
}

static bool turn_over(Kernel *kernel, PyObject *state, PyObject *journal, PyObject *frame) {
    PyObject *refusal = taken_error();
    set_busy(kernel, state, true);
    PyObject *done = PyObject_CallMethod(journal, "turn_over", "OO", frame, refusal);
    set_busy(kernel, state, false);
    Py_DECREF(refusal);
    Py_XDECREF(done);
    return done != NULL;
}

/* Return the journal, borrowed. */
static PyObject *journal_of(Kernel *kernel) {
    PyObject *journal = KERNEL_SLOT(kernel, sink, kernel->sink, journal);
    if (journal != NULL && Py_IS_TYPE(journal, (PyTypeObject *)kernel->journal_type))
        return journal;
    PyErr_SetString(PyExc_AttributeError, "no journal");
    return NULL;
}

bool append_draft(Kernel *kernel, PyObject *state, Draft *draft, Py_ssize_t head) {
    PyObject *journal = journal_of(kernel);
    const unsigned char *frame = draft->snapshot - head;
    if (journal == NULL)
        return false;
    if (write_directly(KERNEL_SLOT(kernel, journal, journal, append), frame, head + draft->size))
        return true;
    return append_frame(kernel, state, PyBytes_FromStringAndSize((const char *)frame, head + draft->size));
}

bool append_frame(Kernel *kernel, PyObject *state, PyObject *frame) {
    PyObject *journal = frame == NULL ? NULL : journal_of(kernel);
    if (journal == NULL) {
        Py_XDECREF(frame);
        return false;
    }
    Py_INCREF(journal);
    PyObject *append = KERNEL_SLOT(kernel, journal, journal, append);
    Py_INCREF(append);
    PyObject *written = PyObject_CallOneArg(append, frame); /* of a half, or mmap.write: neither runs any code */
    Py_DECREF(append);
    bool done = written != NULL;
    Py_XDECREF(written);
    if (!done && PyErr_ExceptionMatches(PyExc_ValueError))
        done = turn_over(kernel, state, journal, frame);
    Py_DECREF(journal);
    Py_DECREF(frame);
    return done;
}

bool count_loss(Kernel *kernel, PyObject *number) {
    PyObject *error = taken_error();
    PyObject *counted = PyObject_CallFunctionObjArgs(kernel->failed, number, error, NULL);
    if (counted == NULL && (PyErr_ExceptionMatches(PyExc_RecursionError) || PyErr_ExceptionMatches(PyExc_MemoryError))) {
        /* Not even the Python that counts could run. */
        PyErr_Clear();
        if (!add_one(KERNEL_SLOT(kernel, sink, kernel->sink, missed), number, NULL))
            PyErr_Clear();
        Py_DECREF(error);
        return true;
    }
    if (counted == Py_False) {
        Py_DECREF(counted);
        set_error(error);
        return false;
    }
    Py_DECREF(error);
    Py_XDECREF(counted);
    return counted != NULL;
}

/* -- the type --------------------------------------------------------------------------------------------------------------------- */

static int kernel_clear(Kernel *kernel) {
#define CLEAR(name) Py_CLEAR(kernel->name);
    GIVEN(CLEAR)
#undef CLEAR
    for (int at = 0; at < KEPT_STATES; at++)
        Py_CLEAR(kernel->states[at].state);
    for (int at = 0; at < KEPT_SHAPES; at++)
        Py_CLEAR(kernel->shapes[at]);
    for (int at = 0; at < SIZED; at++)
        Py_CLEAR(kernel->sizes[at]);
    return 0;
}

static int kernel_traverse(Kernel *kernel, visitproc visit, void *arg) {
#define VISIT(name) Py_VISIT(kernel->name);
    GIVEN(VISIT)
#undef VISIT
    for (int at = 0; at < KEPT_STATES; at++)
        Py_VISIT(kernel->states[at].state);
    for (int at = 0; at < KEPT_SHAPES; at++)
        Py_VISIT(kernel->shapes[at]);
    for (int at = 0; at < SIZED; at++)
        Py_VISIT(kernel->sizes[at]);
    return 0;
}

static void kernel_dealloc(Kernel *kernel) {
    PyObject_GC_UnTrack(kernel);
    kernel_clear(kernel);
    Py_TYPE(kernel)->tp_free((PyObject *)kernel);
}

static bool find_places(Kernel *kernel) {
    PyTypeObject *sink = Py_TYPE(kernel->sink), *journal = (PyTypeObject *)kernel->journal_type;
    PyTypeObject *state = (PyTypeObject *)kernel->state_type, *lane = (PyTypeObject *)kernel->lane_type;
    PyTypeObject *lanes = Py_TYPE(kernel->lanes);
#define FIND(owner, name) \
    if ((kernel->owner##_##name = place_of(owner, #name)) < 0) \
        return false;
    SLOTS(FIND)
#undef FIND
    return true;
}

static PyObject *kernel_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
#define NAME(name) #name,
    static char *names[] = {GIVEN(NAME) "longest", "largest", "named", "first", "look", NULL};
#undef NAME
    Kernel *kernel = (Kernel *)type->tp_alloc(type, 0);
    if (kernel == NULL)
        return NULL;
#define INTO(name) &kernel->name,
    int given = PyArg_ParseTupleAndKeywords(
        args, kwargs, "$OOO!O!O!OO!O!O!O!OOOOOOOOOOOOOnnnll", names, &kernel->sink, &kernel->lanes, &PyType_Type, &kernel->state_type,
        &PyType_Type, &kernel->lane_type, &PyType_Type, &kernel->journal_type, &kernel->numbers, &PyDict_Type, &kernel->names,
        &PyDict_Type, &kernel->judged, &PyDict_Type, &kernel->bare, &PyDict_Type, &kernel->losses, &kernel->texts, &kernel->observe,
        &kernel->outcome_of, &kernel->write_changed, &kernel->tally_of, &kernel->tally_full, &kernel->write_run, &kernel->rest_of,
        &kernel->write_items, &kernel->end_items, &kernel->failed, &kernel->nothing, &kernel->unseen, &kernel->longest, &kernel->largest,
        &kernel->named, &kernel->first, &kernel->look);
#undef INTO
#define HOLD(name) Py_XINCREF(kernel->name);
    GIVEN(HOLD)
#undef HOLD
    if (given && PyIter_Check(kernel->numbers) && find_places(kernel))
        return (PyObject *)kernel;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "numbers is no iterator");
    Py_DECREF(kernel);
    return NULL;
}

PyTypeObject Kernel_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Kernel",
    .tp_doc = "What the hooks of one recorder share.",
    .tp_basicsize = sizeof(Kernel),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = kernel_new,
    .tp_dealloc = (destructor)kernel_dealloc,
    .tp_traverse = (traverseproc)kernel_traverse,
    .tp_clear = (inquiry)kernel_clear,
    .tp_methods = kernel_methods,
};

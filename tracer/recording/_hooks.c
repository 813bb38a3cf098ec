/* The hooks, as crossing.py makes them. Objects rather than functions: a profiler of the host is told of no call to them. */

#include "_native.h"

#define KIND_END 5 /* journal.Kind.END */
#define KIND_ITEM 6
#define TAG_ITEM 1 /* sums.ITEM */

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Kernel *kernel;
    PyObject *number;   /* of the callable, where the hook is one callable's own */
    PyObject *fallback; /* the hook in Python, for what is not done here */
    uint64_t key;       /* what is the same in all frames it writes */
    uint64_t other_key; /* of a generator's end: for one that is closed or dropped */
    bool moves;         /* whether the activation may end in another thread than it began in */
    bool thins;         /* whether calls past a budget are not kept in detail */
    PyObject *lane;     /* the lane that was met last, and what counts this callable there */
    Tally *tally;
} Hook;

static bool are_given(size_t flags, PyObject *names, Py_ssize_t count) {
    if (PyVectorcall_NARGS(flags) == count && names == NULL)
        return true;
    PyErr_Format(PyExc_TypeError, "a hook takes %zd arguments", count);
    return false;
}

/* Hooks are constants of code objects, where the host may find and call them: what they are given may be anything. */
static bool is_token_given(Kernel *kernel, PyObject *const *args, size_t flags, PyObject *names) {
    if (!are_given(flags, names, 2))
        return false;
    PyObject *token = args[0];
    if (PyList_CheckExact(token) && PyList_GET_SIZE(token) == ACTIVATION && PyLong_CheckExact(PyList_GET_ITEM(token, CALL)) &&
        Py_IS_TYPE(PyList_GET_ITEM(token, LANE), (PyTypeObject *)kernel->lane_type))
        return true;
    PyErr_SetString(PyExc_TypeError, "a hook takes a token");
    return false;
}

static PyObject *none(void) { Py_RETURN_NONE; }

/* What a hook returns where tracer itself failed: nothing but the count of a loss, or the exception that is the host's. */
static PyObject *failed(Hook *hook, PyObject *state, PyObject *number) {
    if (state != NULL)
        set_busy(hook->kernel, state, true);
    bool counted = count_loss(hook->kernel, number);
    if (state != NULL)
        set_busy(hook->kernel, state, false);
    return counted ? none() : NULL;
}

/* -- began ------------------------------------------------------------------------------------------------------------------------ */

/* Ask Python for the snapshot of arguments and for what is to be looked at again. */
static PyObject *observe(Hook *hook, PyObject *state, PyObject *lane, PyObject *arguments, PyObject **observed) {
    set_busy(hook->kernel, state, true);
    PyObject *found = PyObject_CallFunctionObjArgs(hook->kernel->observe, lane, hook->number, Py_None, arguments, NULL);
    set_busy(hook->kernel, state, false);
    if (found == NULL)
        return NULL;
    PyObject *snapshot = PyTuple_GET_ITEM(found, 0);
    *observed = PyTuple_GET_ITEM(found, 1);
    Py_INCREF(snapshot);
    Py_INCREF(*observed);
    Py_DECREF(found);
    return snapshot;
}

/* Tell one of the functions in Python of something, which is kept meanwhile; false with an error. */
static bool tell(Kernel *kernel, PyObject *state, PyObject *function, PyObject *told) {
    Py_INCREF(told);
    set_busy(kernel, state, true);
    PyObject *done = PyObject_CallOneArg(function, told);
    set_busy(kernel, state, false);
    Py_DECREF(told);
    Py_XDECREF(done);
    return done != NULL;
}

/* Return what counts this callable in a lane, borrowed; NULL with an error. */
static Tally *tally_here(Hook *hook, PyObject *state, PyObject *lane) {
    Kernel *kernel = hook->kernel;
    if (lane == hook->lane)
        return hook->tally;
    PyObject *known = PyDict_GetItemWithError(KERNEL_SLOT(kernel, lane, lane, tallies), hook->number);
    Py_XINCREF(known);
    if (known == NULL && !PyErr_Occurred()) {
        set_busy(kernel, state, true);
        known = PyObject_CallFunctionObjArgs(kernel->tally_of, lane, hook->number, NULL);
        set_busy(kernel, state, false);
    }
    if (known == NULL)
        return NULL;
    if (!Py_IS_TYPE(known, &Tally_Type)) {
        Py_DECREF(known);
        PyErr_SetString(PyExc_TypeError, "what counts calls is no tally");
        return NULL;
    }
    PyObject *before = hook->lane, *tally_before = (PyObject *)hook->tally;
    Py_INCREF(lane);
    hook->lane = lane;
    hook->tally = (Tally *)known;
    Py_XDECREF(before);
    Py_XDECREF(tally_before);
    return hook->tally;
}

/* Return what stands for a call that is not kept in detail, a new reference. */
static PyObject *thinned(Hook *hook, PyObject *state, Tally *tally, const unsigned char *data, Py_ssize_t size, uint32_t caller) {
    Py_INCREF(tally); /* a call of another lane, made while it is told of, takes its place in the hook */
    bool told = tally->begun > 0 || tell(hook->kernel, state, hook->kernel->tally_full, (PyObject *)tally);
    PyObject *thin = told ? begin_thin(tally, data, size, caller) : NULL;
    Py_DECREF(tally);
    return thin;
}

/* Return what the token tells of how much is kept of a call, a new reference: the tally where all is, else what stands for the call. */
static PyObject *detail_of(Hook *hook, PyObject *state, PyObject *lane, PyObject *caller, const unsigned char *data, Py_ssize_t size) {
    if (!hook->thins)
        return none();
    Tally *tally = tally_here(hook, state, lane);
    if (tally == NULL)
        return NULL;
    if (!tally_keeps(tally, size))
        return thinned(hook, state, tally, data, size, (uint32_t)as_number(caller));
    Py_INCREF(tally);
    return (PyObject *)tally;
}

/* Write the frame of a beginning and return the token. `snapshot` is NULL where the draft holds it. */
static PyObject *begin(Hook *hook, PyObject *state, PyObject *lane, PyObject *caller, Draft *draft, PyObject *snapshot, PyObject *observed) {
    Kernel *kernel = hook->kernel;
    const unsigned char *data = draft->snapshot;
    Py_ssize_t size = draft->size;
    if (snapshot != NULL) {
        if (!PyBytes_CheckExact(snapshot)) {
            PyErr_SetString(PyExc_TypeError, "a snapshot is bytes");
            return NULL;
        }
        data = (const unsigned char *)PyBytes_AS_STRING(snapshot);
        size = PyBytes_GET_SIZE(snapshot);
    }
    PyObject *detail = detail_of(hook, state, lane, caller, data, size);
    if (detail == NULL)
        return NULL;
    bool kept = !Py_IS_TYPE(detail, &Thin_Type);
    PyObject *token = PyList_New(ACTIVATION); /* before the activation above is asked for: the collector may run here */
    if (token == NULL) {
        Py_DECREF(detail);
        return NULL;
    }
    PyObject *above = KERNEL_SLOT(kernel, lane, lane, top);
    PyObject *call; /* of one that is not kept, the call it is made in: calls inside it are that one's */
    if (kept)
        call = Py_TYPE(kernel->numbers)->tp_iternext(kernel->numbers);
    else {
        call = PyList_GET_ITEM(above, CALL);
        Py_INCREF(call);
    }
    PyObject *parts[ACTIVATION] = {
        [CALL] = call, [STATE] = state, [LANE] = lane, [ABOVE] = above, [OBSERVED] = observed, [CALLABLE] = hook->number,
        [DETAIL] = detail};
    for (int part = 0; part < ACTIVATION; part++) {
        PyObject *value = parts[part] == NULL ? Py_None : parts[part];
        Py_INCREF(value);
        PyList_SET_ITEM(token, part, value);
    }
    Py_DECREF(detail);
    if (call == NULL) {
        Py_DECREF(token);
        return NULL;
    }
    Py_DECREF(call);
    if (!kept) {
        set_slot(lane, kernel->lane_top, token);
        return token;
    }
    uint32_t lane_number = (uint32_t)as_number(KERNEL_SLOT(kernel, lane, lane, ident)), caller_number = (uint32_t)as_number(caller);
    uint64_t parent = as_number(PyList_GET_ITEM(above, CALL)), own = as_number(call);
    bool written;
    if (snapshot == NULL) {
        put_begin_head(draft, hook->key, lane_number, caller_number, parent, own);
        written = append_draft(kernel, state, draft, BEGIN_HEAD);
    } else
        written = append_frame(kernel, state, begin_frame_of(snapshot, hook->key, lane_number, caller_number, parent, own));
    if (!written) {
        Py_DECREF(token);
        return NULL;
    }
    set_slot(lane, kernel->lane_top, token);
    return token;
}

/* Whether this may be the call of what a recorded decorator's wrapper wraps, which is the same call. */
static Answer may_be_wrapped(Kernel *kernel, PyObject *lane) {
    PyObject *wrapped = KERNEL_SLOT(kernel, lane, lane, wrapped);
    if (PySet_GET_SIZE(wrapped) == 0)
        return NO;
    return (Answer)PySet_Contains(wrapped, PyList_GET_ITEM(KERNEL_SLOT(kernel, lane, lane, top), CALLABLE));
}

static PyObject *began(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Hook *hook = (Hook *)self;
    Kernel *kernel = hook->kernel;
    PyObject *lane = NULL, *observed = NULL, *snapshot = NULL, *token = NULL;
    Draft draft;
    if (!are_given(flags, names, 2))
        return NULL;
    PyObject *state = state_here(kernel);
    if (state == NULL || is_busy(kernel, state) || !is_active(kernel) || !PyLong_CheckExact(args[0]))
        return PyObject_Vectorcall(hook->fallback, args, 2, NULL);
    Py_INCREF(state);
    Answer known = (Answer)PySet_Contains(KERNEL_SLOT(kernel, sink, kernel->sink, defined), hook->number);
    if (known == YES)
        known = lane_here(kernel, state, &lane);
    if (known == YES && lane != Py_None) {
        Answer wrapped = may_be_wrapped(kernel, lane);
        known = wrapped == NO ? YES : wrapped == YES ? NO : FAILED;
    }
    if (known == NO || (known == YES && lane == Py_None)) {
        Py_XDECREF(lane);
        Py_DECREF(state);
        return PyObject_Vectorcall(hook->fallback, args, 2, NULL);
    }
    Answer put = known == YES ? put_arguments(kernel, &draft, lane, hook->number, args[1], &observed) : FAILED;
    if (put == NO)
        snapshot = observe(hook, state, lane, args[1], &observed);
    if (put == YES || snapshot != NULL)
        token = begin(hook, state, lane, args[0], &draft, snapshot, observed);
    Py_XDECREF(snapshot);
    Py_XDECREF(observed);
    Py_XDECREF(lane);
    if (token == NULL)
        token = failed(hook, state, hook->number);
    Py_DECREF(state);
    return token;
}

/* -- returned and raised ---------------------------------------------------------------------------------------------------------- */

static bool write_changed(Hook *hook, PyObject *state, PyObject *token, PyObject *observed) {
    set_busy(hook->kernel, state, true);
    PyObject *done = PyObject_CallFunctionObjArgs(hook->kernel->write_changed, token, observed, NULL);
    set_busy(hook->kernel, state, false);
    Py_XDECREF(done);
    return done != NULL;
}

/* Take in what came out of a call that is not kept in detail, or went in. */
static bool note_thinned(Hook *hook, PyObject *state, uint64_t key, PyObject *detail, const unsigned char *data, Py_ssize_t size) {
    uint64_t kind = key & 0xff, second = key >> 8 & 0xff; /* as journal.end_key and item_key put them */
    if (kind != KIND_END) {
        note_thin((Thin *)detail, TAG_ITEM + second, data, size);
        return true;
    }
    return !end_thin((Thin *)detail, second, data, size) ||
           tell(hook->kernel, state, hook->kernel->write_run, (PyObject *)((Thin *)detail)->tally);
}

/* Take in an item of a generator of which no more are kept. */
static bool note_past(Hook *hook, PyObject *state, uint64_t tag, PyObject *token, const unsigned char *data, Py_ssize_t size) {
    Kernel *kernel = hook->kernel;
    if (!Py_IS_TYPE(PyList_GET_ITEM(token, DETAIL), &Rest_Type) && !tell(kernel, state, kernel->rest_of, token))
        return false;
    Rest *rest = (Rest *)PyList_GET_ITEM(token, DETAIL); /* put there by `rest_of` */
    return !note_rest(rest, tag, data, size) || tell(kernel, state, kernel->write_items, PyList_GET_ITEM(token, CALL));
}

/* What became of one value that came out of a call, or went in, by how much is kept of the call. */
static Answer noted_elsewhere(Hook *hook, PyObject *state, uint64_t key, PyObject *token, const unsigned char *data, Py_ssize_t size) {
    PyObject *detail = PyList_GET_ITEM(token, DETAIL);
    bool is_item = (key & 0xff) == KIND_ITEM, kept = Py_IS_TYPE(detail, &Tally_Type);
    if (Py_IS_TYPE(detail, &Thin_Type))
        return note_thinned(hook, state, key, detail, data, size) ? YES : FAILED;
    if (kept && !is_item)
        ((Tally *)detail)->room_bytes -= size;
    else if (is_item && (kept ? !tally_keeps_item((Tally *)detail, size) : Py_IS_TYPE(detail, &Rest_Type)))
        return note_past(hook, state, TAG_ITEM + (key >> 8 & 0xff), token, data, size) ? YES : FAILED;
    else if (Py_IS_TYPE(detail, &Rest_Type) && !tell(hook->kernel, state, hook->kernel->end_items, PyList_GET_ITEM(token, CALL)))
        return FAILED;
    return NO;
}

/* Write a frame about a call with one value that came out of it, or went in. */
static bool note(Hook *hook, PyObject *state, uint64_t key, PyObject *token, PyObject *value, bool counted) {
    Kernel *kernel = hook->kernel;
    PyObject *lane = PyList_GET_ITEM(token, LANE), *number = PyList_GET_ITEM(token, CALLABLE);
    uint64_t call = as_number(PyList_GET_ITEM(token, CALL));
    Draft draft;
    Answer put = put_outcome(kernel, &draft, lane, number, value, counted);
    if (put == FAILED)
        return false;
    if (put == YES) {
        Answer elsewhere = noted_elsewhere(hook, state, key, token, draft.snapshot, draft.size);
        if (elsewhere != NO)
            return elsewhere == YES;
        put_end_head(&draft, (uint32_t)key, call);
        return append_draft(kernel, state, &draft, END_HEAD);
    }
    set_busy(kernel, state, true);
    PyObject *snapshot = PyObject_CallFunctionObjArgs(kernel->outcome_of, lane, number, value, NULL);
    set_busy(kernel, state, false);
    if (snapshot == NULL)
        return false;
    Answer elsewhere = NO;
    if (PyBytes_CheckExact(snapshot)) /* what is none, `end_frame_of` refuses */
        elsewhere = noted_elsewhere(hook, state, key, token, (unsigned char *)PyBytes_AS_STRING(snapshot), PyBytes_GET_SIZE(snapshot));
    if (elsewhere != NO) {
        Py_DECREF(snapshot);
        return elsewhere == YES;
    }
    PyObject *frame = end_frame_of(snapshot, (uint32_t)key, call);
    Py_DECREF(snapshot);
    return append_frame(kernel, state, frame);
}

static PyObject *ended(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Hook *hook = (Hook *)self;
    Kernel *kernel = hook->kernel;
    if (!is_token_given(kernel, args, flags, names))
        return NULL;
    if (!is_active(kernel))
        Py_RETURN_NONE;
    PyObject *token = args[0], *value = args[1];
    uint64_t key = hook->key;
    if (hook->other_key != 0 && (PyObject *)Py_TYPE(value) == PyExc_GeneratorExit) {
        key = hook->other_key;
        value = Py_None;
    }
    unlink_activation(kernel, PyList_GET_ITEM(token, LANE), token);
    PyObject *state = PyList_GET_ITEM(token, STATE), *observed = PyList_GET_ITEM(token, OBSERVED);
    if (hook->moves || !Py_IS_TYPE(state, (PyTypeObject *)kernel->state_type)) {
        state = state_or_made(kernel);
        if (state == NULL)
            return failed(hook, NULL, PyList_GET_ITEM(token, CALLABLE));
        if (is_busy(kernel, state))
            Py_RETURN_NONE;
    }
    Py_INCREF(state);
    bool done = observed == Py_None || is_unchanged(observed) || write_changed(hook, state, token, observed);
    done = done && note(hook, state, key, token, value, true);
    PyObject *result = done ? none() : failed(hook, state, PyList_GET_ITEM(token, CALLABLE));
    Py_DECREF(state);
    return result;
}

/* -- generators ------------------------------------------------------------------------------------------------------------------- */

/* Write the frame of an item; false with an exception of the host's. */
static bool item(Hook *hook, PyObject *token, PyObject *value) {
    PyObject *number = PyList_GET_ITEM(token, CALLABLE), *state = state_or_made(hook->kernel), *result;
    if (state != NULL && is_busy(hook->kernel, state))
        return true;
    Py_XINCREF(state);
    if (state != NULL && note(hook, state, hook->key, token, value, false)) {
        Py_DECREF(state);
        return true;
    }
    result = failed(hook, state, number);
    Py_XDECREF(state);
    Py_XDECREF(result);
    return result != NULL;
}

/* Return the identity of the exception that is being handled, as `id(sys.exc_info()[1])`. */
static PyObject *handled(void) {
    PyObject *type, *error, *traceback;
    PyErr_GetExcInfo(&type, &error, &traceback);
    PyObject *identity = PyLong_FromVoidPtr(error == NULL ? Py_None : error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return identity;
}

static PyObject *yielded(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Hook *hook = (Hook *)self;
    if (!is_token_given(hook->kernel, args, flags, names))
        return NULL;
    if (!is_active(hook->kernel))
        Py_RETURN_NONE;
    PyObject *token = args[0];
    if (PyList_GET_ITEM(token, ABOVE) == Py_None) /* an exception was thrown in and handled */
        return PyObject_Vectorcall(hook->fallback, args, 2, NULL);
    if (!item(hook, token, args[1]))
        return NULL;
    PyObject *suspended = handled();
    if (suspended == NULL)
        return failed(hook, NULL, PyList_GET_ITEM(token, CALLABLE));
    PyList_SetItem(token, STATE, suspended);
    unlink_activation(hook->kernel, PyList_GET_ITEM(token, LANE), token);
    Py_INCREF(Py_None);
    PyList_SetItem(token, ABOVE, Py_None);
    Py_RETURN_NONE;
}

/* Let an activation go on in the lane of here and now, above what is under way there. */
static void link_activation(Kernel *kernel, PyObject *lane, PyObject *token) {
    PyObject *above = kernel->nothing;
    if (lane != Py_None) { /* out of scope here: it goes on, beside everything */
        above = KERNEL_SLOT(kernel, lane, lane, top);
        Py_INCREF(lane);
        PyList_SetItem(token, LANE, lane);
    }
    Py_INCREF(above);
    PyList_SetItem(token, ABOVE, above);
    if (lane != Py_None)
        set_slot(lane, kernel->lane_top, token);
}

static PyObject *resumed(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Hook *hook = (Hook *)self;
    Kernel *kernel = hook->kernel;
    if (!is_token_given(kernel, args, flags, names))
        return NULL;
    if (!is_active(kernel))
        Py_RETURN_NONE;
    PyObject *token = args[0], *sent = args[1], *lane = NULL;
    if (sent != Py_None && sent != kernel->unseen && !item(hook, token, sent))
        return NULL;
    PyObject *state = state_or_made(kernel);
    Answer known = FAILED;
    if (state != NULL) {
        Py_INCREF(state);
        known = lane_here(kernel, state, &lane);
        if (known == NO) {
            lane = PyObject_CallMethod(kernel->lanes, "current", "O", state);
            known = lane == NULL ? FAILED : YES;
        }
        Py_DECREF(state);
    }
    if (known == FAILED)
        return failed(hook, NULL, PyList_GET_ITEM(token, CALLABLE));
    if (PyList_GET_ITEM(token, ABOVE) == Py_None)
        link_activation(kernel, lane, token);
    Py_DECREF(lane);
    Py_RETURN_NONE;
}

/* -- their type, and who makes them ----------------------------------------------------------------------------------------------- */

static int hook_clear(Hook *hook) {
    Py_CLEAR(hook->kernel);
    Py_CLEAR(hook->number);
    Py_CLEAR(hook->fallback);
    Py_CLEAR(hook->lane);
    Py_CLEAR(hook->tally);
    return 0;
}

static int hook_traverse(Hook *hook, visitproc visit, void *arg) {
    Py_VISIT(hook->kernel);
    Py_VISIT(hook->number);
    Py_VISIT(hook->fallback);
    Py_VISIT(hook->lane);
    return 0;
}

static void hook_dealloc(Hook *hook) {
    PyObject_GC_UnTrack(hook);
    hook_clear(hook);
    Py_TYPE(hook)->tp_free((PyObject *)hook);
}

/* Pickled with the code that it is a constant of, a hook becomes what needs no tracer where it is read: see instrument/injection/pickled.py. */
static PyObject *reduced(const char *role, PyObject *hook) {
    PyObject *pickled = PyImport_ImportModule("tracer.instrument.injection.pickled");
    PyObject *made = pickled == NULL ? NULL : PyObject_CallMethod(pickled, "reduced", "sO", role, hook);
    Py_XDECREF(pickled);
    return made;
}

static PyObject *hook_reduce(Hook *hook, PyObject *nothing) {
    (void)nothing;
    const char *role = hook->call == began     ? "began"
                       : hook->call == yielded ? "yielded"
                       : hook->call == resumed ? "resumed"
                       : hook->key == KIND_END ? "returned" /* outcome 0 */
                                               : "raised";
    return reduced(role, (PyObject *)hook);
}

static PyMethodDef pickled[] = {
    {"__reduce__", (PyCFunction)hook_reduce, METH_NOARGS, "Return what it becomes where it is read."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Hook_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Hook",
    .tp_doc = "A hook of a recorder.",
    .tp_basicsize = sizeof(Hook),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Hook, call),
    .tp_call = PyVectorcall_Call,
    .tp_methods = pickled,
    .tp_dealloc = (destructor)hook_dealloc,
    .tp_traverse = (traverseproc)hook_traverse,
    .tp_clear = (inquiry)hook_clear,
};

static Hook *make_hook(Kernel *kernel, vectorcallfunc call, unsigned long long key, PyObject *number, PyObject *fallback) {
    Hook *hook = PyObject_GC_New(Hook, &Hook_Type);
    if (hook == NULL)
        return NULL;
    hook->call = call;
    hook->key = key;
    hook->other_key = 0;
    hook->moves = hook->thins = false;
    hook->lane = NULL;
    hook->tally = NULL;
    Py_XINCREF(kernel);
    hook->kernel = kernel;
    Py_XINCREF(number);
    hook->number = number;
    Py_XINCREF(fallback);
    hook->fallback = fallback;
    PyObject_GC_Track(hook);
    return hook;
}

static PyObject *make_began(Kernel *kernel, PyObject *args) {
    unsigned long long key;
    PyObject *number, *fallback;
    int thins;
    if (!PyArg_ParseTuple(args, "KO!Op", &key, &PyLong_Type, &number, &fallback, &thins))
        return NULL;
    Hook *hook = make_hook(kernel, began, key, number, fallback);
    if (hook != NULL)
        hook->thins = thins;
    return (PyObject *)hook;
}

static PyObject *make_ended(Kernel *kernel, PyObject *args) {
    unsigned long long key, other_key;
    int moves;
    if (!PyArg_ParseTuple(args, "KKp", &key, &other_key, &moves))
        return NULL;
    Hook *hook = make_hook(kernel, ended, key, NULL, NULL);
    if (hook != NULL) {
        hook->other_key = other_key;
        hook->moves = moves;
    }
    return (PyObject *)hook;
}

static PyObject *make_yielded(Kernel *kernel, PyObject *args) {
    unsigned long long key;
    PyObject *fallback;
    if (!PyArg_ParseTuple(args, "KO", &key, &fallback))
        return NULL;
    return (PyObject *)make_hook(kernel, yielded, key, NULL, fallback);
}

static PyObject *make_resumed(Kernel *kernel, PyObject *args) {
    unsigned long long key;
    if (!PyArg_ParseTuple(args, "K", &key))
        return NULL;
    return (PyObject *)make_hook(kernel, resumed, key, NULL, NULL);
}

PyMethodDef kernel_methods[] = {
    {"began", (PyCFunction)make_began, METH_VARARGS, "Return the hook of a callable's beginning."},
    {"ended", (PyCFunction)make_ended, METH_VARARGS, "Return the hook of an end."},
    {"yielded", (PyCFunction)make_yielded, METH_VARARGS, "Return the hook of an item that is handed out."},
    {"resumed", (PyCFunction)make_resumed, METH_VARARGS, "Return the hook of a generator that goes on."},
    {NULL, NULL, 0, NULL},
};

/* -- entered ---------------------------------------------------------------------------------------------------------------------- */

#define LOOK_THROUGH 8 /* frames of modules in no component, as in crossing.py */

/* The one hook that calls inside a component pay for. It needs no kernel. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *known;    /* numbers of callers by the name of their module */
    long own;           /* the number of the component itself, from 1 */
    PyObject *fallback; /* the hook in Python */
    PyObject *name;     /* the name that was met last, and its number: mostly the next one is the same object */
    PyObject *number;
} Entered;

static PyObject *getframe, *one, *name_key;
static _PyCFunctionFast fast_getframe; /* what sys._getframe runs; NULL where that is not to be had */

bool prepare_hooks(void) {
    getframe = PySys_GetObject("_getframe"); /* held from the start: the host may replace it */
    Py_XINCREF(getframe);
    if (getframe != NULL && PyCFunction_CheckExact(getframe) && PyCFunction_GetFlags(getframe) == METH_FASTCALL)
        fast_getframe = (_PyCFunctionFast)(void (*)(void))PyCFunction_GetFunction(getframe);
    one = PyLong_FromLong(1);
    name_key = PyUnicode_InternFromString("__name__");
    if (getframe == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ImportError, "no sys._getframe");
    return getframe != NULL && one != NULL && name_key != NULL && PyType_Ready(&Hook_Type) == 0;
}

/* Return the frame of whoever called the watched function, a new reference; NULL, perhaps with an error, where Python must look. */
static PyFrameObject *frame_of_caller(void) {
#if PY_VERSION_HEX < 0x030b0000
    /* Where the stack is at its end, the call ends here as it does with hooks in Python: there is no room for what comes after. */
    if (Py_EnterRecursiveCall(" while calling a Python object"))
        return NULL;
    Py_LeaveRecursiveCall();
    PyFrameObject *frame = PyThreadState_Get()->frame;
    return frame == NULL ? NULL : PyFrame_GetBack(frame);
#else
    /* Not PyFrame_GetBack(PyEval_GetFrame()): that makes a frame object of the watched function at each call. */
    /* Not as a call where that can be: up to 3.11 a call takes one of the levels of recursion that are the program's. */
    return (PyFrameObject *)(fast_getframe != NULL ? fast_getframe(PyCFunction_GetSelf(getframe), &one, 1)
                                                   : PyObject_Vectorcall(getframe, &one, 1, NULL));
#endif
}

/* Return the name of the module that a frame runs in, a new reference; NULL, perhaps with an error, where Python must look. */
static PyObject *module_of(PyFrameObject *frame) {
#if PY_VERSION_HEX < 0x030b0000
    PyObject *globals = frame->f_globals;
    Py_INCREF(globals);
#else
    PyObject *globals = PyFrame_GetGlobals(frame);
#endif
    PyObject *name = PyDict_CheckExact(globals) ? PyDict_GetItemWithError(globals, name_key) : NULL;
    if (name != NULL && !PyUnicode_CheckExact(name)) /* the hash of any other may be code of the host */
        name = NULL;
    Py_XINCREF(name);
    Py_DECREF(globals);
    return name;
}

/* Return the number for a module's name, borrowed; NULL, perhaps with an error, for one that was not met before. */
static PyObject *number_of(Entered *hook, PyObject *name) {
    if (name == hook->name)
        return hook->number;
    PyObject *number = PyDict_GetItemWithError(hook->known, name);
    if (number != NULL) {
        Py_INCREF(name);
        Py_XSETREF(hook->name, name);
        Py_INCREF(number);
        Py_XSETREF(hook->number, number);
    }
    return number;
}

/* Return the number of the nearest frame above that is not looked through, borrowed; NULL, perhaps with an error, where Python must look:
   at the end of the stack, after too many frames, and in a module that was not met before. Takes the reference to the frame. */
static PyObject *number_above(Entered *hook, PyFrameObject *frame) {
    PyObject *number = NULL;
    for (int passed = 1; passed < LOOK_THROUGH && frame != NULL; passed++) {
        PyFrameObject *above = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = above;
        PyObject *name = frame == NULL ? NULL : module_of(frame);
        number = name == NULL ? NULL : PyDict_GetItemWithError(hook->known, name);
        Py_XDECREF(name);
        if (number == NULL || PyLong_AsLong(number) != 0)
            break;
        number = NULL;
    }
    Py_XDECREF(frame);
    return number;
}

static PyObject *entered(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Entered *hook = (Entered *)self;
    (void)args;
    if (!are_given(flags, names, 0))
        return NULL;
    PyFrameObject *frame = frame_of_caller();
    PyObject *name = frame == NULL ? NULL : module_of(frame);
    PyObject *number = name == NULL ? NULL : number_of(hook, name);
    Py_XDECREF(name);
    long caller = number == NULL ? 0 : PyLong_AsLong(number);
    if (number != NULL && caller == 0) {
        number = number_above(hook, frame);
        caller = number == NULL ? 0 : PyLong_AsLong(number);
    } else
        Py_XDECREF(frame);
    if (caller == hook->own)
        Py_RETURN_NONE;
    if (caller == 0) {
        PyErr_Clear(); /* no frame above, say */
        return PyObject_CallNoArgs(hook->fallback);
    }
#if PY_VERSION_HEX < 0x030c0000
    /* Where the stack is at its end, a crossing ends here: there is no room for what comes after. */
    if (Py_EnterRecursiveCall(" while calling a Python object"))
        return NULL;
    Py_LeaveRecursiveCall();
#endif
    Py_INCREF(number);
    return number;
}

static int entered_clear(Entered *hook) {
    Py_CLEAR(hook->known);
    Py_CLEAR(hook->fallback);
    Py_CLEAR(hook->name);
    Py_CLEAR(hook->number);
    return 0;
}

static int entered_traverse(Entered *hook, visitproc visit, void *arg) {
    Py_VISIT(hook->known);
    Py_VISIT(hook->fallback);
    Py_VISIT(hook->name);
    Py_VISIT(hook->number);
    return 0;
}

static void entered_dealloc(Entered *hook) {
    PyObject_GC_UnTrack(hook);
    entered_clear(hook);
    Py_TYPE(hook)->tp_free((PyObject *)hook);
}

static PyObject *entered_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"known", "own", "fallback", NULL};
    PyObject *known, *fallback;
    long own;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!lO", names, &PyDict_Type, &known, &own, &fallback))
        return NULL;
    Entered *hook = (Entered *)type->tp_alloc(type, 0);
    if (hook == NULL)
        return NULL;
    hook->call = entered;
    Py_INCREF(known);
    hook->known = known;
    hook->own = own;
    Py_INCREF(fallback);
    hook->fallback = fallback;
    return (PyObject *)hook;
}

static PyObject *entered_reduce(PyObject *hook, PyObject *nothing) {
    (void)nothing;
    return reduced("entered", hook);
}

static PyMethodDef entered_methods[] = {
    {"__reduce__", entered_reduce, METH_NOARGS, "Return what it becomes where it is read."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject Entered_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Entered",
    .tp_doc = "The hook that says who calls.",
    .tp_basicsize = sizeof(Entered),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Entered, call),
    .tp_call = PyVectorcall_Call,
    .tp_methods = entered_methods,
    .tp_new = entered_new,
    .tp_dealloc = (destructor)entered_dealloc,
    .tp_traverse = (traverseproc)entered_traverse,
    .tp_clear = (inquiry)entered_clear,
};

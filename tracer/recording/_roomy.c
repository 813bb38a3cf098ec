/* A callable that is called with room on the stack, wherever the stack of the program stands, and without a collection in the middle.

   What the interpreter calls for each entry of a function (sys.setprofile, sys.monitoring) is called at its limit too. There a Python
   function fails before it begins: the interpreter then takes the profile function out, and the program gets an error that it would not have
   got one call earlier. So the limit is moved for as long as the call takes. And what a collection finalizes runs functions of the program: were
   it the callable's own objects that made it due, these would be entered unseen, since it is not called for what happens while it runs. */

#include "_native.h"

#define ROOM_FOR_CALLS 200

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *callable;
} Roomy;

static void move_limit(PyThreadState *state, int by) {
#if PY_VERSION_HEX < 0x030b0000
    state->recursion_depth -= by;
#elif PY_VERSION_HEX < 0x030c0000
    state->recursion_remaining += by;
#elif PY_VERSION_HEX < 0x030e0000
    state->py_recursion_remaining += by;
    state->c_recursion_remaining += by;
#else
    state->py_recursion_remaining += by;
#endif
}

static PyObject *call_with_room(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    PyThreadState *state = PyThreadState_Get();
    PyObject *callable = ((Roomy *)self)->callable;
    Py_INCREF(callable);
    move_limit(state, ROOM_FOR_CALLS);
    int collects = PyGC_Disable();
    PyObject *result = PyObject_Vectorcall(callable, args, flags, names);
    if (collects)
        PyGC_Enable();
    move_limit(state, -ROOM_FOR_CALLS);
    Py_DECREF(callable);
    return result;
}

static int roomy_clear(Roomy *self) {
    Py_CLEAR(self->callable);
    return 0;
}

static int roomy_traverse(Roomy *self, visitproc visit, void *arg) {
    Py_VISIT(self->callable);
    return 0;
}

static void roomy_dealloc(Roomy *self) {
    PyObject_GC_UnTrack(self);
    roomy_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *roomy_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"callback", NULL};
    PyObject *callable;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &callable))
        return NULL;
    Roomy *self = (Roomy *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->call = call_with_room;
    Py_INCREF(callable);
    self->callable = callable;
    return (PyObject *)self;
}

PyTypeObject Roomy_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Roomy",
    .tp_doc = "Calls what it is given with room on the stack.",
    .tp_basicsize = sizeof(Roomy),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Roomy, call),
    .tp_call = PyVectorcall_Call,
    .tp_new = roomy_new,
    .tp_dealloc = (destructor)roomy_dealloc,
    .tp_traverse = (traverseproc)roomy_traverse,
    .tp_clear = (inquiry)roomy_clear,
};

/* One mapped half of a journal, as much of `mmap.mmap` as the journal needs, written to by hooks without a call: see storage/journal.py.

   Frames are copied from front to back and the position moves after; what a kill leaves of one fails its checksum. */

#include "_native.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    PyObject_HEAD
    unsigned char *data; /* NULL once it is closed */
    Py_ssize_t size;
    Py_ssize_t position;
    Py_ssize_t exports;
    uint32_t generation; /* of the process that made it */
} Half;

/* Which process of a line of forks this is, counted from 1. A child that C code forked never heard of it, and would write into the memory of its
   parent: there the kernel wipes the page this is in (Linux 4.14 and later), so that it is of no generation until it makes a half of its own. */
static volatile uint32_t lasting, *generation = &lasting;

static uint32_t generation_of_process(void) {
    static uint32_t latest;
#ifdef MADV_WIPEONFORK
    if (generation == &lasting) {
        size_t size = (size_t)sysconf(_SC_PAGESIZE);
        void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED && madvise(page, size, MADV_WIPEONFORK) == 0)
            generation = page;
        else if (page != MAP_FAILED)
            munmap(page, size);
    }
#endif
    if (*generation == 0)
        *generation = ++latest;
    return *generation;
}

static bool is_left(const Half *half) { return half->generation != *generation; }

static PyObject *half_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"fd", "size", "offset", NULL};
    int fd;
    Py_ssize_t size;
    long long offset = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "in|L", names, &fd, &size, &offset))
        return NULL;
    Half *half = (Half *)type->tp_alloc(type, 0);
    if (half == NULL)
        return NULL;
    void *data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
    if (data == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(half);
        return NULL;
    }
    half->data = data;
    half->size = size;
    half->generation = generation_of_process();
    return (PyObject *)half;
}

static void unmap(Half *half) {
    if (half->data != NULL)
        munmap(half->data, (size_t)half->size);
    half->data = NULL;
}

static void half_dealloc(Half *half) {
    unmap(half);
    Py_TYPE(half)->tp_free((PyObject *)half);
}

static bool copy_in(Half *half, const void *data, Py_ssize_t size) {
    if (half->data == NULL || size > half->size - half->position || is_left(half))
        return false;
    memcpy(half->data + half->position, data, (size_t)size);
    half->position += size;
    return true;
}

bool write_directly(PyObject *append, const void *data, Py_ssize_t size) {
    if (!PyCFunction_CheckExact(append))
        return false;
    PyObject *half = PyCFunction_GET_SELF(append);
    return half != NULL && Py_IS_TYPE(half, &Half_Type) && copy_in((Half *)half, data, size);
}

unsigned char *bytes_of_half(PyObject *object, Py_ssize_t at, Py_ssize_t size) {
    Half *half = (Half *)object;
    return half->data == NULL || size > half->size - at || is_left(half) ? NULL : half->data + at;
}

bool half_is_left(PyObject *object) { return ((Half *)object)->data != NULL && is_left((Half *)object); }

static PyObject *half_write(Half *half, PyObject *frame) {
    if (!PyBytes_CheckExact(frame)) {
        PyErr_SetString(PyExc_TypeError, "a frame is bytes");
        return NULL;
    }
    if (!copy_in(half, PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame))) {
        PyErr_SetString(PyExc_ValueError, "closed or full");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *half_is_parents(Half *half, PyObject *nothing) {
    (void)nothing;
    return PyBool_FromLong(is_left(half));
}

static PyObject *half_tell(Half *half, PyObject *nothing) {
    (void)nothing;
    if (half->data == NULL) {
        PyErr_SetString(PyExc_ValueError, "closed");
        return NULL;
    }
    return PyLong_FromSsize_t(half->position);
}

static PyObject *half_seek(Half *half, PyObject *args) {
    Py_ssize_t position;
    int from = SEEK_SET;
    if (!PyArg_ParseTuple(args, "n|i", &position, &from))
        return NULL;
    position += from == SEEK_END ? half->size : 0;
    if (half->data == NULL || position < 0 || position > half->size || (from != SEEK_SET && from != SEEK_END)) {
        PyErr_SetString(PyExc_ValueError, "closed or out of range");
        return NULL;
    }
    half->position = position;
    Py_RETURN_NONE;
}

static PyObject *half_close(Half *half, PyObject *nothing) {
    (void)nothing;
    if (half->exports > 0) {
        PyErr_SetString(PyExc_BufferError, "somebody looks at it");
        return NULL;
    }
    unmap(half);
    Py_RETURN_NONE;
}

static int half_getbuffer(Half *half, Py_buffer *view, int flags) {
    if (half->data == NULL) {
        view->obj = NULL;
        PyErr_SetString(PyExc_ValueError, "closed");
        return -1;
    }
    if (PyBuffer_FillInfo(view, (PyObject *)half, half->data, half->size, 0, flags) < 0)
        return -1;
    half->exports++;
    return 0;
}

static void half_releasebuffer(Half *half, Py_buffer *view) {
    (void)view;
    half->exports--;
}

static PyMethodDef methods[] = {
    {"write", (PyCFunction)half_write, METH_O, "Copy a frame to the position and move it. Raises ValueError where there is no room."},
    {"tell", (PyCFunction)half_tell, METH_NOARGS, "Return the position."},
    {"seek", (PyCFunction)half_seek, METH_VARARGS, "Move the position."},
    {"close", (PyCFunction)half_close, METH_NOARGS, "Unmap it."},
    {"is_parents", (PyCFunction)half_is_parents, METH_NOARGS, "Say whether it is a parent's, in a process that was forked past Python."},
    {NULL, NULL, 0, NULL},
};

static PyBufferProcs as_buffer = {(getbufferproc)half_getbuffer, (releasebufferproc)half_releasebuffer};

PyTypeObject Half_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tracer.recording._native.Half",
    .tp_doc = "One mapped half of a journal.",
    .tp_basicsize = sizeof(Half),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = half_new,
    .tp_dealloc = (destructor)half_dealloc,
    .tp_methods = methods,
    .tp_as_buffer = &as_buffer,
};

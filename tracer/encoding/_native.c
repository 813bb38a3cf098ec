/* tracer.encoding._native: the module, and the walk as codecs in Python see it. See native.h. */
#include "native.h"
#include "native_secrets.h"

#include <stddef.h>
#include <structmember.h>

/* --- a walk --- */

Walk *walk_new(Walks *walks, Py_ssize_t nodes, Py_ssize_t bytes)
{
    Walk *walk = PyObject_New(Walk, &WalkType);
    if (walk == NULL)
        return NULL;
    Py_INCREF(walks);
    walk->walks = walks;
    walk->nodes = nodes;
    walk->bytes = bytes;
    walk->names_only = nodes <= 0;
    walk->level = 0;
    seen_init(&walk->containers);
    seen_init(&walk->opaques);
    buffer_init(&walk->out);
    return walk;
}

static void walk_dealloc(Walk *walk)
{
    seen_release(&walk->containers);
    seen_release(&walk->opaques);
    buffer_release(&walk->out);
    Py_DECREF(walk->walks);
    PyObject_Free(walk);
}

/* What was written since `mark`, which is taken out of the buffer: codecs pass bytes on. */
static PyObject *take(Walk *walk, Py_ssize_t mark, int written)
{
    PyObject *data = written < 0 ? NULL : PyBytes_FromStringAndSize((char *)walk->out.data + mark, walk->out.size - mark);
    walk->out.size = mark;
    return data;
}

static int is_row(PyObject *value)
{
    if (PyList_Check(value) || PyTuple_Check(value))
        return 1;
    PyErr_Format(PyExc_TypeError, "a list or a tuple is needed, not %.100s", Py_TYPE(value)->tp_name);
    return 0;
}

static int is_text(PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return 1;
    PyErr_Format(PyExc_TypeError, "an exact str is needed, not %.100s", Py_TYPE(value)->tp_name);
    return 0;
}

static int between(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (least <= count && count <= most)
        return 1;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments (%zd given)", name, least, most, count);
    return 0;
}

static PyObject *method_value(Walk *walk, PyObject *value)
{
    Py_ssize_t mark = walk->out.size;
    return take(walk, mark, walk_value(walk, value));
}

static PyObject *method_text(Walk *walk, PyObject *text)
{
    Py_ssize_t mark = walk->out.size;
    return is_text(text) ? take(walk, mark, walk_text(walk, text)) : NULL;
}

static PyObject *method_pack(Walk *walk, PyObject *value)
{
    Py_ssize_t mark = walk->out.size;
    if (!is_scalar(Py_TYPE(value))) {
        PyErr_Format(PyExc_TypeError, "can not serialize '%.100s' object", Py_TYPE(value)->tp_name);
        return NULL;
    }
    int packed = pack_scalar(&walk->out, value);
    if (packed == UNPACKABLE && PyLong_CheckExact(value))
        PyErr_SetString(PyExc_OverflowError, "Integer value out of range");
    else if (packed == UNPACKABLE)
        PyUnicode_AsUTF8(value); /* raises */
    return take(walk, mark, packed == PACKED ? 0 : FAILED);
}

static PyObject *method_shares(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("shares", count, 2, 3) || !is_row(args[0]) || (count > 2 && args[2] != Py_None && !is_row(args[2])))
        return NULL;
    Py_ssize_t left = PyLong_AsSsize_t(args[1]), mark = walk->out.size;
    PyObject *judged = count > 2 && args[2] != Py_None ? args[2] : NULL, *parts = PyList_New(0);
    Held held;
    if (PyErr_Occurred() || held_sequence(&held, args[0], PY_SSIZE_T_MAX) < 0) {
        Py_XDECREF(parts);
        return NULL;
    }
    for (Py_ssize_t at = 0; parts != NULL && at < held.count; at++) {
        long secret = judged != NULL && at < PySequence_Fast_GET_SIZE(judged) ? PyLong_AsLong(PySequence_Fast_GET_ITEM(judged, at)) : 0;
        PyObject *part = take(walk, mark, PyErr_Occurred() ? FAILED : walk_share(walk, held.items[at], (int)secret, &left));
        if (part == NULL || PyList_Append(parts, part) < 0)
            Py_CLEAR(parts);
        Py_XDECREF(part);
    }
    held_release(&held, held.count);
    return parts;
}

static PyObject *method_enter(Walk *walk, PyObject *value)
{
    if (seen_add(&walk->containers, value) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *method_admits(Walk *walk, PyObject *number)
{
    Py_ssize_t count = PyLong_AsSsize_t(number);
    if (count == -1 && PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(walk_admits(walk, count));
}

static PyObject *method_sequence(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("sequence", count, 2, 4) || !is_text(args[0]) || !is_row(args[1]))
        return NULL;
    PyObject *owner = count > 2 && args[2] != Py_None ? args[2] : NULL;
    long code = count > 3 ? PyLong_AsLong(args[3]) : EXT_NONE;
    Py_ssize_t mark = walk->out.size;
    Held held;
    if (PyErr_Occurred() || held_sequence(&held, args[1], PY_SSIZE_T_MAX) < 0)
        return NULL;
    PyObject *data = take(walk, mark, walk_sequence(walk, args[0], held.items, held.count, owner, (int)code));
    held_release(&held, held.count);
    return data;
}

static PyObject *method_unordered(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("unordered", count, 4, 4) || !is_text(args[0]) || !is_row(args[1]))
        return NULL;
    long code = PyLong_AsLong(args[3]);
    Py_ssize_t mark = walk->out.size;
    Held held;
    if (PyErr_Occurred() || held_sequence(&held, args[1], PY_SSIZE_T_MAX) < 0)
        return NULL;
    PyObject *owner = args[2] == Py_None ? NULL : args[2];
    PyObject *data = take(walk, mark, walk_unordered(walk, args[0], held.items, held.count, owner, (int)code));
    held_release(&held, held.count);
    return data;
}

/* Hold two rows of one length. */
static int hold_both(Held *one, Held *other, PyObject *first, PyObject *second)
{
    if (!is_row(first) || !is_row(second))
        return FAILED;
    if (PySequence_Fast_GET_SIZE(first) != PySequence_Fast_GET_SIZE(second)) {
        PyErr_SetString(PyExc_ValueError, "names and values are not of one number");
        return FAILED;
    }
    if (held_sequence(one, first, PY_SSIZE_T_MAX) < 0)
        return FAILED;
    if (held_sequence(other, second, PY_SSIZE_T_MAX) == 0)
        return 0;
    held_release(one, one->count);
    return FAILED;
}

static PyObject *method_mapping(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    Held keys, values;
    if (!between("mapping", count, 3, 4) || !is_text(args[0]) || hold_both(&keys, &values, args[1], args[2]) < 0)
        return NULL;
    PyObject *owner = count > 3 && args[3] != Py_None ? args[3] : NULL;
    Py_ssize_t mark = walk->out.size;
    PyObject *data = take(walk, mark, walk_mapping(walk, args[0], keys.items, values.items, keys.count, owner));
    held_release(&keys, keys.count);
    held_release(&values, values.count);
    return data;
}

static int write_object(Walk *walk, PyObject *const *args, PyObject *payload)
{
    Held keys, values;
    if (hold_both(&keys, &values, args[3], args[4]) < 0)
        return FAILED;
    Py_ssize_t kept = drop_odd(keys.items, values.items, keys.count);
    PyObject *names_kept = PyTuple_New(kept);
    for (Py_ssize_t at = 0; names_kept != NULL && at < kept; at++) {
        Py_INCREF(keys.items[at]);
        PyTuple_SET_ITEM(names_kept, at, keys.items[at]);
    }
    PyObject *told = names_kept == NULL ? NULL : shape_told(walk, args[1], args[2], payload != NULL, names_kept);
    Shape *shape = told == NULL ? NULL : shape_new(names_kept, told);
    Py_XDECREF(names_kept);
    Py_XDECREF(told);
    int written = FAILED;
    if (shape != NULL) {
        written = walk_fields(walk, args[0], args[1], shape->told, shape->judged, keys.items, values.items, kept, payload);
        shape_free(shape);
    }
    held_release(&keys, keys.count);
    held_release(&values, values.count);
    return written;
}

static PyObject *method_object(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("object", count, 5, 6) || !is_text(args[1]) || !is_text(args[2]))
        return NULL;
    Py_ssize_t mark = walk->out.size;
    return take(walk, mark, write_object(walk, args, count > 5 && args[5] != Py_None ? args[5] : NULL));
}

static PyObject *method_opaque(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("opaque", count, 2, 3) || !is_text(args[1]) || (count > 2 && !is_text(args[2])))
        return NULL;
    Py_ssize_t mark = walk->out.size;
    return take(walk, mark, walk_opaque(walk, args[0], args[1], count > 2 ? args[2] : names.opaque));
}

static int write_name(Walk *walk, PyObject *name)
{
    int packed = pack_text(&walk->out, name);
    if (packed == UNPACKABLE)
        PyUnicode_AsUTF8(name); /* raises */
    return packed == PACKED ? 0 : FAILED;
}

static PyObject *method_named(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("named", count, 2, 2) || !is_text(args[0]) || !is_text(args[1]))
        return NULL;
    Py_ssize_t mark = walk->out.size, start = extension_begin(&walk->out);
    int written = start < 0 || pack_array_header(&walk->out, 2) < 0 || write_name(walk, args[0]) < 0 || write_name(walk, args[1]) < 0
                      ? FAILED
                      : extension_end(&walk->out, start, EXT_NAMED);
    return take(walk, mark, written);
}

static PyObject *method_atom(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("atom", count, 2, 2) || !is_text(args[0]) || !is_text(args[1]))
        return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(args[1]);
    if (length > walk->bytes && length > SHORT_TEXT)
        return PyObject_CallFunctionObjArgs(names.long_text, (PyObject *)walk, args[1], args[0], NULL);
    Py_ssize_t mark = walk->out.size, start = extension_begin(&walk->out);
    int written = start < 0 || pack_array_header(&walk->out, 2) < 0 || write_name(walk, args[0]) < 0 || walk_text(walk, args[1]) < 0
                      ? FAILED
                      : extension_end(&walk->out, start, EXT_ATOM);
    return take(walk, mark, written);
}

/* The digits of a number are nobody's card and no path. */
static int write_digits(Walk *walk, PyObject *text)
{
    Py_ssize_t before = walk->out.size;
    if (write_name(walk, text) < 0)
        return FAILED;
    walk->bytes -= walk->out.size - before;
    return 0;
}

static PyObject *method_number(Walk *walk, PyObject *const *args, Py_ssize_t count)
{
    if (!between("number", count, 2, 2) || !is_text(args[0]) || !is_text(args[1]))
        return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(args[1]);
    if (length > walk->bytes && length > SHORT_TEXT)
        return PyObject_CallFunctionObjArgs(names.long_text, (PyObject *)walk, args[1], args[0], NULL);
    Py_ssize_t mark = walk->out.size, start = extension_begin(&walk->out);
    int written = start < 0 || pack_array_header(&walk->out, 2) < 0 || write_name(walk, args[0]) < 0 || write_digits(walk, args[1]) < 0
                      ? FAILED
                      : extension_end(&walk->out, start, EXT_ATOM);
    return take(walk, mark, written);
}

static PyObject *get_shared(Walk *walk, void *closure)
{
    (void)closure;
    Py_INCREF(walk->walks->shared);
    return walk->walks->shared;
}

#define FAST(name, doc) {#name, (PyCFunction)(void (*)(void))method_##name, METH_FASTCALL, doc}
#define ONE(name, doc) {#name, (PyCFunction)method_##name, METH_O, doc}

static PyMethodDef walk_methods[] = {
    ONE(value, "Return the bytes of any value."),
    ONE(text, "Return the bytes of an exact str, its paths normalised, its secrets gone."),
    ONE(pack, "Return the bytes of an exact scalar as msgpack packs it."),
    ONE(enter, "Give a container the next ordinal."),
    ONE(admits, "Say whether a container of that many items, if it is flat, is within the budget."),
    FAST(shares, "Return the bytes of each item: shares(items, left, judged=None)."),
    FAST(sequence, "Return an array of items: sequence(name, items, owner=None, code=0)."),
    FAST(unordered, "Return the items of a set: unordered(name, items, owner, code)."),
    FAST(mapping, "Return the pairs of a dict: mapping(name, keys, values, owner=None)."),
    FAST(object, "Return an object: object(value, name, form, names, values, payload=None)."),
    FAST(opaque, "Return the mark of a value nothing can be said of: opaque(value, name, reason='opaque')."),
    FAST(named, "Return a class, function or module by name: named(kind, name)."),
    FAST(atom, "Return a value that has one canonical text: atom(name, text)."),
    FAST(number, "Return a number that has one canonical text: number(name, text)."),
    {NULL, NULL, 0, NULL},
};

static PyMemberDef walk_members[] = {
    {"nodes", T_PYSSIZET, offsetof(Walk, nodes), 0, "Nodes left."},
    {"bytes", T_PYSSIZET, offsetof(Walk, bytes), 0, "Bytes left."},
    {"level", T_PYSSIZET, offsetof(Walk, level), 0, "Containers that are being walked."},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef walk_getters[] = {
    {"shared", (getter)get_shared, NULL, "What all walks of an encoder have in common.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject WalkType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "tracer.encoding._native.Walk",
    .tp_doc = "One snapshot being made, as codecs see it. Made by Walks.walk.",
    .tp_basicsize = sizeof(Walk),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = (destructor)walk_dealloc,
    .tp_methods = walk_methods,
    .tp_members = walk_members,
    .tp_getset = walk_getters,
};

/* --- the module --- */

static PyObject *from_module(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *found = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    return found;
}

static int ready_names(void)
{
    const struct {
        PyObject **place;
        const char *text;
    } texts[] = {
        {&names.list, "list"},
        {&names.tuple, "tuple"},
        {&names.dict, "dict"},
        {&names.set, "set"},
        {&names.frozenset, "frozenset"},
        {&names.bytes, "bytes"},
        {&names.any_list, "builtins:list"},
        {&names.any_tuple, "builtins:tuple"},
        {&names.any_dict, "builtins:dict"},
        {&names.any_set, "builtins:set"},
        {&names.any_frozenset, "builtins:frozenset"},
        {&names.any_bytes, "builtins:bytes"},
        {&names.plus, "+"},
        {&names.empty, ""},
        {&names.opaque, "opaque"},
        {&names.cut, "truncated"},
        {&names.dict_attribute, "__dict__"},
        {&names.text, "text"},
        {&names.data, "data"},
        {&names.needles, "needles"},
        {&names.function, "function"},
        {&names.method, "method"},
        {&names.class, "class"},
    };
    for (size_t at = 0; at < sizeof(texts) / sizeof(*texts); at++) {
        *texts[at].place = PyUnicode_InternFromString(texts[at].text);
        if (*texts[at].place == NULL)
            return FAILED;
    }
    return 0;
}

/* What is left to Python, and what of it the walk knows how to do itself. */
static int ready_functions(void)
{
    const struct {
        PyObject **place;
        const char *module, *name;
    } functions[] = {
        {&names.big_int, "tracer.encoding.cut", "big_int"},
        {&names.long_text, "tracer.encoding.cut", "long_text"},
        {&names.long_bytes, "tracer.encoding.cut", "long_bytes"},
        {&names.is_ours, "tracer.encoding.faults", "is_ours"},
        {&names.module_of, "tracer.encoding.looks", "module_of"},
        {&names.qualname_of, "tracer.encoding.looks", "qualname_of"},
        {&names.class_name, "tracer.encoding.codecs.names", "class_name"},
        {&names.function_name, "tracer.encoding.codecs.names", "function_name"},
        {&names.method_name, "tracer.encoding.codecs.names", "method_name"},
        {&names.dict_content, "tracer.encoding.codecs.containers", "dict_content"},
        {&names.list_content, "tracer.encoding.codecs.containers", "list_content"},
        {&names.tuple_content, "tracer.encoding.codecs.containers", "exact_tuple"},
        {&names.set_content, "tracer.encoding.codecs.containers", "set_content"},
        {&names.frozenset_content, "tracer.encoding.codecs.containers", "exact_frozenset"},
    };
    for (size_t at = 0; at < sizeof(functions) / sizeof(*functions); at++) {
        *functions[at].place = from_module(functions[at].module, functions[at].name);
        if (*functions[at].place == NULL)
            return FAILED;
    }
    return 0;
}

/* Names are kept once for the process, so only the main interpreter may have them; the walk counts on the interpreter's lock. */
static int execute(PyObject *module)
{
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError, "not made for interpreters without a global lock");
    return FAILED;
#endif
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "not made for more than one interpreter");
        return FAILED;
    }
    if (ready_names() < 0 || ready_functions() < 0 || PyType_Ready(&WalkType) < 0)
        return FAILED;
    return PyModule_AddType(module, &WalkType) < 0 || PyModule_AddType(module, &WalksType) < 0 ? FAILED : 0;
}

static PyObject *scan(PyObject *Py_UNUSED(module), PyObject *args)
{
    Py_buffer data;
    long look;
    if (!PyArg_ParseTuple(args, "y*l:may_hold_secret", &data, &look))
        return NULL;
    bool found = may_hold_secret(data.buf, (size_t)data.len, look);
    PyBuffer_Release(&data);
    return PyBool_FromLong(found);
}

static PyMethodDef functions_of_module[] = {
    {"may_hold_secret", scan, METH_VARARGS, "Say whether bytes may hold a secret, as `Secrets.found`, or another that it does not."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "tracer.encoding._native",
    .m_doc = "The budgeted walk of tracer.encoding.walk in C.",
    .m_size = 0,
    .m_methods = functions_of_module,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}

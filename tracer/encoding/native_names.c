#include "native.h"

/* Values that are stored by name alone, as tracer.encoding.codecs.names has them. What needs more than putting two plain texts
   together is left to it. */

static int is_ascii(PyObject *text)
{
    return PyUnicode_CheckExact(text) && PyUnicode_IS_COMPACT_ASCII(text);
}

/* Write [kind, "module:qualname"]; UNPACKABLE, and nothing written, where one of the two is no plain text. */
static int write_named(Walk *walk, PyObject *kind, PyObject *module, PyObject *qualname)
{
    Buffer *out = &walk->out;
    if (!is_ascii(module) || !is_ascii(qualname))
        return UNPACKABLE;
    Py_ssize_t start = extension_begin(out);
    if (start < 0 || pack_array_header(out, 2) < 0 || pack_text(out, kind) < 0 || pack_joined(out, module, ':', qualname) < 0)
        return FAILED;
    return extension_end(out, start, EXT_NAMED);
}

static int function_name(Walk *walk, PyObject *kind, PyObject *value)
{
    PyFunctionObject *function = (PyFunctionObject *)value;
    if (function->func_module == NULL || function->func_qualname == NULL)
        return UNPACKABLE;
    return write_named(walk, kind, function->func_module, function->func_qualname);
}

static int class_name(Walk *walk, PyObject *value)
{
    /* The getters of `type` itself: a metaclass may have others. */
    PyObject *module = PyObject_CallFunctionObjArgs(names.module_of, value, NULL);
    PyObject *qualname = module == NULL ? NULL : PyObject_CallFunctionObjArgs(names.qualname_of, value, NULL);
    int written = qualname == NULL ? UNPACKABLE : write_named(walk, names.class, module, qualname);
    if (qualname == NULL)
        PyErr_Clear(); /* a class without a module: met again by the codec */
    Py_XDECREF(module);
    Py_XDECREF(qualname);
    return written;
}

int walk_name(Walk *walk, PyObject *value, const PyObject *encode)
{
    if (encode == names.function_name)
        return function_name(walk, names.function, value);
    if (encode == names.class_name)
        return class_name(walk, value);
    if (encode == names.method_name && PyFunction_Check(PyMethod_GET_FUNCTION(value)))
        return function_name(walk, names.method, PyMethod_GET_FUNCTION(value));
    return UNPACKABLE;
}

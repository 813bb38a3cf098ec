/* The module. It refuses to load where its one assumption does not hold: one interpreter with a lock of its own for all threads. */

#include "_native.h"

static int load(PyObject *module) {
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError, "not made for a Python without its lock");
    return -1;
#else
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "not made for subinterpreters");
        return -1;
    }
    if (!prepare_hooks())
        return -1;
    return PyModule_AddType(module, &Kernel_Type) < 0 || PyModule_AddType(module, &Entered_Type) < 0 ||
            PyModule_AddType(module, &Half_Type) < 0 || PyModule_AddType(module, &Tally_Type) < 0 ||
            PyModule_AddType(module, &Thin_Type) < 0 || PyModule_AddType(module, &Rest_Type) < 0 ||
            PyModule_AddType(module, &Roomy_Type) < 0
        ? -1 : 0;
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
    .m_name = "tracer.recording._native",
    .m_doc = "The hooks of a recorder, in C.",
    .m_size = 0,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&module); }

#define PY_SSIZE_T_CLEAN
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tracer.recording._native", NULL, 0, NULL};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&module); }

#include "native.h"
#include "native_secrets.h"

enum {
    SHAPES_OF_A_KIND = 16, /* found by comparing addresses; any other is looked up by its names */
    REMEMBERED_SHAPES = 4096,
    REMEMBERED_TEXTS = 1024, /* the same few folders are named over and over */
    LONGEST_REWRITTEN = 512
};

/* --- shapes --- */

static unsigned char *judged_of(PyObject *told, Py_ssize_t count)
{
    PyObject *verdicts = PyTuple_GET_ITEM(told, 1);
    unsigned char *judged = PyMem_Malloc((size_t)count + 1);
    if (judged == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
        long secret = PyLong_AsLong(PyTuple_GET_ITEM(verdicts, at));
        if (secret < 0 && PyErr_Occurred()) {
            PyMem_Free(judged);
            return NULL;
        }
        judged[at] = (unsigned char)secret;
    }
    return judged;
}

Shape *shape_new(PyObject *tuple, PyObject *told)
{
    Shape *shape = PyMem_Calloc(1, sizeof(Shape));
    if (shape == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(tuple);
    Py_INCREF(told);
    shape->names = tuple;
    shape->told = told;
    if (PyTuple_GET_ITEM(told, 1) != Py_None) {
        shape->judged = judged_of(told, PyTuple_GET_SIZE(tuple));
        if (shape->judged == NULL) {
            shape_free(shape);
            return NULL;
        }
    }
    return shape;
}

void shape_free(Shape *shape)
{
    Py_DECREF(shape->names);
    Py_DECREF(shape->told);
    PyMem_Free(shape->judged);
    PyMem_Free(shape);
}

static int same_text(PyObject *one, PyObject *other)
{
    return PyUnicode_GET_LENGTH(one) == PyUnicode_GET_LENGTH(other) && PyUnicode_KIND(one) == PyUnicode_KIND(other)
           && memcmp(PyUnicode_DATA(one), PyUnicode_DATA(other), (size_t)(PyUnicode_GET_LENGTH(one) * PyUnicode_KIND(one))) == 0;
}

/* The keys of an instance dictionary may be of any class. Where there are no slots those of a subclass of str are names too, as
   in tracer.encoding.codecs.instances. Names are interned: mostly the first comparison of addresses says it all. */
static int fits(const Shape *shape, const Kind *kind, PyObject *const *keys, Py_ssize_t count)
{
    if (PyTuple_GET_SIZE(shape->names) != count)
        return 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        PyObject *name = PyTuple_GET_ITEM(shape->names, at), *key = keys[at];
        if (name != key && !((kind->derived ? PyUnicode_Check(key) : PyUnicode_CheckExact(key)) && same_text(name, key)))
            return 0;
    }
    return 1;
}

Shape *shape_of(Kind *kind, PyObject *const *keys, Py_ssize_t count)
{
    Shape *before = NULL;
    for (Shape *shape = kind->shapes; shape != NULL; before = shape, shape = shape->next) {
        if (fits(shape, kind, keys, count)) {
            if (before != NULL) {
                before->next = shape->next;
                shape->next = kind->shapes;
                kind->shapes = shape;
            }
            return shape;
        }
    }
    return NULL;
}

void shape_remember(Kind *kind, Shape *shape)
{
    shape->next = kind->shapes;
    kind->shapes = shape;
    if (++kind->shape_count <= SHAPES_OF_A_KIND)
        return;
    Shape *last = kind->shapes;
    while (last->next->next != NULL)
        last = last->next;
    Shape *dropped = last->next;
    last->next = NULL;
    kind->shape_count--;
    shape_free(dropped);
}

/* Write the first bytes of an object at the end of the buffer. */
static int write_head(Buffer *out, PyObject *name, PyObject *form, int payload, PyObject *tuple)
{
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    if (pack_array_header(out, payload ? 5 : 4) < 0)
        return FAILED;
    for (Py_ssize_t at = -2; at < count; at++) {
        if (at == 0 && pack_array_header(out, count) < 0)
            return FAILED;
        PyObject *text = at == -2 ? name : at == -1 ? form : PyTuple_GET_ITEM(tuple, at);
        int packed = pack_text(out, text);
        if (packed == UNPACKABLE)
            PyUnicode_AsUTF8(text); /* raises what the packer would */
        if (packed != PACKED)
            return FAILED;
    }
    return count > 0 ? 0 : pack_array_header(out, 0);
}

static PyObject *new_told(Walk *walk, PyObject *name, PyObject *form, int payload, PyObject *tuple)
{
    Buffer *out = &walk->out;
    Py_ssize_t mark = out->size;
    int written = write_head(out, name, form, payload, tuple);
    PyObject *head = written < 0 ? NULL : PyBytes_FromStringAndSize((char *)out->data + mark, out->size - mark);
    out->size = mark;
    PyObject *verdicts = head == NULL ? NULL : PyObject_CallFunctionObjArgs(walk->walks->judge_names, tuple, NULL);
    PyObject *told = verdicts == NULL ? NULL : PyTuple_Pack(2, head, verdicts);
    Py_XDECREF(verdicts);
    Py_XDECREF(head);
    return told;
}

PyObject *shape_told(Walk *walk, PyObject *name, PyObject *form, int payload, PyObject *tuple)
{
    PyObject *shapes = walk->walks->shapes;
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    PyObject *key = PyTuple_New(3 + count);
    if (key == NULL)
        return NULL;
    PyObject *lead[] = {name, form, payload ? names.plus : names.empty};
    for (Py_ssize_t at = 0; at < 3 + count; at++) {
        PyObject *part = at < 3 ? lead[at] : PyTuple_GET_ITEM(tuple, at - 3);
        Py_INCREF(part);
        PyTuple_SET_ITEM(key, at, part);
    }
    PyObject *told = PyDict_GetItemWithError(shapes, key);
    if (told != NULL) {
        Py_INCREF(told);
    }
    else if (!PyErr_Occurred()) {
        told = new_told(walk, name, form, payload, tuple);
        if (told != NULL && PyDict_GET_SIZE(shapes) >= REMEMBERED_SHAPES)
            PyDict_Clear(shapes);
        if (told != NULL && PyDict_SetItem(shapes, key, told) < 0)
            Py_CLEAR(told);
    }
    Py_DECREF(key);
    return told;
}

/* --- kinds --- */

static void kind_free(Kind *kind)
{
    while (kind->shapes != NULL) {
        Shape *shape = kind->shapes;
        kind->shapes = shape->next;
        shape_free(shape);
    }
    Py_XDECREF(kind->unseen);
    Py_DECREF(kind->plan);
    PyMem_Free(kind);
}

static inline Py_ssize_t place_of(const void *address, Py_ssize_t mask)
{
    return (Py_ssize_t)((((size_t)address >> 4) * 0x9E3779B1u) >> 3) & mask;
}

static Kind *known_kind(const Walks *walks, const PyTypeObject *type)
{
    if (walks->table == NULL)
        return NULL;
    for (Py_ssize_t at = place_of(type, walks->mask); walks->table[at] != NULL; at = (at + 1) & walks->mask) {
        if (walks->table[at]->type == type)
            return walks->table[at];
    }
    return NULL;
}

static void put_kind(Kind **table, Py_ssize_t mask, Kind *kind)
{
    Py_ssize_t at = place_of(kind->type, mask);
    while (table[at] != NULL)
        at = (at + 1) & mask;
    table[at] = kind;
}

/* Make the table anew, for so many more kinds, without `dropped`. */
static int rebuild(Walks *walks, Py_ssize_t more, const Kind *dropped)
{
    Py_ssize_t mask = 63;
    while (mask < 2 * (walks->kinds + more))
        mask = 2 * mask + 1;
    Kind **table = PyMem_Calloc((size_t)mask + 1, sizeof(Kind *));
    if (table == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    for (Py_ssize_t at = 0; walks->table != NULL && at <= walks->mask; at++) {
        if (walks->table[at] != NULL && walks->table[at] != dropped)
            put_kind(table, mask, walks->table[at]);
    }
    PyMem_Free(walks->table);
    walks->table = table;
    walks->mask = mask;
    return 0;
}

/* Take a plan apart. */
static Kind *kind_new(Walks *walks, PyTypeObject *type, PyObject *plan, PyObject *key)
{
    if (!PyTuple_Check(plan) || PyTuple_GET_SIZE(plan) != 4) {
        PyErr_SetString(PyExc_TypeError, "not a plan");
        return NULL;
    }
    PyObject *unseen = PyDict_GetItemWithError(walks->names, key);
    if (unseen == NULL && PyErr_Occurred())
        return NULL;
    Kind *kind = PyMem_Calloc(1, sizeof(Kind));
    if (kind == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    Py_INCREF(plan);
    Py_XINCREF(unseen);
    kind->type = type;
    kind->plan = plan;
    kind->unseen = unseen;
    kind->name = PyTuple_GET_ITEM(plan, 0);
    kind->encode = PyTuple_GET_ITEM(plan, 1);
    PyObject *state = PyTuple_GET_ITEM(plan, 3); /* a State or None */
    if (state != Py_None) {
        kind->form = PyTuple_GET_ITEM(state, 0);
        kind->dictionary = PyTuple_GET_ITEM(state, 1) == Py_True;
        kind->slots = PyTuple_GET_ITEM(state, 2);
        kind->more = PyTuple_GET_ITEM(state, 3) == Py_None ? NULL : PyTuple_GET_ITEM(state, 3);
        kind->content = PyTuple_GET_ITEM(state, 4) == Py_None ? NULL : PyTuple_GET_ITEM(state, 4);
        kind->derived = kind->dictionary && PyTuple_GET_SIZE(kind->slots) == 0 && kind->more == NULL && kind->content == NULL;
    }
    return kind;
}

Kind *kind_of(Walks *walks, PyTypeObject *type)
{
    Kind *kind = known_kind(walks, type);
    if (kind != NULL)
        return kind;
    PyObject *key = PyLong_FromVoidPtr(type);
    if (key == NULL)
        return NULL;
    PyObject *plan = PyDict_GetItemWithError(walks->plans, key);
    Py_XINCREF(plan);
    if (plan == NULL && !PyErr_Occurred())
        plan = PyObject_CallFunctionObjArgs(walks->plan_of, (PyObject *)type, NULL);
    /* Deciding about a plan is Python code: another thread may have been here meanwhile. */
    kind = plan == NULL ? NULL : known_kind(walks, type);
    if (plan != NULL && kind == NULL) {
        kind = kind_new(walks, type, plan, key);
        if (kind != NULL && 2 * (walks->kinds + 1) > walks->mask && rebuild(walks, walks->kinds + 1, NULL) < 0) {
            kind_free(kind);
            kind = NULL;
        }
        if (kind != NULL) {
            put_kind(walks->table, walks->mask, kind);
            walks->kinds++;
        }
    }
    Py_XDECREF(plan);
    Py_DECREF(key);
    return kind;
}

static PyObject *walks_forget(Walks *walks, PyObject *key)
{
    void *address = PyLong_AsVoidPtr(key);
    if (address == NULL && PyErr_Occurred())
        return NULL;
    Kind *kind = known_kind(walks, address);
    if (kind != NULL) {
        if (rebuild(walks, 0, kind) < 0)
            return NULL;
        walks->kinds--;
        kind_free(kind);
    }
    Py_RETURN_NONE;
}

/* --- losses --- */

int count_next(PyObject *counter)
{
    PyObject *number = Py_TYPE(counter)->tp_iternext == NULL ? NULL : Py_TYPE(counter)->tp_iternext(counter);
    if (number == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "not a counter");
        return FAILED;
    }
    Py_DECREF(number);
    return 0;
}

static PyObject *counter_of(Walks *walks, PyObject *reason, PyObject *name)
{
    return PyObject_CallFunctionObjArgs(walks->counter, reason, name, NULL);
}

int count_loss(Walks *walks, PyObject *reason, PyObject *name)
{
    PyObject *counter = counter_of(walks, reason, name);
    int counted = counter == NULL ? FAILED : count_next(counter);
    Py_XDECREF(counter);
    return counted;
}

int count_truncated(Walks *walks, PyObject *name)
{
    PyObject *counter = PyDict_GetItemWithError(walks->truncated, name);
    if (counter != NULL)
        return count_next(counter);
    if (PyErr_Occurred())
        return FAILED;
    counter = counter_of(walks, names.cut, name);
    int counted = counter == NULL || PyDict_SetItem(walks->truncated, name, counter) < 0 ? FAILED : count_next(counter);
    Py_XDECREF(counter);
    return counted;
}

/* --- names and texts --- */

static int as_verdict(PyObject *found) /* takes it over */
{
    if (found == NULL)
        return FAILED;
    long secret = PyLong_AsLong(found);
    Py_DECREF(found);
    return secret < 0 && PyErr_Occurred() ? FAILED : (int)secret;
}

int verdict_of(Walks *walks, PyObject *name)
{
    PyObject *known = PyDict_GetItemWithError(walks->verdicts, name);
    if (known != NULL) {
        Py_INCREF(known);
        return as_verdict(known);
    }
    if (PyErr_Occurred())
        return FAILED;
    return as_verdict(PyObject_CallFunctionObjArgs(walks->judge_name, name, NULL));
}

int verdict_of_key(Walks *walks, PyObject *key)
{
    PyTypeObject *type = Py_TYPE(key);
    if (type == &PyUnicode_Type)
        return verdict_of(walks, key);
    if (is_number(type) || type == &PyTuple_Type)
        return SECRET_NONE;
    return as_verdict(PyObject_CallFunctionObjArgs(walks->judge_key, key, NULL));
}

static int path_found(Walks *walks, const unsigned char *data, Py_ssize_t size)
{
    const unsigned char *slash = memchr(data, '/', (size_t)size);
    if (slash == NULL)
        return 0;
    /* Asked for each time: pytest tells its folder late. Every root begins with a slash. */
    PyObject *needles = PyObject_GetAttr(walks->texts, names.needles);
    if (needles == NULL)
        return FAILED;
    if (needles != walks->needles) {
        PyDict_Clear(walks->rewritten);
        Py_XSETREF(walks->needles, Py_NewRef(needles));
    }
    int found = 0;
    for (Py_ssize_t at = 0; PyList_Check(needles) && !found && at < PyList_GET_SIZE(needles); at++) {
        PyObject *needle = PyList_GET_ITEM(needles, at);
        found = memmem(slash, (size_t)(data + size - slash), PyBytes_AS_STRING(needle), (size_t)PyBytes_GET_SIZE(needle)) != NULL;
    }
    Py_DECREF(needles);
    return found;
}

int text_changes(Walks *walks, const unsigned char *data, Py_ssize_t size)
{
    /* Paths first: that keeps what was rewritten from outliving the roots that were known then. */
    int found = path_found(walks, data, size);
    return found ? found : may_hold_secret(data, (size_t)size, walks->look);
}

PyObject *text_rewritten(Walks *walks, PyObject *text)
{
    PyObject *found = PyDict_GetItemWithError(walks->rewritten, text);
    if (found != NULL || PyErr_Occurred()) {
        Py_XINCREF(found);
        return found;
    }
    PyObject *needles = Py_XNewRef(walks->needles);
    found = PyObject_CallMethodObjArgs(walks->texts, names.text, text, NULL);
    if (found != NULL && !PyUnicode_CheckExact(found)) {
        PyErr_SetString(PyExc_TypeError, "a text became none");
        Py_CLEAR(found);
    }
    if (found != NULL && PyUnicode_GET_LENGTH(text) <= LONGEST_REWRITTEN && needles == walks->needles) {
        if (PyDict_GET_SIZE(walks->rewritten) >= REMEMBERED_TEXTS)
            PyDict_Clear(walks->rewritten);
        if (PyDict_SetItem(walks->rewritten, text, found) < 0)
            Py_CLEAR(found);
    }
    Py_XDECREF(needles);
    return found;
}

int data_changes(Walks *walks, PyObject *data)
{
    return may_hold_secret((unsigned char *)PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data), walks->look);
}

PyObject *data_rewritten(Walks *walks, PyObject *data)
{
    PyObject *found = PyObject_CallMethodObjArgs(walks->texts, names.data, data, NULL);
    if (found != NULL && !PyBytes_CheckExact(found)) {
        PyErr_SetString(PyExc_TypeError, "bytes became something else");
        Py_CLEAR(found);
    }
    return found;
}

/* --- the type --- */

enum { PLAN_OF, PLANS, JUDGE, TEXTS, SHAPES, COUNTER, NAMES, BARE, SHARED_PARTS }; /* the fields of Shared */

static int walks_init(Walks *walks, PyObject *args, PyObject *keywords)
{
    PyObject *shared;
    if (keywords != NULL && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "Walks takes no keywords");
        return FAILED;
    }
    if (!PyArg_ParseTuple(args, "O!:Walks", &PyTuple_Type, &shared))
        return FAILED;
    if (walks->shared != NULL || PyTuple_GET_SIZE(shared) < SHARED_PARTS) {
        PyErr_SetString(PyExc_TypeError, "not what walks share");
        return FAILED;
    }
    Py_INCREF(shared);
    walks->shared = shared;
    walks->plan_of = PyTuple_GET_ITEM(shared, PLAN_OF);
    walks->plans = PyTuple_GET_ITEM(shared, PLANS);
    walks->judge = PyTuple_GET_ITEM(shared, JUDGE);
    walks->texts = PyTuple_GET_ITEM(shared, TEXTS);
    walks->shapes = PyTuple_GET_ITEM(shared, SHAPES);
    walks->counter = PyTuple_GET_ITEM(shared, COUNTER);
    walks->names = PyTuple_GET_ITEM(shared, NAMES);
    walks->bare = PyTuple_GET_ITEM(shared, BARE);
    walks->verdicts = PyObject_GetAttrString(walks->judge, "verdicts");
    walks->judge_name = PyObject_GetAttrString(walks->judge, "name");
    walks->judge_names = PyObject_GetAttrString(walks->judge, "names");
    walks->judge_key = PyObject_GetAttrString(walks->judge, "key");
    PyObject *look = PyObject_GetAttrString(walks->texts, "look");
    walks->look = look == NULL ? -1 : PyLong_AsLong(look);
    Py_XDECREF(look);
    walks->truncated = PyDict_New();
    walks->rewritten = PyDict_New();
    if (walks->verdicts == NULL || walks->judge_name == NULL || walks->judge_names == NULL || walks->judge_key == NULL
        || walks->truncated == NULL || walks->rewritten == NULL || PyErr_Occurred())
        return FAILED;
    if (!PyDict_Check(walks->plans) || !PyDict_Check(walks->shapes) || !PyDict_Check(walks->names) || !PyDict_Check(walks->bare)
        || !PyDict_Check(walks->verdicts)) {
        PyErr_SetString(PyExc_TypeError, "not what walks share");
        return FAILED;
    }
    return 0;
}

static int walks_traverse(Walks *walks, visitproc visit, void *arg)
{
    Py_VISIT(walks->shared);
    Py_VISIT(walks->verdicts);
    Py_VISIT(walks->judge_name);
    Py_VISIT(walks->judge_names);
    Py_VISIT(walks->judge_key);
    Py_VISIT(walks->truncated);
    Py_VISIT(walks->rewritten);
    Py_VISIT(walks->needles);
    return 0;
}

static void walks_drop(Walks *walks)
{
    for (Py_ssize_t at = 0; walks->table != NULL && at <= walks->mask; at++) {
        if (walks->table[at] != NULL)
            kind_free(walks->table[at]);
    }
    PyMem_Free(walks->table);
    walks->table = NULL;
    walks->mask = walks->kinds = 0;
    Py_CLEAR(walks->verdicts);
    Py_CLEAR(walks->judge_name);
    Py_CLEAR(walks->judge_names);
    Py_CLEAR(walks->judge_key);
    Py_CLEAR(walks->truncated);
    Py_CLEAR(walks->rewritten);
    Py_CLEAR(walks->needles);
    Py_CLEAR(walks->shared);
}

static void walks_dealloc(Walks *walks)
{
    PyObject_GC_UnTrack(walks);
    walks_drop(walks);
    Py_TYPE(walks)->tp_free(walks);
}

static int walks_clear(Walks *walks)
{
    walks_drop(walks);
    return 0;
}

/* A walk with the nodes and bytes of a tracer.encoding.budget.Limit. */
static Walk *walk_within(Walks *walks, PyObject *limit)
{
    if (walks->shared == NULL || !PyTuple_Check(limit) || PyTuple_GET_SIZE(limit) != 2) {
        PyErr_SetString(PyExc_TypeError, "a walk needs a limit");
        return NULL;
    }
    Py_ssize_t nodes = PyLong_AsSsize_t(PyTuple_GET_ITEM(limit, 0)), bytes = PyLong_AsSsize_t(PyTuple_GET_ITEM(limit, 1));
    return PyErr_Occurred() ? NULL : walk_new(walks, nodes, bytes);
}

static PyObject *finish(Walk *walk, int written)
{
    PyObject *data = written < 0 ? NULL : PyBytes_FromStringAndSize((char *)walk->out.data, walk->out.size);
    Py_DECREF(walk);
    return data;
}

static int takes(const char *name, Py_ssize_t given, Py_ssize_t wanted)
{
    if (given != wanted)
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments", name, wanted);
    return given == wanted;
}

static PyObject *walks_value(Walks *walks, PyObject *const *args, Py_ssize_t count)
{
    if (!takes("value", count, 2))
        return NULL;
    Walk *walk = walk_within(walks, args[1]);
    return walk == NULL ? NULL : finish(walk, walk_value(walk, args[0]));
}

static PyObject *walks_arguments(Walks *walks, PyObject *const *args, Py_ssize_t count)
{
    if (!takes("arguments", count, 3))
        return NULL;
    Walk *walk = walk_within(walks, args[2]);
    return walk == NULL ? NULL : finish(walk, walk_arguments(walk, args[0], args[1]));
}

static PyMethodDef walks_methods[] = {
    {"value", (PyCFunction)(void (*)(void))walks_value, METH_FASTCALL, "Return the snapshot of one value within a limit."},
    {"arguments", (PyCFunction)(void (*)(void))walks_arguments, METH_FASTCALL,
     "Return the snapshot of a list with one element per parameter, which share the limit."},
    {"walk", (PyCFunction)walk_within, METH_O, "Return a walk within a limit."},
    {"forget", (PyCFunction)walks_forget, METH_O, "Forget what is known of the type with this id."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject WalksType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "tracer.encoding._native.Walks",
    .tp_doc = "Makes the walks of one encoder, which is what they share.",
    .tp_basicsize = sizeof(Walks),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)walks_init,
    .tp_dealloc = (destructor)walks_dealloc,
    .tp_traverse = (traverseproc)walks_traverse,
    .tp_clear = (inquiry)walks_clear,
    .tp_methods = walks_methods,
};

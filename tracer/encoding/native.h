/* The budgeted walk of tracer.encoding.walk in C. That file says what each step is for and is what this one must equal:
   the same bytes, the same losses, the same budgets left. Here stands only what C adds.

   No code of the host runs in here: dictionaries are asked for exact str only, instances through the getters of `object`, and
   what is no builtin container or plain instance is left to the codecs in Python. So nothing changes under a loop unless a
   codec is called, the cyclic collector runs (it may, wherever a container object is made, before Python 3.12) or the last
   reference to something goes: items are held (`Held`) while they are walked.

   Functions that return int give 0 (or what they say), FAILED with an exception set. */
#ifndef TRACER_NATIVE_H
#define TRACER_NATIVE_H

#include "native_pack.h"

/* As in tracer.encoding.budget; a test compares them. */
enum {
    MAX_LEVELS = 100,
    FLAT_WEIGHT = 8,
    FEW_ITEMS = 32,
    FLAT_NODES = 1 + 2 * FEW_ITEMS / FLAT_WEIGHT,
    SHORT_TEXT = 64,
    NEIGHBOUR_NODES = 8,
    HEAD_ITEMS = 4
};

/* As in tracer.encoding.redact. */
enum { SECRET_NONE = 0, SECRET_ALWAYS = 1, SECRET_DATA = 2 };

/* Objects met in a walk, by ordinal; holding them keeps their addresses theirs. */
typedef struct {
    PyObject **items;
    Py_ssize_t count;
    Py_ssize_t room;
    Py_ssize_t *table; /* ordinals + 1 by address, 0 for none; NULL while there are few */
    Py_ssize_t mask;
    PyObject *first[16];
} Seen;

void seen_init(Seen *seen);
void seen_release(Seen *seen);
Py_ssize_t seen_find(const Seen *seen, PyObject *value); /* the ordinal, -1 for none */
int seen_add(Seen *seen, PyObject *value);
void seen_forget(Seen *seen, Py_ssize_t count);

/* The first bytes of an object, up to its field names, and how secret its fields are (NULL: none is). */
typedef struct Shape {
    struct Shape *next;
    PyObject *names; /* a tuple of exact str */
    PyObject *told;  /* what tracer.encoding.walk remembers: (bytes, verdicts or None) */
    unsigned char *judged;
} Shape;

/* What is known of a type: its plan, taken apart. Goes with the type, which it does not hold. */
typedef struct {
    PyTypeObject *type;
    PyObject *plan;
    PyObject *name;     /* borrowed from the plan, as all below but the last */
    PyObject *encode;
    PyObject *form;     /* NULL where `encode` is to be called */
    PyObject *slots;
    PyObject *more;     /* (name, getter) of an attribute that stands before those of the dictionary, or NULL */
    PyObject *content;  /* gives the payload, or NULL */
    int dictionary;
    int derived;        /* names may be of a subclass of str, as in tracer.encoding.codecs.instances */
    PyObject *unseen;   /* a tracer.encoding.walk.Name, or NULL where instances are looked at whatever the budget */
    Shape *shapes;      /* the last used first */
    int shape_count;
} Kind;

/* What the walks of one encoder have in common. */
typedef struct {
    PyObject_HEAD
    PyObject *shared;   /* tracer.encoding.walk.Shared; what follows is borrowed from it */
    PyObject *plan_of, *plans, *names, *shapes, *counter, *texts, *bare;
    PyObject *judge, *verdicts, *judge_name, *judge_names, *judge_key; /* owned: parts of the judge */
    PyObject *truncated; /* owned: how often a value of each name was cut, {name: itertools.count} */
    PyObject *rewritten; /* owned: short texts with paths or secrets, as they are written: {text: text} */
    long look;           /* which texts may hold secrets */
    PyObject *needles;   /* owned: what paths were looked for when they were */
    Kind **table;        /* by type, open addressing */
    Py_ssize_t mask, kinds;
} Walks;

typedef struct {
    PyObject_HEAD
    Walks *walks;
    Py_ssize_t nodes, bytes, level;
    int names_only; /* there never were nodes: what hooks put themselves the next time is to be remembered for them */
    Seen containers, opaques;
    Buffer out;
} Walk;

/* Items of a container, held while they are walked. A tuple's are held by the tuple. */
typedef struct {
    PyObject **items;
    Py_ssize_t count;
    PyObject *first[32];
} Held;

int held_sequence(Held *held, PyObject *sequence, Py_ssize_t most); /* of a list or tuple, at most so many */
int held_pairs(Held *held, PyObject *dict, Py_ssize_t most);        /* keys, then values; `count` is that of the pairs */
void held_release(Held *held, Py_ssize_t count);

/* native_kinds.c */
extern PyTypeObject WalksType;
Kind *kind_of(Walks *walks, PyTypeObject *type); /* NULL with an exception */
Shape *shape_of(Kind *kind, PyObject *const *keys, Py_ssize_t count); /* NULL without one where none is known */
Shape *shape_new(PyObject *names, PyObject *told);
void shape_free(Shape *shape);
void shape_remember(Kind *kind, Shape *shape);
PyObject *shape_told(Walk *walk, PyObject *name, PyObject *form, int payload, PyObject *names); /* of a tuple of exact str */
int count_next(PyObject *counter);
int count_loss(Walks *walks, PyObject *reason, PyObject *name);
int count_truncated(Walks *walks, PyObject *name);
int verdict_of(Walks *walks, PyObject *name); /* of an exact str */
int verdict_of_key(Walks *walks, PyObject *key);
PyObject *text_rewritten(Walks *walks, PyObject *text);
PyObject *data_rewritten(Walks *walks, PyObject *data);
/* Say whether encoded bytes may hold a path or a secret to rewrite. */
int text_changes(Walks *walks, const unsigned char *data, Py_ssize_t size);
int data_changes(Walks *walks, PyObject *data);

/* native_walk.c */
extern PyTypeObject WalkType;
typedef struct {
    PyObject *list, *tuple, *dict, *set, *frozenset, *bytes; /* names of builtins that may be cut */
    PyObject *any_list, *any_tuple, *any_dict, *any_set, *any_frozenset, *any_bytes; /* as plans name them */
    PyObject *plus, *empty, *opaque, *cut, *dict_attribute, *text, *data, *needles;
    PyObject *function, *method, *class, *class_name, *function_name, *method_name, *module_of, *qualname_of;
    PyObject *dict_content, *list_content, *tuple_content, *set_content, *frozenset_content;
    PyObject *big_int, *long_text, *long_bytes, *is_ours; /* what is left to Python */
} Names;
extern Names names;

Walk *walk_new(Walks *walks, Py_ssize_t nodes, Py_ssize_t bytes);
int walk_value(Walk *walk, PyObject *value);
int walk_arguments(Walk *walk, PyObject *values, PyObject *secret);
int walk_text(Walk *walk, PyObject *text); /* 1 where it does not stand as it is */
int walk_argument(Walk *walk, PyObject *value, int secret);
int walk_share(Walk *walk, PyObject *item, int secret, Py_ssize_t *left);
int walk_shares(Walk *walk, PyObject *const *items, Py_ssize_t count, Py_ssize_t left, const unsigned char *judged);
int walk_sequence(Walk *walk, PyObject *name, PyObject *const *items, Py_ssize_t count, PyObject *owner, int code);
int walk_unordered(Walk *walk, PyObject *name, PyObject *const *items, Py_ssize_t count, PyObject *owner, int code);
int walk_mapping(Walk *walk, PyObject *name, PyObject *const *keys, PyObject *const *values, Py_ssize_t count, PyObject *owner);
int walk_fields(Walk *walk, PyObject *value, PyObject *name, PyObject *told, const unsigned char *judged,
                PyObject *const *keys, PyObject *const *values, Py_ssize_t count, PyObject *payload);
int walk_opaque(Walk *walk, PyObject *value, PyObject *name, PyObject *reason);

static inline int walk_admits(const Walk *walk, Py_ssize_t count)
{
    return count <= walk->nodes * FLAT_WEIGHT && walk->level < MAX_LEVELS;
}

/* Take what is no exact str out of the names, and its value out of the values. Returns how many are left. */
Py_ssize_t drop_odd(PyObject **keys, PyObject **values, Py_ssize_t count);

/* How many items are no scalars. */
Py_ssize_t heavy(PyObject *const *items, Py_ssize_t count);

/* native_names.c: UNPACKABLE, and nothing written, for what is left to the codec `encode`. */
int walk_name(Walk *walk, PyObject *value, const PyObject *encode);

/* native_cut.c: what tracer.encoding.cut does of containers. */
int cut_bare(Walk *walk, PyObject *name, Py_ssize_t size);
int cut_container(Walk *walk, PyObject *name, Py_ssize_t size, PyObject *const *items, Py_ssize_t count);
int cut_pairs(Walk *walk, PyObject *name, Py_ssize_t size, PyObject *const *keys, PyObject *const *values, Py_ssize_t count);

#endif

/* What the files of tracer.recording._native have in common. The Python in crossing.py says what each hook means; this is the same, cheaper.

   No signal handler, no other thread and no finalizer runs in the middle of a hook as long as it makes no call that can run code:
   where nothing can run, nothing is marked as busy. Three things can run code: a call of a Python function, which is made
   while the thread is busy; an allocation that the collector counts (lists, tuples, dicts; up to 3.11), each of which comes before what it
   could invalidate is read; and dropping the last reference to an object of the host, which no hook does: its caller holds what it is given. */

#ifndef TRACER_RECORDING_NATIVE_H
#define TRACER_RECORDING_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../encoding/native_secrets.h"
#include "../storage/native_checksum.h"

/* -- a frame being put together (_draft.c) ---------------------------------------------------------------------------------------- */

#define BEGIN_HEAD 40 /* journal.BEGIN_STRUCT: u32 length, u32 checksum, u64 key, u32 lane, u32 caller, u64 parent, u64 call */
#define END_HEAD 20   /* journal.END_STRUCT: u32 length, u32 checksum, u32 key, u64 call */
#define ROOM 4096     /* bytes of a snapshot; a longer one is encoded in Python */
#define FEW 32        /* items of a container that is packed as it is: budget.FEW_ITEMS */
#define EXT_TUPLE 2   /* wire.TUPLE */

typedef struct {
    Py_ssize_t size; /* of the snapshot so far */
    bool slash;      /* whether a text in it holds a slash, or something else does whose bytes were not looked at */
    bool longer;     /* whether a text in it is long enough for a secret, or something else may hold one */
    unsigned char head[BEGIN_HEAD];
    unsigned char snapshot[ROOM]; /* right behind the head: a frame is one run of bytes */
} Draft;

/* Each puts a value behind what is there and returns whether it could: if not, Python decides what to do. None raises. */
bool put_bytes(Draft *draft, const void *data, Py_ssize_t size);
bool put_array_header(Draft *draft, Py_ssize_t count);
bool put_map_header(Draft *draft, Py_ssize_t count);
bool put_number(Draft *draft, PyObject *value); /* exact None, bool, int or float */
bool put_text(Draft *draft, PyObject *text);    /* exact str */
bool put_binary(Draft *draft, PyObject *data);  /* exact bytes */
bool put_items(Draft *draft, PyObject *container, Py_ssize_t longest); /* exact list or tuple */
bool put_tuple(Draft *draft, PyObject *tuple, Py_ssize_t longest);
bool put_dict(Draft *draft, PyObject *dict, Py_ssize_t longest);
bool is_number(PyObject *value);

/* Complete a frame in front of its snapshot: its head is what is told, and its length the snapshot's and that head's. */
void put_begin_head(Draft *draft, uint64_t key, uint32_t lane, uint32_t caller, uint64_t parent, uint64_t call);
void put_end_head(Draft *draft, uint32_t key, uint64_t call);
PyObject *begin_frame_of(PyObject *snapshot, uint64_t key, uint32_t lane, uint32_t caller, uint64_t parent, uint64_t call);
PyObject *end_frame_of(PyObject *snapshot, uint32_t key, uint64_t call);

/* -- what the hooks of one recorder share (_kernel.c) ----------------------------------------------------------------------------- */

enum { CALL, STATE, LANE, ABOVE, OBSERVED, CALLABLE, DETAIL, ACTIVATION }; /* an activation, as in crossing.py */

#define KEPT_STATES 8
#define KEPT_SHAPES 64
#define SIZED 5 /* list, tuple, dict, set, frozenset */

/* What a kernel is given, by the names of its arguments in Python. */
#define GIVEN(X) \
    X(sink) X(lanes) X(state_type) X(lane_type) X(journal_type) X(numbers) X(names) X(judged) X(bare) X(losses) X(texts) X(observe) \
    X(outcome_of) X(write_changed) X(tally_of) X(tally_full) X(write_run) X(rest_of) X(write_items) \
    X(end_items) X(failed) X(nothing) X(unseen)
/* Slots of Python classes that are read and written here, each at a place that is asked for once. */
#define SLOTS(X) \
    X(sink, active) X(sink, defined) X(sink, journal) X(sink, missed) X(journal, append) X(state, busy) X(state, lane) X(lane, ident) X(lane, top) \
    X(lane, seen) X(lane, out) X(lane, tallies) X(lane, wrapped) X(lanes, local) X(lanes, running_loop) X(lanes, current_task) X(lanes, tasks)

typedef struct {
    PyObject_HEAD
#define FIELD(name) PyObject *name;
    GIVEN(FIELD)
#undef FIELD
#define FIELD(owner, name) Py_ssize_t owner##_##name;
    SLOTS(FIELD)
#undef FIELD
    Py_ssize_t longest; /* characters of a text, bytes of bytes, that are packed without a look */
    Py_ssize_t largest; /* bytes of a flat container with what stands beside it */
    Py_ssize_t named;   /* bytes of arguments that are only named; so few that no text among them is cut */
    long first;         /* so often a callable is looked at in full */
    long look;          /* which texts may hold secrets */
    struct {
        uint64_t thread;
        PyObject *state;
    } states[KEPT_STATES]; /* numbers of threads are never given twice */
    PyObject *shapes[KEPT_SHAPES]; /* tuples of keys that the judge found harmless */
    PyObject *sizes[SIZED];        /* counters of containers that were only named */
} Kernel;

#define SLOT(object, place) (*(PyObject **)((char *)(object) + (place)))
#define KERNEL_SLOT(kernel, owner, object, name) SLOT(object, (kernel)->owner##_##name)

extern PyTypeObject Kernel_Type;

/* What a function of three answers says. */
typedef enum { FAILED = -1, NO = 0, YES = 1 } Answer;

void set_slot(PyObject *object, Py_ssize_t place, PyObject *value);
bool is_active(Kernel *kernel);
bool is_busy(Kernel *kernel, PyObject *state);
void set_busy(Kernel *kernel, PyObject *state, bool busy);
PyObject *state_here(Kernel *kernel);      /* borrowed; NULL without an error where this thread has none yet */
PyObject *state_or_made(Kernel *kernel);   /* borrowed; NULL with an error */
Answer lane_here(Kernel *kernel, PyObject *state, PyObject **lane); /* a new reference, perhaps to None; NO where Python must be asked */
void unlink_activation(Kernel *kernel, PyObject *lane, PyObject *token);
bool append_draft(Kernel *kernel, PyObject *state, Draft *draft, Py_ssize_t head); /* false with an error */
bool append_frame(Kernel *kernel, PyObject *state, PyObject *frame);               /* takes the reference; false with an error */
bool count_loss(Kernel *kernel, PyObject *number); /* of the error that is set; false where that is the host's, which stays set */
uint64_t as_number(PyObject *number); /* of an exact int, made by us: never fails */
bool add_one(PyObject *counts, PyObject *key, long long *times); /* false with an error; without `times` it counts, else it tells */

/* -- values of calls (_values.c) -------------------------------------------------------------------------------------------------- */

/* Put the arguments of a call, if they can be put here. `observed` gets what is to be looked at after the call, or NULL. */
Answer put_arguments(Kernel *kernel, Draft *draft, PyObject *lane, PyObject *number, PyObject *arguments, PyObject **observed);
/* Put what came out of a call, if it can be put here. `counted` says that a text with a slash is more than a scalar. */
Answer put_outcome(Kernel *kernel, Draft *draft, PyObject *lane, PyObject *number, PyObject *value, bool counted);
/* Say whether containers that were observed hold what they held. */
bool is_unchanged(PyObject *observed);

/* -- calls past their budget of detail (_thin.c) ---------------------------------------------------------------------------------- */

typedef struct {
    uint64_t one, two; /* to the moduli of tracer/sums.py */
} Sum;

/* What writes a slot of the journal, as `open_sums.Slot`. */
typedef struct {
    PyObject *region; /* a half; NULL where there is no slot */
    Py_ssize_t at;
    uint32_t newest, before, whole;
} Slot;

typedef struct {
    PyObject_HEAD
    unsigned int lane, callable, caller; /* caller: of the first call of the run */
    long long room, room_bytes, room_of_items; /* what may still be kept in detail */
    long long begun, ended;                    /* of calls that are not */
    long long calls, raised;                   /* of the run */
    Sum inputs, outcomes;
    Slot slot;
} Tally;

typedef struct {
    PyObject_HEAD
    Tally *tally;
    uint32_t caller;
    Sum inputs, outcomes;
} Thin;

typedef struct {
    PyObject_HEAD
    long long count;
    Sum sum;
    Slot slot;
} Rest;

extern PyTypeObject Tally_Type, Thin_Type, Rest_Type;

bool tally_keeps(Tally *tally, Py_ssize_t size);
bool tally_keeps_item(Tally *tally, Py_ssize_t size);
/* Take in an item of which no more than a sum is kept; say whether that is to be written. */
bool note_rest(Rest *rest, uint64_t tag, const unsigned char *data, Py_ssize_t size);
PyObject *begin_thin(Tally *tally, const unsigned char *data, Py_ssize_t size, uint32_t caller);
void note_thin(Thin *thin, uint64_t tag, const unsigned char *data, Py_ssize_t size);
/* End a call; say whether the run of its tally is to be written. */
bool end_thin(Thin *thin, uint64_t outcome, const unsigned char *data, Py_ssize_t size);

/* -- a half of the journal, and what else of it is mapped (_half.c) ---------------------------------------------------------------------------------------------- */

extern PyTypeObject Half_Type;

/* Write where `append` would; false where that is no method of a half, or the half has no room. */
bool write_directly(PyObject *append, const void *data, Py_ssize_t size);
/* Return where `size` bytes of a half are; NULL where it is closed or too short. */
unsigned char *bytes_of_half(PyObject *half, Py_ssize_t at, Py_ssize_t size);
/* Say whether a half is a parent's, and the journal does not know yet. */
bool half_is_left(PyObject *half);

/* -- the hooks (_hooks.c) --------------------------------------------------------------------------------------------------------- */

extern PyTypeObject Hook_Type, Entered_Type;
extern PyTypeObject Roomy_Type; /* (_roomy.c) */
bool prepare_hooks(void); /* false with an error */
extern PyMethodDef kernel_methods[];

#endif

/* A growing buffer, and msgpack written into it with the very bytes that msgpack's own packer gives. */
#ifndef TRACER_NATIVE_PACK_H
#define TRACER_NATIVE_PACK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

typedef struct {
    unsigned char *data;
    Py_ssize_t size;
    Py_ssize_t room;
    unsigned char first[1024]; /* most snapshots never need another */
} Buffer;

/* The extension types of tracer.wire. */
enum {
    EXT_NONE = 0,
    EXT_BIG_INT = 1,
    EXT_TUPLE = 2,
    EXT_SET = 3,
    EXT_FROZENSET = 4,
    EXT_MAPPING = 5,
    EXT_BYTEARRAY = 6,
    EXT_STR = 7,
    EXT_ATOM = 8,
    EXT_OBJECT = 9,
    EXT_NAMED = 10,
    EXT_OPAQUE = 11,
    EXT_REFERENCE = 12,
    EXT_TRUNCATED = 13,
    EXT_REDACTED = 14
};

/* What packing a scalar came to: written, or nothing written for being beyond msgpack, or an exception set. */
enum { PACKED = 0, UNPACKABLE = 1, FAILED = -1 };

void buffer_init(Buffer *buffer);
void buffer_release(Buffer *buffer);
int buffer_grow(Buffer *buffer, Py_ssize_t more);

/* Make room for `more` bytes; FAILED with MemoryError. */
static inline int buffer_need(Buffer *buffer, Py_ssize_t more)
{
    return buffer->room - buffer->size >= more ? 0 : buffer_grow(buffer, more);
}

static inline int buffer_append(Buffer *buffer, const void *data, Py_ssize_t size)
{
    if (buffer_need(buffer, size) < 0)
        return FAILED;
    memcpy(buffer->data + buffer->size, data, (size_t)size);
    buffer->size += size;
    return 0;
}

int pack_nil(Buffer *buffer);
int pack_size(Buffer *buffer, Py_ssize_t number);
int pack_array_header(Buffer *buffer, Py_ssize_t count);
int pack_map_header(Buffer *buffer, Py_ssize_t count);

/* An exact str: UNPACKABLE where it holds lone surrogates. */
int pack_text(Buffer *buffer, PyObject *text);
/* Two texts of ASCII and a character between them, as one. */
int pack_joined(Buffer *buffer, PyObject *one, char between, PyObject *other);
int pack_bytes(Buffer *buffer, const char *data, Py_ssize_t size);

/* An exact int, float, bool or None: UNPACKABLE for an int beyond 64 bits. */
int pack_number(Buffer *buffer, PyObject *value);

/* Any exact scalar. */
int pack_scalar(Buffer *buffer, PyObject *value);

/* Begin an extension whose size is not known yet; what is written until `extension_end` is its payload. Returns where it
   stands, FAILED with MemoryError. Three bytes are kept free for its header: so many have payloads of 17 to 255 bytes, and
   most are between; others are moved. */
Py_ssize_t extension_begin(Buffer *buffer);
int extension_end(Buffer *buffer, Py_ssize_t start, int code);

static inline int is_number(const PyTypeObject *type)
{
    return type == &PyLong_Type || type == Py_TYPE(Py_None) || type == &PyFloat_Type || type == &PyBool_Type;
}

static inline int is_scalar(const PyTypeObject *type)
{
    return type == &PyUnicode_Type || is_number(type) || type == &PyBytes_Type;
}

#endif

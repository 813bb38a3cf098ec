#include "native_pack.h"

#include <stdint.h>

void buffer_init(Buffer *buffer)
{
    buffer->data = buffer->first;
    buffer->size = 0;
    buffer->room = (Py_ssize_t)sizeof(buffer->first);
}

void buffer_release(Buffer *buffer)
{
    if (buffer->data != buffer->first)
        PyMem_Free(buffer->data);
    buffer_init(buffer);
}

int buffer_grow(Buffer *buffer, Py_ssize_t more)
{
    if (more > PY_SSIZE_T_MAX / 2 - buffer->size) {
        PyErr_NoMemory();
        return FAILED;
    }
    Py_ssize_t room = 2 * buffer->room > buffer->size + more ? 2 * buffer->room : buffer->size + more;
    unsigned char *old = buffer->data == buffer->first ? NULL : buffer->data;
    unsigned char *data = PyMem_Realloc(old, (size_t)room);
    if (data == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    if (old == NULL)
        memcpy(data, buffer->first, (size_t)buffer->size);
    buffer->data = data;
    buffer->room = room;
    return 0;
}

/* Write a marker and a big-endian number of `width` bytes. There must be room. */
static inline void put(Buffer *buffer, unsigned char marker, uint64_t number, int width)
{
    unsigned char *at = buffer->data + buffer->size;
    *at++ = marker;
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
        *at++ = (unsigned char)(number >> shift);
    buffer->size += 1 + width;
}

static int put_unsigned(Buffer *buffer, uint64_t number)
{
    if (buffer_need(buffer, 9) < 0)
        return FAILED;
    if (number < 0x80)
        buffer->data[buffer->size++] = (unsigned char)number;
    else if (number < 0x100)
        put(buffer, 0xcc, number, 1);
    else if (number < 0x10000)
        put(buffer, 0xcd, number, 2);
    else if (number <= UINT32_MAX)
        put(buffer, 0xce, number, 4);
    else
        put(buffer, 0xcf, number, 8);
    return PACKED;
}

static int put_negative(Buffer *buffer, int64_t number)
{
    if (buffer_need(buffer, 9) < 0)
        return FAILED;
    if (number >= -0x20)
        buffer->data[buffer->size++] = (unsigned char)(number & 0xff);
    else if (number >= INT8_MIN)
        put(buffer, 0xd0, (uint64_t)number, 1);
    else if (number >= INT16_MIN)
        put(buffer, 0xd1, (uint64_t)number, 2);
    else if (number >= INT32_MIN)
        put(buffer, 0xd2, (uint64_t)number, 4);
    else
        put(buffer, 0xd3, (uint64_t)number, 8);
    return PACKED;
}

int pack_nil(Buffer *buffer)
{
    if (buffer_need(buffer, 1) < 0)
        return FAILED;
    buffer->data[buffer->size++] = 0xc0;
    return PACKED;
}

int pack_size(Buffer *buffer, Py_ssize_t number)
{
    return put_unsigned(buffer, (uint64_t)number);
}

/* Write the header of what has `count` parts: in one byte below `least`, else with a number of 2 or 4 bytes. */
static int put_header(Buffer *buffer, Py_ssize_t count, int small, Py_ssize_t least, unsigned char wide)
{
    if (buffer_need(buffer, 5) < 0)
        return FAILED;
    if (count < least)
        buffer->data[buffer->size++] = (unsigned char)(small | (int)count);
    else if (count < 0x10000)
        put(buffer, wide, (uint64_t)count, 2);
    else
        put(buffer, (unsigned char)(wide + 1), (uint64_t)count, 4);
    return PACKED;
}

int pack_array_header(Buffer *buffer, Py_ssize_t count)
{
    return put_header(buffer, count, 0x90, 16, 0xdc);
}

int pack_map_header(Buffer *buffer, Py_ssize_t count)
{
    return put_header(buffer, count, 0x80, 16, 0xde);
}

static int too_large(Py_ssize_t size)
{
    if ((uint64_t)size <= UINT32_MAX)
        return 0;
    PyErr_SetString(PyExc_ValueError, "more than msgpack can hold");
    return FAILED;
}

/* Write the header of a text, and make room for the text. */
static int put_text_header(Buffer *buffer, Py_ssize_t size)
{
    if (too_large(size) < 0 || buffer_need(buffer, size + 5) < 0)
        return FAILED;
    if (size < 32)
        buffer->data[buffer->size++] = (unsigned char)(0xa0 | size);
    else if (size < 0x100)
        put(buffer, 0xd9, (uint64_t)size, 1);
    else if (size < 0x10000)
        put(buffer, 0xda, (uint64_t)size, 2);
    else
        put(buffer, 0xdb, (uint64_t)size, 4);
    return PACKED;
}

int pack_text(Buffer *buffer, PyObject *text)
{
    const char *data;
    Py_ssize_t size;
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        data = (const char *)PyUnicode_DATA(text);
        size = PyUnicode_GET_LENGTH(text);
    }
    else {
        data = PyUnicode_AsUTF8AndSize(text, &size);
        if (data == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
                return FAILED;
            PyErr_Clear();
            return UNPACKABLE;
        }
    }
    if (put_text_header(buffer, size) < 0)
        return FAILED;
    memcpy(buffer->data + buffer->size, data, (size_t)size);
    buffer->size += size;
    return PACKED;
}

int pack_joined(Buffer *buffer, PyObject *one, char between, PyObject *other)
{
    Py_ssize_t first = PyUnicode_GET_LENGTH(one), second = PyUnicode_GET_LENGTH(other);
    if (put_text_header(buffer, first + 1 + second) < 0)
        return FAILED;
    unsigned char *at = buffer->data + buffer->size;
    memcpy(at, PyUnicode_DATA(one), (size_t)first);
    at[first] = (unsigned char)between;
    memcpy(at + first + 1, PyUnicode_DATA(other), (size_t)second);
    buffer->size += first + 1 + second;
    return PACKED;
}

int pack_bytes(Buffer *buffer, const char *data, Py_ssize_t size)
{
    if (too_large(size) < 0 || buffer_need(buffer, size + 5) < 0)
        return FAILED;
    if (size < 0x100)
        put(buffer, 0xc4, (uint64_t)size, 1);
    else if (size < 0x10000)
        put(buffer, 0xc5, (uint64_t)size, 2);
    else
        put(buffer, 0xc6, (uint64_t)size, 4);
    memcpy(buffer->data + buffer->size, data, (size_t)size);
    buffer->size += size;
    return PACKED;
}

static int pack_int(Buffer *buffer, PyObject *value)
{
    int beyond;
    long long number = PyLong_AsLongLongAndOverflow(value, &beyond);
    if (beyond == 0)
        return number < 0 ? put_negative(buffer, number) : put_unsigned(buffer, (uint64_t)number);
    if (beyond < 0)
        return UNPACKABLE;
    unsigned long long large = PyLong_AsUnsignedLongLong(value);
    if (large == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return UNPACKABLE;
    }
    return put_unsigned(buffer, large);
}

int pack_number(Buffer *buffer, PyObject *value)
{
    if (PyLong_CheckExact(value))
        return pack_int(buffer, value);
    if (buffer_need(buffer, 9) < 0)
        return FAILED;
    if (PyFloat_CheckExact(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        uint64_t bits;
        memcpy(&bits, &number, sizeof(bits));
        put(buffer, 0xcb, bits, 8);
    }
    else {
        buffer->data[buffer->size++] = value == Py_None ? 0xc0 : value == Py_True ? 0xc3 : 0xc2;
    }
    return PACKED;
}

int pack_scalar(Buffer *buffer, PyObject *value)
{
    if (PyUnicode_CheckExact(value))
        return pack_text(buffer, value);
    if (PyBytes_CheckExact(value))
        return pack_bytes(buffer, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    return pack_number(buffer, value);
}

enum { KEPT_FREE = 3, LONGEST_HEADER = 6 };

Py_ssize_t extension_begin(Buffer *buffer)
{
    if (buffer_need(buffer, KEPT_FREE) < 0)
        return FAILED;
    Py_ssize_t start = buffer->size;
    buffer->size += KEPT_FREE;
    return start;
}

int extension_end(Buffer *buffer, Py_ssize_t start, int code)
{
    Py_ssize_t size = buffer->size - start - KEPT_FREE;
    unsigned char header[LONGEST_HEADER];
    int length = 0;
    if (too_large(size) < 0 || buffer_need(buffer, LONGEST_HEADER) < 0)
        return FAILED;
    if (size == 1 || size == 2 || size == 4 || size == 8 || size == 16) {
        header[length++] = (unsigned char)(size == 1 ? 0xd4 : size == 2 ? 0xd5 : size == 4 ? 0xd6 : size == 8 ? 0xd7 : 0xd8);
    }
    else {
        int width = size < 0x100 ? 1 : size < 0x10000 ? 2 : 4;
        header[length++] = (unsigned char)(width == 1 ? 0xc7 : width == 2 ? 0xc8 : 0xc9);
        for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
            header[length++] = (unsigned char)((uint64_t)size >> shift);
    }
    header[length++] = (unsigned char)code;
    unsigned char *at = buffer->data + start;
    if (length != KEPT_FREE)
        memmove(at + length, at + KEPT_FREE, (size_t)size);
    memcpy(at, header, (size_t)length);
    buffer->size = start + length + size;
    return 0;
}

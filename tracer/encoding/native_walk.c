#include "native.h"

Names names;

/* --- objects met --- */

void seen_init(Seen *seen)
{
    seen->items = seen->first;
    seen->count = 0;
    seen->room = (Py_ssize_t)(sizeof(seen->first) / sizeof(*seen->first));
    seen->table = NULL;
    seen->mask = 0;
}

void seen_release(Seen *seen)
{
    seen_forget(seen, 0);
    if (seen->items != seen->first)
        PyMem_Free(seen->items);
    PyMem_Free(seen->table);
    seen_init(seen);
}

static inline Py_ssize_t slot_of(const Seen *seen, PyObject *value)
{
    return (Py_ssize_t)((((size_t)value >> 4) * 0x9E3779B1u) >> 3) & seen->mask;
}

Py_ssize_t seen_find(const Seen *seen, PyObject *value)
{
    if (seen->table == NULL) {
        for (Py_ssize_t at = 0; at < seen->count; at++) {
            if (seen->items[at] == value)
                return at;
        }
        return -1;
    }
    for (Py_ssize_t at = slot_of(seen, value); seen->table[at] != 0; at = (at + 1) & seen->mask) {
        if (seen->items[seen->table[at] - 1] == value)
            return seen->table[at] - 1;
    }
    return -1;
}

static void seen_put(Seen *seen, Py_ssize_t ordinal)
{
    Py_ssize_t at = slot_of(seen, seen->items[ordinal]);
    while (seen->table[at] != 0)
        at = (at + 1) & seen->mask;
    seen->table[at] = ordinal + 1;
}

/* Make room for twice as many, and a table for them. */
static int seen_grow(Seen *seen)
{
    Py_ssize_t room = 2 * seen->room;
    PyObject **items = PyMem_Realloc(seen->items == seen->first ? NULL : seen->items, (size_t)room * sizeof(*items));
    if (items != NULL) {
        if (seen->items == seen->first)
            memcpy(items, seen->first, sizeof(seen->first));
        seen->items = items;
    }
    Py_ssize_t *table = items == NULL ? NULL : PyMem_Calloc((size_t)(2 * room), sizeof(*table));
    if (table == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    PyMem_Free(seen->table);
    seen->table = table;
    seen->mask = 2 * room - 1;
    seen->room = room;
    for (Py_ssize_t at = 0; at < seen->count; at++)
        seen_put(seen, at);
    return 0;
}

int seen_add(Seen *seen, PyObject *value)
{
    if (seen->count == seen->room && seen_grow(seen) < 0)
        return FAILED;
    Py_INCREF(value);
    seen->items[seen->count++] = value;
    if (seen->table != NULL)
        seen_put(seen, seen->count - 1);
    return 0;
}

/* The last one added is the last in its run of the table, so that its place may simply be emptied. */
void seen_forget(Seen *seen, Py_ssize_t count)
{
    while (seen->count > count) {
        PyObject *value = seen->items[seen->count - 1];
        if (seen->table != NULL) {
            Py_ssize_t at = slot_of(seen, value);
            while (seen->table[at] != seen->count)
                at = (at + 1) & seen->mask;
            seen->table[at] = 0;
        }
        seen->count--;
        Py_DECREF(value);
    }
}

/* --- items held --- */

static int held_room(Held *held, Py_ssize_t count)
{
    held->count = 0;
    held->items = held->first;
    if (count > (Py_ssize_t)(sizeof(held->first) / sizeof(*held->first)))
        held->items = PyMem_Malloc((size_t)count * sizeof(*held->items));
    if (held->items == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    return 0;
}

int held_sequence(Held *held, PyObject *sequence, Py_ssize_t most)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    if (count > most)
        count = most;
    if (held_room(held, count) < 0)
        return FAILED;
    PyObject **items = PySequence_Fast_ITEMS(sequence);
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_INCREF(items[at]);
        held->items[at] = items[at];
    }
    held->count = count;
    return 0;
}

int held_pairs(Held *held, PyObject *dict, Py_ssize_t most)
{
    Py_ssize_t count = PyDict_GET_SIZE(dict), at = 0, place = 0;
    if (count > most)
        count = most;
    if (held_room(held, 2 * count) < 0)
        return FAILED;
    PyObject *key, *value;
    while (at < count && PyDict_Next(dict, &place, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        held->items[at] = key;
        held->items[count + at] = value;
        at++;
    }
    held->count = count;
    return 0;
}

void held_release(Held *held, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++)
        Py_DECREF(held->items[at]);
    if (held->items != held->first)
        PyMem_Free(held->items);
}

/* --- measuring --- */

Py_ssize_t heavy(PyObject *const *items, Py_ssize_t count)
{
    Py_ssize_t found = 0;
    for (Py_ssize_t at = 0; at < count; at++)
        found += !is_scalar(Py_TYPE(items[at]));
    return found;
}

/* Return how many items are no scalars, and in `size` the characters and bytes of the others, -1 where there are such. */
static Py_ssize_t measure(PyObject *const *items, Py_ssize_t count, Py_ssize_t *size)
{
    Py_ssize_t others = 0, total = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        PyTypeObject *type = Py_TYPE(items[at]);
        if (type == &PyUnicode_Type)
            total += PyUnicode_GET_LENGTH(items[at]);
        else if (type == &PyBytes_Type)
            total += PyBytes_GET_SIZE(items[at]);
        else
            others += !is_number(type);
    }
    *size = others ? -1 : total;
    return others;
}

static inline Py_ssize_t weight_of(Py_ssize_t count, Py_ssize_t nodes)
{
    return 1 + nodes + (count - nodes) / FLAT_WEIGHT;
}

static inline int affords(const Walk *walk, Py_ssize_t count, Py_ssize_t nodes)
{
    return (weight_of(count, nodes) <= walk->nodes || !count) && walk->level < MAX_LEVELS;
}

static inline int charge(Walk *walk, Py_ssize_t count, Py_ssize_t nodes)
{
    Py_ssize_t weight = weight_of(count, nodes);
    if (!affords(walk, count, nodes))
        return 0;
    walk->nodes = walk->nodes > weight ? walk->nodes - weight : 0;
    return 1;
}

static inline Py_ssize_t floor_divide(Py_ssize_t number, Py_ssize_t by)
{
    return number >= 0 ? number / by : -((-number + by - 1) / by);
}

/* --- scalars --- */

/* Take over what a codec returned: bytes, or NULL with an exception. */
static int walk_append(Walk *walk, PyObject *encoded)
{
    if (encoded == NULL)
        return FAILED;
    int written = FAILED;
    if (PyBytes_Check(encoded))
        written = buffer_append(&walk->out, PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded));
    else
        PyErr_SetString(PyExc_TypeError, "a codec returned no bytes");
    Py_DECREF(encoded);
    return written;
}

static int append_call(Walk *walk, PyObject *function, PyObject *value)
{
    return walk_append(walk, PyObject_CallFunctionObjArgs(function, (PyObject *)walk, value, NULL));
}

static int walk_number(Walk *walk, PyObject *value)
{
    int packed = pack_number(&walk->out, value);
    return packed == UNPACKABLE ? append_call(walk, names.big_int, value) : packed;
}

/* A text with lone surrogates. */
static int surrogates(Walk *walk, PyObject *text)
{
    PyObject *whole = text_rewritten(walk->walks, text);
    PyObject *data = whole == NULL ? NULL : PyUnicode_AsEncodedString(whole, "utf-8", "surrogatepass");
    Py_XDECREF(whole);
    if (data == NULL)
        return FAILED;
    Py_ssize_t start = extension_begin(&walk->out);
    if (start < 0) {
        Py_DECREF(data);
        return FAILED;
    }
    return walk_append(walk, data) < 0 ? FAILED : extension_end(&walk->out, start, EXT_STR);
}

static int rewritten(Walk *walk, PyObject *text)
{
    PyObject *other = text_rewritten(walk->walks, text);
    if (other == NULL)
        return FAILED;
    int packed = pack_text(&walk->out, other);
    if (packed == UNPACKABLE)
        PyUnicode_AsUTF8(other); /* raises */
    Py_DECREF(other);
    return packed == PACKED ? 0 : FAILED;
}

int walk_text(Walk *walk, PyObject *text)
{
    Buffer *out = &walk->out;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), mark = out->size;
    int other = 1;
    if (length > walk->bytes && length > SHORT_TEXT)
        return append_call(walk, names.long_text, text) < 0 ? FAILED : other;
    int packed = pack_text(out, text);
    if (packed == FAILED)
        return FAILED;
    if (packed == UNPACKABLE) {
        if (surrogates(walk, text) < 0)
            return FAILED;
    }
    else {
        other = text_changes(walk->walks, out->data + mark, out->size - mark);
        if (other < 0)
            return FAILED;
        if (other) {
            out->size = mark;
            if (rewritten(walk, text) < 0)
                return FAILED;
        }
    }
    walk->bytes -= out->size - mark;
    return other;
}

static int walk_bytes(Walk *walk, PyObject *value)
{
    Py_ssize_t size = PyBytes_GET_SIZE(value);
    if (size > walk->bytes && size > SHORT_TEXT)
        return walk_append(walk, PyObject_CallFunctionObjArgs(names.long_bytes, (PyObject *)walk, names.bytes, value, NULL));
    walk->bytes -= size;
    if (!data_changes(walk->walks, value))
        return pack_bytes(&walk->out, PyBytes_AS_STRING(value), size);
    PyObject *other = data_rewritten(walk->walks, value);
    int packed = other == NULL ? FAILED : pack_bytes(&walk->out, PyBytes_AS_STRING(other), PyBytes_GET_SIZE(other));
    Py_XDECREF(other);
    return packed;
}

static int is_data(const PyTypeObject *type)
{
    return type == &PyUnicode_Type || type == &PyBytes_Type || type == &PyByteArray_Type || type == &PyList_Type
           || type == &PyTuple_Type || type == &PyDict_Type || type == &PySet_Type || type == &PyFrozenSet_Type;
}

static int redacted(Walk *walk)
{
    Py_ssize_t start = extension_begin(&walk->out);
    return start < 0 ? FAILED : extension_end(&walk->out, start, EXT_REDACTED);
}

int walk_argument(Walk *walk, PyObject *value, int secret)
{
    if (secret && (secret != SECRET_DATA || is_data(Py_TYPE(value))))
        return redacted(walk);
    return walk_value(walk, value);
}

/* --- runs of items --- */

/* Write items that are all scalars as they are. UNPACKABLE, and nothing written, where one needs a closer look. */
static int flat(Walk *walk, PyObject *const *keys, PyObject *const *values, Py_ssize_t count, int headed)
{
    Buffer *out = &walk->out;
    Py_ssize_t mark = out->size;
    int packed = !headed ? pack_array_header(out, 2 * count)
                 : keys != NULL ? pack_map_header(out, count)
                                : pack_array_header(out, count);
    for (Py_ssize_t at = 0; packed == PACKED && at < count; at++) {
        if (keys != NULL)
            packed = pack_scalar(out, keys[at]);
        if (packed == PACKED)
            packed = pack_scalar(out, values[at]);
    }
    if (packed == PACKED)
        packed = text_changes(walk->walks, out->data + mark, out->size - mark);
    if (packed == PACKED)
        walk->bytes -= out->size - mark;
    else
        out->size = mark;
    return packed;
}

int walk_share(Walk *walk, PyObject *item, int secret, Py_ssize_t *left)
{
    PyTypeObject *type = Py_TYPE(item);
    if (secret)
        return walk_argument(walk, item, secret);
    if (*left <= 1 || is_scalar(type))
        return walk_value(walk, item);
    Py_ssize_t share = walk->nodes - floor_divide(walk->nodes, *left), most = (*left - 1) * NEIGHBOUR_NODES;
    Py_ssize_t kept = share < most ? share : most;
    --*left;
    walk->nodes -= kept;
    if (walk_value(walk, item) < 0)
        return FAILED;
    walk->nodes += kept;
    return 0;
}

int walk_shares(Walk *walk, PyObject *const *items, Py_ssize_t count, Py_ssize_t left, const unsigned char *judged)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        if (walk_share(walk, items[at], judged == NULL ? SECRET_NONE : judged[at], &left) < 0)
            return FAILED;
    }
    return 0;
}

static int write_items(Walk *walk, PyObject *const *items, Py_ssize_t count, Py_ssize_t size, Py_ssize_t left)
{
    if (0 <= size && size <= walk->bytes) {
        int packed = flat(walk, NULL, items, count, 1);
        if (packed != UNPACKABLE)
            return packed;
    }
    return pack_array_header(&walk->out, count) < 0 ? FAILED : walk_shares(walk, items, count, left, NULL);
}

int walk_sequence(Walk *walk, PyObject *name, PyObject *const *items, Py_ssize_t count, PyObject *owner, int code)
{
    Py_ssize_t size, left = measure(items, count, &size);
    if (!charge(walk, count, left))
        return cut_container(walk, name, count, items, count);
    if (owner != NULL && seen_add(&walk->containers, owner) < 0)
        return FAILED;
    Py_ssize_t start = code == EXT_NONE ? 0 : extension_begin(&walk->out);
    if (start < 0)
        return FAILED;
    walk->level++;
    if (write_items(walk, items, count, size, left) < 0)
        return FAILED;
    walk->level--;
    return code == EXT_NONE ? 0 : extension_end(&walk->out, start, code);
}

/* --- sets --- */

typedef struct {
    Py_ssize_t start, size;
} Part;

static int write_parts(Walk *walk, PyObject *const *items, Py_ssize_t count, Py_ssize_t flat_size, Part *parts)
{
    Py_ssize_t nodes = walk->nodes, bytes = walk->bytes;
    Py_ssize_t containers = walk->containers.count, opaques = walk->opaques.count;
    Py_ssize_t each_nodes = nodes, each_bytes = bytes;
    if (count && !(0 <= flat_size && flat_size < bytes)) {
        each_nodes = floor_divide(nodes, count);
        each_bytes = (bytes > 0 ? bytes : 0) / count;
    }
    walk->level++;
    for (Py_ssize_t at = 0; at < count; at++) {
        walk->nodes = each_nodes;
        walk->bytes = each_bytes;
        parts[at].start = walk->out.size;
        if (walk_value(walk, items[at]) < 0)
            return FAILED;
        parts[at].size = walk->out.size - parts[at].start;
        nodes -= each_nodes - walk->nodes;
        bytes -= each_bytes - walk->bytes;
        seen_forget(&walk->containers, containers);
        seen_forget(&walk->opaques, opaques);
    }
    walk->level--;
    walk->nodes = nodes;
    walk->bytes = bytes;
    return 0;
}

typedef struct {
    const unsigned char *data;
    Py_ssize_t size;
} Piece;

static int by_bytes(const void *one, const void *other)
{
    const Piece *a = one, *b = other;
    int order = memcmp(a->data, b->data, (size_t)(a->size < b->size ? a->size : b->size));
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Put what stands at the end of the buffer in the order of its bytes. */
static int sort_parts(Buffer *out, const Part *parts, Py_ssize_t count)
{
    if (count < 2)
        return 0;
    Py_ssize_t start = parts[0].start, size = out->size - start;
    Piece *pieces = PyMem_Malloc((size_t)count * sizeof(*pieces));
    unsigned char *copy = pieces == NULL ? NULL : PyMem_Malloc((size_t)size);
    if (copy == NULL) {
        PyMem_Free(pieces);
        PyErr_NoMemory();
        return FAILED;
    }
    memcpy(copy, out->data + start, (size_t)size);
    for (Py_ssize_t at = 0; at < count; at++)
        pieces[at] = (Piece){copy + (parts[at].start - start), parts[at].size};
    qsort(pieces, (size_t)count, sizeof(*pieces), by_bytes);
    unsigned char *to = out->data + start;
    for (Py_ssize_t at = 0; at < count; to += pieces[at++].size)
        memcpy(to, pieces[at].data, (size_t)pieces[at].size);
    PyMem_Free(copy);
    PyMem_Free(pieces);
    return 0;
}

int walk_unordered(Walk *walk, PyObject *name, PyObject *const *items, Py_ssize_t count, PyObject *owner, int code)
{
    Py_ssize_t size, left = measure(items, count, &size);
    if (!charge(walk, count, left))
        return cut_bare(walk, name, count);
    if (owner != NULL && seen_add(&walk->containers, owner) < 0)
        return FAILED;
    Py_ssize_t start = extension_begin(&walk->out);
    if (start < 0 || pack_array_header(&walk->out, count) < 0)
        return FAILED;
    Part *parts = PyMem_Malloc((size_t)(count ? count : 1) * sizeof(*parts));
    if (parts == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    int written = write_parts(walk, items, count, size, parts);
    if (written == 0)
        written = sort_parts(&walk->out, parts, count);
    PyMem_Free(parts);
    return written < 0 ? FAILED : extension_end(&walk->out, start, code);
}

/* --- dictionaries --- */

static int all_text(PyObject *const *keys, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        if (!PyUnicode_CheckExact(keys[at]))
            return 0;
    }
    return 1;
}

/* Fill in how secret each name is; return whether any is. */
static int judge(Walk *walk, PyObject *const *keys, Py_ssize_t count, unsigned char *judged)
{
    int any = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        int secret = verdict_of(walk->walks, keys[at]);
        if (secret < 0)
            return FAILED;
        judged[at] = (unsigned char)secret;
        any |= secret;
    }
    return any != 0;
}

/* Keys as they are written: one after another, with the end of each. */
typedef struct {
    unsigned char *data;
    Py_ssize_t *ends;
} Keys;

/* Say whether all are texts, and no two the same: two may become one when their paths are normalised or they are cut. */
static int still_map(const Keys *keys, Py_ssize_t count)
{
    PyObject *met = PySet_New(NULL);
    Py_ssize_t start = 0;
    int distinct = met == NULL ? FAILED : 1;
    for (Py_ssize_t at = 0; distinct == 1 && at < count; start = keys->ends[at++]) {
        unsigned char marker = keys->data[start];
        PyObject *key = PyBytes_FromStringAndSize((char *)keys->data + start, keys->ends[at] - start);
        if (key == NULL || PySet_Add(met, key) < 0)
            distinct = FAILED;
        else
            distinct = (marker & 0xe0) == 0xa0 || (0xd9 <= marker && marker <= 0xdb);
        Py_XDECREF(key);
    }
    if (distinct == 1)
        distinct = PySet_GET_SIZE(met) == count;
    Py_XDECREF(met);
    return distinct;
}

/* Write the keys apart from the values, since the budget pays for all of them first. Returns whether it is a map still. */
static int write_keys(Walk *walk, PyObject *const *items, Py_ssize_t count, Keys *keys)
{
    Buffer *out = &walk->out;
    Py_ssize_t mark = out->size;
    int changed = 0;
    keys->data = NULL;
    keys->ends = PyMem_Malloc((size_t)count * sizeof(*keys->ends));
    for (Py_ssize_t at = 0; keys->ends != NULL && at < count; at++) {
        int other = walk_text(walk, items[at]);
        if (other < 0)
            return FAILED;
        changed |= other;
        keys->ends[at] = out->size - mark;
    }
    keys->data = keys->ends == NULL ? NULL : PyMem_Malloc((size_t)(out->size - mark));
    if (keys->data == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    memcpy(keys->data, out->data + mark, (size_t)(out->size - mark));
    out->size = mark;
    return changed ? still_map(keys, count) : 1;
}

static int write_named(Walk *walk, PyObject *const *values, Py_ssize_t count, const Keys *keys, const unsigned char *judged, int map)
{
    Buffer *out = &walk->out;
    Py_ssize_t start = map ? 0 : extension_begin(out), before = 0;
    if (start < 0 || (map ? pack_map_header(out, count) : pack_array_header(out, 2 * count)) < 0)
        return FAILED;
    Py_ssize_t left = heavy(values, count);
    for (Py_ssize_t at = 0; at < count; before = keys->ends[at++]) {
        if (buffer_append(out, keys->data + before, keys->ends[at] - before) < 0
            || walk_share(walk, values[at], judged == NULL ? SECRET_NONE : judged[at], &left) < 0)
            return FAILED;
    }
    return map ? 0 : extension_end(out, start, EXT_MAPPING);
}

static int named_pairs(Walk *walk, PyObject *const *keys, PyObject *const *values, Py_ssize_t count, Py_ssize_t size)
{
    unsigned char few[64], *judged = count <= (Py_ssize_t)sizeof(few) ? few : PyMem_Malloc((size_t)count);
    if (judged == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    int written = UNPACKABLE, any = judge(walk, keys, count, judged);
    if (any == 0 && 0 <= size && size <= walk->bytes)
        written = flat(walk, keys, values, count, 1);
    if (any >= 0 && written == UNPACKABLE) {
        Keys apart;
        int map = write_keys(walk, keys, count, &apart);
        written = map < 0 ? FAILED : write_named(walk, values, count, &apart, any ? judged : NULL, map);
        PyMem_Free(apart.data);
        PyMem_Free(apart.ends);
    }
    if (judged != few)
        PyMem_Free(judged);
    return any < 0 ? FAILED : written;
}

static int any_text_key(PyObject *const *keys, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        if (PyUnicode_CheckExact(keys[at]) || PyBytes_CheckExact(keys[at]))
            return 1;
    }
    return 0;
}

static int any_pairs(Walk *walk, PyObject *const *keys, PyObject *const *values, Py_ssize_t count, Py_ssize_t size)
{
    Buffer *out = &walk->out;
    Py_ssize_t start = extension_begin(out);
    if (start < 0)
        return FAILED;
    if (0 <= size && size <= walk->bytes && !any_text_key(keys, count)) {
        int packed = flat(walk, keys, values, count, 0);
        if (packed != UNPACKABLE)
            return packed < 0 ? FAILED : extension_end(out, start, EXT_MAPPING);
    }
    if (pack_array_header(out, 2 * count) < 0)
        return FAILED;
    Py_ssize_t left = heavy(keys, count) + heavy(values, count);
    for (Py_ssize_t at = 0; at < count; at++) {
        int secret = verdict_of_key(walk->walks, keys[at]);
        if (secret < 0 || walk_share(walk, keys[at], SECRET_NONE, &left) < 0 || walk_share(walk, values[at], secret, &left) < 0)
            return FAILED;
    }
    return extension_end(out, start, EXT_MAPPING);
}

int walk_mapping(Walk *walk, PyObject *name, PyObject *const *keys, PyObject *const *values, Py_ssize_t count, PyObject *owner)
{
    Py_ssize_t size, keys_size, left = measure(values, count, &size), odd = measure(keys, count, &keys_size);
    size = left || odd ? -1 : size + keys_size;
    if (!charge(walk, 2 * count, left + odd))
        return cut_pairs(walk, name, count, keys, values, count);
    if (owner != NULL && seen_add(&walk->containers, owner) < 0)
        return FAILED;
    walk->level++;
    int written = all_text(keys, count) ? named_pairs(walk, keys, values, count, size) : any_pairs(walk, keys, values, count, size);
    walk->level--;
    return written;
}

/* --- builtin containers, and what subclasses of them hold (entered by nobody) --- */

static int walk_list(Walk *walk, PyObject *value, PyObject *owner)
{
    Py_ssize_t size = PyList_GET_SIZE(value);
    int admitted = walk_admits(walk, size) && affords(walk, size, heavy(PySequence_Fast_ITEMS(value), size));
    Held held; /* of one that is going to be cut only what is kept */
    if (held_sequence(&held, value, admitted ? size : HEAD_ITEMS) < 0)
        return FAILED;
    int written = admitted ? walk_sequence(walk, names.list, held.items, held.count, owner, EXT_NONE)
                           : cut_container(walk, names.list, size, held.items, held.count);
    held_release(&held, held.count);
    return written;
}

static int walk_tuple(Walk *walk, PyObject *value)
{
    Py_ssize_t size = PyTuple_GET_SIZE(value);
    PyObject *const *items = PySequence_Fast_ITEMS(value);
    if (!walk_admits(walk, size))
        return cut_container(walk, names.tuple, size, items, size < HEAD_ITEMS ? size : HEAD_ITEMS);
    return walk_sequence(walk, names.tuple, items, size, NULL, EXT_TUPLE);
}

/* How many keys and values are no scalars. */
static Py_ssize_t heavy_pairs(PyObject *dict)
{
    PyObject *key, *value;
    Py_ssize_t place = 0, found = 0;
    while (PyDict_Next(dict, &place, &key, &value))
        found += !is_scalar(Py_TYPE(key)) + !is_scalar(Py_TYPE(value));
    return found;
}

static int walk_dict(Walk *walk, PyObject *value, PyObject *owner)
{
    Py_ssize_t size = PyDict_GET_SIZE(value);
    int admitted = walk_admits(walk, size) && affords(walk, 2 * size, heavy_pairs(value));
    Held held;
    if (held_pairs(&held, value, admitted ? size : HEAD_ITEMS) < 0)
        return FAILED;
    PyObject **keys = held.items, **values = held.items + held.count;
    int written = admitted ? walk_mapping(walk, names.dict, keys, values, held.count, owner)
                           : cut_pairs(walk, names.dict, size, keys, values, held.count);
    held_release(&held, 2 * held.count);
    return written;
}

static int walk_set(Walk *walk, PyObject *value, PyObject *owner, int frozen)
{
    PyObject *name = frozen ? names.frozenset : names.set;
    Py_ssize_t size = PySet_GET_SIZE(value);
    if (!walk_admits(walk, size))
        return cut_bare(walk, name, size);
    PyObject *each = PySet_Type.tp_iter(value); /* past what a subclass makes of it; a frozenset's is the same */
    PyObject *items = each == NULL ? NULL : PySequence_List(each);
    Py_XDECREF(each);
    if (items == NULL)
        return FAILED;
    int written = walk_unordered(walk, name, PySequence_Fast_ITEMS(items), PyList_GET_SIZE(items), owner,
                                 frozen ? EXT_FROZENSET : EXT_SET);
    Py_DECREF(items);
    return written;
}

static int walk_content(Walk *walk, PyObject *value, PyObject *content)
{
    if (content == names.dict_content)
        return walk_dict(walk, value, NULL);
    if (content == names.list_content)
        return walk_list(walk, value, NULL);
    if (content == names.tuple_content)
        return walk_tuple(walk, value);
    if (content == names.set_content || content == names.frozenset_content)
        return walk_set(walk, value, NULL, content == names.frozenset_content);
    return append_call(walk, content, value);
}

/* --- objects --- */

static int write_fields(Walk *walk, PyObject *value, const unsigned char *judged, PyObject *const *values, Py_ssize_t count,
                        Py_ssize_t size, Py_ssize_t left, PyObject *payload)
{
    Py_ssize_t reserve = payload == NULL ? 0 : floor_divide(walk->nodes, left + 1);
    walk->level++;
    walk->nodes -= reserve;
    int written;
    if (judged == NULL)
        written = write_items(walk, values, count, size, left);
    else
        written = pack_array_header(&walk->out, count) < 0 ? FAILED : walk_shares(walk, values, count, left, judged);
    if (written < 0)
        return FAILED;
    walk->nodes += reserve;
    if (payload != NULL && walk_content(walk, value, payload) < 0)
        return FAILED;
    walk->level--;
    return 0;
}

int walk_fields(Walk *walk, PyObject *value, PyObject *name, PyObject *told, const unsigned char *judged,
                PyObject *const *keys, PyObject *const *values, Py_ssize_t count, PyObject *payload)
{
    Py_ssize_t size, left = measure(values, count, &size);
    if (!charge(walk, count, left))
        return cut_pairs(walk, name, count, keys, values, count);
    PyObject *head = PyTuple_GET_ITEM(told, 0);
    Py_ssize_t start = extension_begin(&walk->out);
    if (start < 0 || seen_add(&walk->containers, value) < 0
        || buffer_append(&walk->out, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head)) < 0
        || write_fields(walk, value, judged, values, count, size, left, payload) < 0)
        return FAILED;
    return extension_end(&walk->out, start, EXT_OBJECT);
}

int walk_opaque(Walk *walk, PyObject *value, PyObject *name, PyObject *reason)
{
    Buffer *out = &walk->out;
    Py_ssize_t ordinal = seen_find(&walk->opaques, value);
    if (ordinal < 0) {
        ordinal = walk->opaques.count;
        if (seen_add(&walk->opaques, value) < 0 || count_loss(walk->walks, reason, name) < 0)
            return FAILED;
    }
    Py_ssize_t start = extension_begin(out);
    if (start < 0 || pack_array_header(out, 2) < 0)
        return FAILED;
    int packed = pack_text(out, name);
    if (packed == UNPACKABLE)
        PyUnicode_AsUTF8(name); /* raises */
    return packed != PACKED || pack_size(out, ordinal) < 0 ? FAILED : extension_end(out, start, EXT_OPAQUE);
}

/* --- instances whose attributes are all there is to them --- */

Py_ssize_t drop_odd(PyObject **keys, PyObject **values, Py_ssize_t count)
{
    Py_ssize_t kept = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        if (PyUnicode_CheckExact(keys[at])) {
            PyObject *key = keys[at], *value = values[at]; /* swapped, so that all stay held */
            keys[at] = keys[kept];
            values[at] = values[kept];
            keys[kept] = key;
            values[kept++] = value;
        }
    }
    return kept;
}

/* Say whether all names are texts, of a subclass of str or not, that joining by NUL can tell apart. */
static int all_names(PyObject *const *keys, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        if (!PyUnicode_Check(keys[at]) || PyUnicode_FindChar(keys[at], 0, 0, PyUnicode_GET_LENGTH(keys[at]), 1) >= 0)
            return 0;
    }
    return count > 0;
}

static PyObject *exact_names(PyObject *const *keys, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t at = 0; tuple != NULL && at < count; at++) {
        PyObject *name = PyUnicode_FromObject(keys[at]); /* of a subclass an exact copy */
        if (name == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, at, name);
    }
    return tuple;
}

/* An instance of a shape that its type does not remember. */
static int unknown_shape(Walk *walk, PyObject *value, Kind *kind, PyObject **keys, PyObject **values, Py_ssize_t count)
{
    int remember = kind->derived ? all_names(keys, count) : all_text(keys, count);
    if (!remember)
        count = drop_odd(keys, values, count);
    PyObject *tuple = exact_names(keys, count);
    PyObject *told = tuple == NULL ? NULL : shape_told(walk, kind->name, kind->form, kind->content != NULL, tuple);
    Shape *shape = told == NULL ? NULL : shape_new(tuple, told);
    Py_XDECREF(tuple);
    Py_XDECREF(told);
    if (shape == NULL)
        return FAILED;
    int written = walk_fields(walk, value, kind->name, shape->told, shape->judged, keys, values, count, kind->content);
    if (remember && shape_of(kind, keys, count) == NULL)
        shape_remember(kind, shape);
    else
        shape_free(shape);
    return written;
}

/* Exchange `held` for one with room for `more` pairs beyond those it has, which begin behind `before` free places. */
static int held_widen(Held *held, Py_ssize_t before, Py_ssize_t more)
{
    Py_ssize_t count = held->count, most = before + count + more;
    PyObject **items = PyMem_Malloc((size_t)(2 * most) * sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return FAILED;
    }
    memcpy(items + before, held->items, (size_t)count * sizeof(*items));
    memcpy(items + most + before, held->items + count, (size_t)count * sizeof(*items));
    if (held->items != held->first)
        PyMem_Free(held->items);
    held->items = items;
    return 0;
}

/* Put the slots that are set behind the attributes from the dictionary. */
static int hold_slots(Held *held, PyObject *value, PyObject *slots)
{
    Py_ssize_t count = held->count, most = count + PyTuple_GET_SIZE(slots);
    if (held_widen(held, 0, PyTuple_GET_SIZE(slots)) < 0)
        return FAILED;
    PyObject **items = held->items, **values = items + most;
    int failed = 0;
    for (Py_ssize_t at = 0; !failed && at < PyTuple_GET_SIZE(slots); at++) {
        PyObject *name = PyTuple_GET_ITEM(slots, at), *found = PyObject_GenericGetAttr(value, name);
        if (found != NULL) {
            Py_INCREF(name);
            items[count] = name;
            values[count++] = found;
        }
        else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear(); /* not set */
        }
        else {
            failed = 1;
        }
    }
    memmove(items + count, values, (size_t)count * sizeof(*items));
    held->count = count;
    return failed ? FAILED : 0;
}

/* Put an attribute that only a getter of the builtin shows before all others. */
static int hold_more(Held *held, PyObject *value, PyObject *more)
{
    PyObject *name = PyTuple_GET_ITEM(more, 0), *found = PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(more, 1), value, NULL);
    if (found == NULL)
        return FAILED;
    if (held_widen(held, 1, 0) < 0) {
        Py_DECREF(found);
        return FAILED;
    }
    Py_INCREF(name);
    held->items[0] = name;
    held->items[++held->count] = found;
    return 0;
}

static int hold_attributes(Held *held, PyObject *value, const Kind *kind)
{
    held->items = held->first;
    held->count = 0;
    if (kind->dictionary) {
        PyObject *dict = PyObject_GenericGetAttr(value, names.dict_attribute);
        if (dict != NULL && !PyDict_Check(dict))
            PyErr_SetString(PyExc_TypeError, "an instance dictionary is none");
        int taken = dict == NULL || !PyDict_Check(dict) ? FAILED : held_pairs(held, dict, PY_SSIZE_T_MAX / 2);
        Py_XDECREF(dict);
        if (taken < 0)
            return FAILED;
    }
    if (PyTuple_GET_SIZE(kind->slots) && hold_slots(held, value, kind->slots) < 0)
        return FAILED;
    return kind->more == NULL ? 0 : hold_more(held, value, kind->more);
}

static int walk_instance(Walk *walk, PyObject *value, Kind *kind)
{
    Held held;
    int written = hold_attributes(&held, value, kind);
    Py_ssize_t count = held.count;
    PyObject **keys = held.items, **values = held.items + count;
    if (written == 0) {
        Shape *shape = shape_of(kind, keys, count);
        if (shape == NULL) {
            written = unknown_shape(walk, value, kind, keys, values, count);
        }
        else {
            /* The walk may meet more instances of this type, whose shapes would push this one out. */
            PyObject *told = shape->told;
            unsigned char few[64], *judged = shape->judged;
            if (judged != NULL && count <= (Py_ssize_t)sizeof(few))
                judged = memcpy(few, judged, (size_t)count);
            Py_INCREF(told);
            written = walk_fields(walk, value, kind->name, told, judged, keys, values, count, kind->content);
            Py_DECREF(told);
        }
    }
    held_release(&held, 2 * count);
    return written;
}

/* --- any value --- */

/* A builtin container that has no room: only its size is told. 0 for what is none, or empty. */
static PyObject *sized(PyObject *value, const PyTypeObject *type, Py_ssize_t *size)
{
    PyObject *name = NULL;
    if (type == &PyList_Type || type == &PyTuple_Type) {
        name = type == &PyList_Type ? names.list : names.tuple;
        *size = Py_SIZE(value);
    }
    else if (type == &PyDict_Type) {
        name = names.dict;
        *size = PyDict_GET_SIZE(value);
    }
    else if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        name = type == &PySet_Type ? names.set : names.frozenset;
        *size = PySet_GET_SIZE(value);
    }
    return name != NULL && *size ? name : NULL;
}

static int is_walked(const PyTypeObject *type)
{
    return type == &PyList_Type || type == &PyTuple_Type || type == &PyDict_Type || type == &PySet_Type
           || type == &PyFrozenSet_Type || type == &PyBytes_Type;
}

/* The plan's name of a type that has no need of a plan. */
static PyObject *plan_name(const PyTypeObject *type)
{
    return type == &PyList_Type         ? names.any_list
           : type == &PyTuple_Type      ? names.any_tuple
           : type == &PyDict_Type       ? names.any_dict
           : type == &PySet_Type        ? names.any_set
           : type == &PyFrozenSet_Type  ? names.any_frozenset
                                        : names.any_bytes;
}

static int encode(Walk *walk, PyObject *value, PyTypeObject *type, Kind *kind)
{
    if (kind != NULL) {
        if (kind->form != NULL)
            return walk_instance(walk, value, kind);
        int written = walk_name(walk, value, kind->encode);
        return written == UNPACKABLE ? append_call(walk, kind->encode, value) : written;
    }
    if (type == &PyList_Type)
        return walk_list(walk, value, value);
    if (type == &PyTuple_Type)
        return walk_tuple(walk, value);
    if (type == &PyDict_Type)
        return walk_dict(walk, value, value);
    if (type == &PyBytes_Type)
        return walk_bytes(walk, value);
    int frozen = type == &PyFrozenSet_Type;
    return walk_set(walk, value, frozen ? NULL : value, frozen);
}

/* Whether the exception that is set is tracer's own fault; FAILED where another one came instead. It stays set if not. */
static int is_ours(PyObject **reason)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (trace != NULL)
        PyException_SetTraceback(error, trace);
    PyObject *answer = PyObject_CallFunctionObjArgs(names.is_ours, error, NULL);
    int ours = answer == NULL ? FAILED : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (ours == 0) {
        PyErr_Restore(type, error, trace);
        return 0;
    }
    if (ours == 1) {
        const char *name = Py_TYPE(error)->tp_name, *last = strrchr(name, '.');
        *reason = PyUnicode_FromFormat("failed %s", last == NULL ? name : last + 1);
        if (*reason == NULL)
            ours = FAILED;
    }
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return ours;
}

typedef struct {
    Py_ssize_t level, containers, opaques, size;
} Mark;

/* The one place where a hostile object or an unknown internal ends. */
static int walk_failed(Walk *walk, PyObject *value, PyObject *name, const Mark *mark)
{
    PyObject *reason = NULL;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return FAILED;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace); /* letting go of what was met may run code of the host */
    walk->level = mark->level;
    walk->out.size = mark->size;
    seen_forget(&walk->containers, mark->containers);
    seen_forget(&walk->opaques, mark->opaques);
    PyErr_Restore(type, error, trace);
    if (is_ours(&reason) != 1)
        return FAILED;
    int written = walk_opaque(walk, value, name, reason);
    Py_DECREF(reason);
    return written;
}

/* Whether a value is a list, tuple or dict of few exact scalars, a dict under exact str: walk.py has the same. */
static int is_flat(PyObject *value, const PyTypeObject *type)
{
    if (type == &PyDict_Type) {
        PyObject *key, *item;
        Py_ssize_t at = 0, size = PyDict_GET_SIZE(value);
        if (size == 0 || size > FEW_ITEMS)
            return 0;
        while (PyDict_Next(value, &at, &key, &item))
            if (!PyUnicode_CheckExact(key) || !is_scalar(Py_TYPE(item)))
                return 0;
        return 1;
    }
    if (type != &PyList_Type && type != &PyTuple_Type)
        return 0;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(value);
    return count > 0 && count <= FEW_ITEMS && heavy(PySequence_Fast_ITEMS(value), count) == 0;
}

static int walk_other(Walk *walk, PyObject *value, PyTypeObject *type)
{
    Buffer *out = &walk->out;
    Py_ssize_t known = seen_find(&walk->containers, value);
    if (known >= 0) { /* a container entered before, whatever its type */
        Py_ssize_t start = extension_begin(out);
        return start < 0 || pack_size(out, known) < 0 ? FAILED : extension_end(out, start, EXT_REFERENCE);
    }
    Kind *kind = NULL;
    if (!is_walked(type)) {
        kind = kind_of(walk->walks, type);
        if (kind == NULL)
            return FAILED;
    }
    int whole = walk->names_only && walk->level == 0 && is_flat(value, type);
    if (whole)
        walk->nodes = FLAT_NODES;
    else if (walk->nodes <= 0) {
        Py_ssize_t size = 0;
        PyObject *name = kind == NULL ? sized(value, type, &size) : NULL;
        if (name != NULL)
            return cut_bare(walk, name, size);
        if (kind != NULL && kind->unseen != NULL) {
            PyObject *snapshot = PyTuple_GET_ITEM(kind->unseen, 0);
            if (count_next(PyTuple_GET_ITEM(kind->unseen, 1)) < 0)
                return FAILED;
            return buffer_append(out, PyBytes_AS_STRING(snapshot), PyBytes_GET_SIZE(snapshot));
        }
    }
    const Mark mark = {walk->level, walk->containers.count, walk->opaques.count, out->size};
    PyObject *name = kind == NULL ? plan_name(type) : kind->name;
    int written = FAILED;
    Py_INCREF(type); /* a value may be given another class meanwhile, and what is known of a type goes with it */
    if (Py_EnterRecursiveCall(" while a value was encoded") == 0) {
        written = encode(walk, value, type, kind);
        Py_LeaveRecursiveCall();
    }
    if (written != 0)
        written = walk_failed(walk, value, name, &mark);
    if (whole)
        walk->nodes = 0;
    Py_DECREF(type);
    return written;
}

int walk_value(Walk *walk, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (type == &PyUnicode_Type)
        return walk_text(walk, value) < 0 ? FAILED : 0;
    if (is_number(type))
        return walk_number(walk, value);
    return walk_other(walk, value, type);
}

/* How secret each argument is, from a tuple; NULL without an exception where none is. */
static unsigned char *secrets_of(PyObject *secret, Py_ssize_t count)
{
    if (secret == Py_None)
        return NULL;
    PyObject *given = PySequence_Fast(secret, "how secret the arguments are is no sequence");
    unsigned char *judged = given == NULL ? NULL : PyMem_Calloc((size_t)count + 1, 1);
    if (given != NULL && judged == NULL)
        PyErr_NoMemory();
    for (Py_ssize_t at = 0; judged != NULL && at < count && at < PySequence_Fast_GET_SIZE(given); at++)
        judged[at] = (unsigned char)PyLong_AsLong(PySequence_Fast_GET_ITEM(given, at));
    Py_XDECREF(given);
    return judged;
}

int walk_arguments(Walk *walk, PyObject *values, PyObject *secret)
{
    if (!PyList_Check(values) && !PyTuple_Check(values)) {
        PyErr_SetString(PyExc_TypeError, "arguments are a list or a tuple");
        return FAILED;
    }
    Held held;
    if (held_sequence(&held, values, PY_SSIZE_T_MAX) < 0)
        return FAILED;
    unsigned char *judged = secrets_of(secret, held.count);
    int written = FAILED;
    if (!PyErr_Occurred() && pack_array_header(&walk->out, held.count) == 0)
        written = walk_shares(walk, held.items, held.count, heavy(held.items, held.count), judged);
    PyMem_Free(judged);
    held_release(&held, held.count);
    return written;
}

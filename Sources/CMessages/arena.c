#include "arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { ALIGNMENT = 16, FIRST_BLOCK = 16 * 1024 };

typedef struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char bytes[];
} block;

struct message_arena {
    ProtobufCAllocator allocator;
    block *newest;
    size_t left;
    bool exhausted;
};

static void *arena_alloc(void *data, size_t size) {
    message_arena *arena = data;
    if (size > SIZE_MAX - ALIGNMENT) {
        arena->exhausted = true;
        return NULL;
    }
    // A zero-size request still gets a pointer of its own, as malloc may give.
    size_t need = size == 0 ? ALIGNMENT : (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (need > arena->left) {
        arena->exhausted = true;
        return NULL;
    }
    block *newest = arena->newest;
    if (newest == NULL || newest->size - newest->used < need) {
        size_t grown = newest == NULL ? FIRST_BLOCK : newest->size * 2;
        size_t block_size = need > grown ? need : grown;
        block *added = malloc(sizeof(block) + block_size);
        if (added == NULL) return NULL;
        added->next = newest;
        added->used = 0;
        added->size = block_size;
        arena->newest = newest = added;
    }
    void *piece = newest->bytes + newest->used;
    newest->used += need;
    arena->left -= need;
    return piece;
}

static void arena_free(void *data, void *piece) {
    (void)data;
    (void)piece;
}

message_arena *message_arena_create(size_t quota) {
    message_arena *arena = malloc(sizeof(message_arena));
    if (arena == NULL) return NULL;
    *arena = (message_arena){
        .allocator = {.alloc = arena_alloc, .free = arena_free, .allocator_data = arena},
        .left = quota,
    };
    return arena;
}

void message_arena_destroy(message_arena *arena) {
    for (block *piece = arena->newest; piece != NULL;) {
        block *next = piece->next;
        free(piece);
        piece = next;
    }
    free(arena);
}

ProtobufCAllocator *message_arena_allocator(message_arena *arena) { return &arena->allocator; }

bool message_arena_exhausted(const message_arena *arena) { return arena->exhausted; }

bool message_has_valid_tags(const ProtobufCMessage *message) {
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        if (message->unknown_fields[i].tag == 0) return false;
    }
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const char *start = (const char *)message;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        const void *place = start + field->offset;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)(start + field->quantifier_offset);
            ProtobufCMessage *const *messages = *(ProtobufCMessage *const *const *)place;
            for (size_t j = 0; j < count; j++) {
                if (!message_has_valid_tags(messages[j])) return false;
            }
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
                   *(const uint32_t *)(start + field->quantifier_offset) == field->id) {
            const ProtobufCMessage *inner = *(const ProtobufCMessage *const *)place;
            if (inner != NULL && !message_has_valid_tags(inner)) return false;
        }
    }
    return true;
}

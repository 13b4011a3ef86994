#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/// A bump allocator with a quota, for decoding one request with libprotobuf-c.
///
/// libprotobuf-c has no limit of its own: a few bytes of wire data can ask for many times their size in memory. An
/// allocation beyond the quota fails, and with it the decoding. Freeing a piece does nothing; all goes with the arena.
/// One thread at a time.
typedef struct message_arena message_arena;

/// Returns an arena that hands out at most `quota` bytes, or NULL when there is no memory.
message_arena *message_arena_create(size_t quota);

/// Frees the arena and everything allocated from it.
void message_arena_destroy(message_arena *arena);

/// The allocator to hand to `protobuf_c_message_unpack`; lives as long as the arena.
ProtobufCAllocator *message_arena_allocator(message_arena *arena);

/// Whether no field of the message, or of a message in it, has the number 0. libprotobuf-c takes such a field where its tag is written
/// in more bytes than it needs, keeps it as unknown, and writes it in a way that it does not take back.
bool message_has_valid_tags(const ProtobufCMessage *message);

/// Whether an allocation failed for the quota.
bool message_arena_exhausted(const message_arena *arena);

#pragma once

#include <stddef.h>

/// A packed `google.protobuf.FileDescriptorSet` of every `.proto` file of this product, each behind what it imports.
extern const unsigned char file_descriptor_set[];

/// Bytes of `file_descriptor_set`.
extern const size_t file_descriptor_set_size;

/// Its first byte: Swift cannot name an array whose size it does not see.
static inline const unsigned char *file_descriptor_set_start(void) { return file_descriptor_set; }

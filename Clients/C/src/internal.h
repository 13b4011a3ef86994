/* What the library's files know of each other. */
#ifndef MSGEXPORT_INTERNAL_H
#define MSGEXPORT_INTERNAL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "google/rpc/status.pb-c.h"
#include "msgexport.h"

enum {
    FRAME_HEADER = 10,
    FRAME_BYTES = 4 << 20,
    /* At most, of a packed message that goes in one frame; larger ones go in chunks. */
    MESSAGE_FRAME_BYTES = FRAME_BYTES - (16 << 10),
    CHUNK_BYTES = 1 << 20,
    KIND_REQUEST = 1,
    KIND_RESPONSE = 2,
    KIND_DATA = 3,
    FLAG_CLOSED = 1,
    FLAG_OPEN = 2,
    FLAG_NO_DATA = 4,
    /* The call that all messages but large ones share. */
    SHARED_STREAM = 1,
};

/* Bytes that grow. */
typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t room;
} buffer;

/* Returns whether there is memory. */
bool buffer_reserve(buffer *target, size_t more);
void buffer_free(buffer *target);

/* Sets an error. `field` and `hint` may be NULL. Returns the code. */
msgexport_code set_error(msgexport_error *error, msgexport_code code, const char *field, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same from what the daemon says. */
void set_status(msgexport_error *error, const Google__Rpc__Status *status);

/* Appends the frames that hand a message over: one on the shared call, or a call of its own for large ones.
 * `*stream` is the id of that call where it is needed, and becomes SHARED_STREAM where it is not. */
msgexport_code frame_message(
    buffer *frames, const msgexport_message *message, const char *sandbox, uint64_t tag, uint32_t *stream, msgexport_error *error);
/* Appends the Request that begins a call. */
bool frame_request(buffer *frames, uint32_t stream, const char *method, uint8_t flags);

ProtobufCBinaryData binary(const char *text);

#endif

/* Messages as they cross the socket. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "messageexport/v1/ingestion.pb-c.h"
#include "ttrpc.pb-c.h"

typedef Messageexport__V1__Address Address;
typedef Messageexport__V1__Attachment Attachment;
typedef Messageexport__V1__Email Email;
typedef Messageexport__V1__Header Header;
typedef Messageexport__V1__Identity Identity;
typedef Messageexport__V1__Sms Sms;

/* What one packing needs; freed together. */
typedef struct block {
    struct block *next;
    max_align_t content[];
} block;

typedef struct {
    block *blocks;
    bool failed;
} memory;

static void *take(memory *arena, size_t size) {
    block *made = arena->failed || size > SIZE_MAX - sizeof *made ? NULL : calloc(1, sizeof *made + size);
    if (!made) {
        arena->failed = true;
        return NULL;
    }
    made->next = arena->blocks;
    arena->blocks = made;
    return made->content;
}

static void give_back(memory *arena) {
    while (arena->blocks) {
        block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

/* An array of `count` pointers, each to a message of `size` bytes. */
static void *array(memory *arena, size_t count, size_t size) {
    if (count == 0) return NULL;
    if (count > (SIZE_MAX >> 8) / (size + sizeof(void *))) {
        arena->failed = true;
        return NULL;
    }
    void **pointers = take(arena, count * sizeof *pointers);
    char *messages = take(arena, count * size);
    if (!pointers || !messages) return NULL;
    for (size_t index = 0; index < count; index++) pointers[index] = messages + index * size;
    return pointers;
}

ProtobufCBinaryData binary(const char *text) {
    return (ProtobufCBinaryData){ .len = text ? strlen(text) : 0, .data = (uint8_t *)(uintptr_t)text };
}

static Address **addresses(memory *arena, const msgexport_address *given, size_t count) {
    Address **made = array(arena, count, sizeof **made);
    for (size_t index = 0; made && index < count; index++) {
        messageexport__v1__address__init(made[index]);
        made[index]->email = binary(given[index].email);
        made[index]->name = binary(given[index].name);
    }
    return made;
}

static Header **headers(memory *arena, const msgexport_field *given, size_t count) {
    Header **made = array(arena, count, sizeof **made);
    for (size_t index = 0; made && index < count; index++) {
        messageexport__v1__header__init(made[index]);
        made[index]->name = binary(given[index].name);
        made[index]->value = binary(given[index].value);
    }
    return made;
}

static Attachment **attachments(memory *arena, const msgexport_attachment *given, size_t count) {
    Attachment **made = array(arena, count, sizeof **made);
    for (size_t index = 0; made && index < count; index++) {
        messageexport__v1__attachment__init(made[index]);
        made[index]->name = binary(given[index].name);
        made[index]->type = binary(given[index].type);
        made[index]->content = (ProtobufCBinaryData){ given[index].size, (uint8_t *)(uintptr_t)given[index].content };
    }
    return made;
}

static Email *email(memory *arena, const msgexport_email *given) {
    Email *made = take(arena, sizeof *made);
    if (!made) return NULL;
    messageexport__v1__email__init(made);
    if (given->from.email) {
        Address **from = addresses(arena, &given->from, 1);
        made->from = from ? from[0] : NULL;
    }
    made->n_to = given->to_count;
    made->to = addresses(arena, given->to, given->to_count);
    made->n_cc = given->cc_count;
    made->cc = addresses(arena, given->cc, given->cc_count);
    made->n_bcc = given->bcc_count;
    made->bcc = addresses(arena, given->bcc, given->bcc_count);
    made->n_reply_to = given->reply_to_count;
    made->reply_to = addresses(arena, given->reply_to, given->reply_to_count);
    made->error_address = binary(given->error_address);
    made->n_headers = given->header_count;
    made->headers = headers(arena, given->headers, given->header_count);
    made->n_attachments = given->attachment_count;
    made->attachments = attachments(arena, given->attachments, given->attachment_count);
    made->raw = (ProtobufCBinaryData){ given->raw_size, (uint8_t *)(uintptr_t)given->raw };
    if (given->subject) {
        made->subject_presence_case = MESSAGEEXPORT__V1__EMAIL__SUBJECT_PRESENCE_SUBJECT;
        made->subject = binary(given->subject);
    }
    if (given->text) {
        made->text_presence_case = MESSAGEEXPORT__V1__EMAIL__TEXT_PRESENCE_TEXT;
        made->text = binary(given->text);
    }
    if (given->html) {
        made->html_presence_case = MESSAGEEXPORT__V1__EMAIL__HTML_PRESENCE_HTML;
        made->html = binary(given->html);
    }
    return made;
}

static Sms *sms(memory *arena, const msgexport_sms *given) {
    Sms *made = take(arena, sizeof *made);
    if (!made) return NULL;
    messageexport__v1__sms__init(made);
    made->n_sender_numbers = given->sender_count;
    made->sender_numbers = given->sender_count ? take(arena, given->sender_count * sizeof *made->sender_numbers) : NULL;
    for (size_t index = 0; made->sender_numbers && index < given->sender_count; index++)
        made->sender_numbers[index] = binary(given->senders[index]);
    made->recipient_number = binary(given->recipient);
    made->text = binary(given->text);
    made->title = binary(given->title);
    made->media = binary(given->media);
    return made;
}

/* Sets texts of a message by their names. Returns the first name that is none; NULL: all are. */
static const char *set_texts(ProtobufCMessage *message, const msgexport_field *given, size_t count) {
    for (size_t index = 0; index < count; index++) {
        const ProtobufCFieldDescriptor *field =
            given[index].name ? protobuf_c_message_descriptor_get_field_by_name(message->descriptor, given[index].name) : NULL;
        if (!field || field->type != PROTOBUF_C_TYPE_BYTES || field->label == PROTOBUF_C_LABEL_REPEATED)
            return given[index].name ? given[index].name : "(NULL)";
        *(ProtobufCBinaryData *)(void *)((char *)message + field->offset) = binary(given[index].value);
    }
    return NULL;
}

static Identity **identities(memory *arena, const msgexport_field *given, size_t count) {
    Identity **made = array(arena, count, sizeof **made);
    for (size_t index = 0; made && index < count; index++) {
        messageexport__v1__identity__init(made[index]);
        made[index]->namespace_ = binary(given[index].name);
        made[index]->id = binary(given[index].value);
    }
    return made;
}

static msgexport_code build(
    memory *arena, Messageexport__V1__Message *made, const msgexport_message *given, msgexport_error *error) {
    if (!given->email == !given->sms)
        return set_error(error, MSGEXPORT_INVALID_ARGUMENT, "content", NULL, "a message is either an email or an sms");
    made->message_id = binary(given->id);
    made->configuration = binary(given->configuration);
    made->sent_at_ms = given->sent_at_ms;
    made->delivery_state = (Messageexport__V1__DeliveryState)given->delivery_state;
    if (given->email) {
        made->content_case = MESSAGEEXPORT__V1__MESSAGE__CONTENT_EMAIL;
        made->email = email(arena, given->email);
    } else {
        made->content_case = MESSAGEEXPORT__V1__MESSAGE__CONTENT_SMS;
        made->sms = sms(arena, given->sms);
    }
    const char *unknown = NULL;
    if (given->execution_count && (made->execution = take(arena, sizeof *made->execution))) {
        messageexport__v1__execution__init(made->execution);
        unknown = set_texts(&made->execution->base, given->execution, given->execution_count);
    }
    if (!unknown && given->profile_count && (made->profile = take(arena, sizeof *made->profile))) {
        messageexport__v1__profile__init(made->profile);
        unknown = set_texts(&made->profile->base, given->profile, given->profile_count);
    }
    if (unknown) return set_error(error, MSGEXPORT_INVALID_ARGUMENT, unknown, NULL, "there is no text of that name");
    made->n_identities = given->identity_count;
    made->identities = identities(arena, given->identities, given->identity_count);
    return arena->failed ? set_error(error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, NULL, "no memory") : MSGEXPORT_OK;
}

/* Appends a frame around a packed message. Returns whether there was memory. */
static bool frame(buffer *frames, uint32_t stream, uint8_t kind, uint8_t flags, const ProtobufCMessage *message) {
    size_t size = message ? protobuf_c_message_get_packed_size(message) : 0;
    if (!buffer_reserve(frames, FRAME_HEADER + size)) return false;
    uint8_t *at = frames->bytes + frames->size;
    const uint32_t numbers[2] = { (uint32_t)size, stream };
    for (int index = 0; index < 8; index++) at[index] = (uint8_t)(numbers[index / 4] >> (24 - index % 4 * 8));
    at[8] = kind;
    at[9] = flags;
    if (message) protobuf_c_message_pack(message, at + FRAME_HEADER);
    frames->size += FRAME_HEADER + size;
    return true;
}

bool frame_request(buffer *frames, uint32_t stream, const char *method, uint8_t flags) {
    Ttrpc__Request request = TTRPC__REQUEST__INIT;
    request.service = binary("messageexport.v1.IngestionService");
    request.method = binary(method);
    return frame(frames, stream, KIND_REQUEST, flags, &request.base);
}

static bool frame_chunks(buffer *frames, uint32_t stream, const char *sandbox, const uint8_t *packed, size_t size) {
    if (!frame_request(frames, stream, "IngestChunks", FLAG_OPEN | FLAG_NO_DATA)) return false;
    for (size_t at = 0; at < size; at += CHUNK_BYTES) {
        Messageexport__V1__IngestChunk chunk = MESSAGEEXPORT__V1__INGEST_CHUNK__INIT;
        size_t count = size - at < CHUNK_BYTES ? size - at : CHUNK_BYTES;
        if (at == 0) {
            chunk.sandbox = binary(sandbox);
            chunk.message_bytes = size;
        }
        chunk.content = (ProtobufCBinaryData){ count, (uint8_t *)(uintptr_t)(packed + at) };
        if (!frame(frames, stream, KIND_DATA, at + count == size ? FLAG_CLOSED : 0, &chunk.base)) return false;
    }
    return true;
}

static msgexport_code frame_built(
    buffer *frames, Messageexport__V1__Message *message, const char *sandbox, uint64_t tag, uint32_t *stream,
    msgexport_error *error) {
    size_t size = messageexport__v1__message__get_packed_size(message);
    if (size > MSGEXPORT_MESSAGE_BYTES)
        return set_error(
            error, MSGEXPORT_INVALID_ARGUMENT, NULL, NULL, "the message has %zu bytes with all parts, at most %d are allowed", size,
            MSGEXPORT_MESSAGE_BYTES);
    bool is_whole;
    if (size <= MESSAGE_FRAME_BYTES) {
        Messageexport__V1__IngestStreamRequest request = MESSAGEEXPORT__V1__INGEST_STREAM_REQUEST__INIT;
        request.sandbox = binary(sandbox);
        request.tag = tag;
        request.message = message;
        *stream = SHARED_STREAM;
        is_whole = frame(frames, SHARED_STREAM, KIND_DATA, 0, &request.base);
    } else {
        uint8_t *packed = malloc(size);
        if (packed) messageexport__v1__message__pack(message, packed);
        is_whole = packed && frame_chunks(frames, *stream, sandbox, packed, size);
        free(packed);
    }
    return is_whole ? MSGEXPORT_OK : set_error(error, MSGEXPORT_RESOURCE_EXHAUSTED, NULL, NULL, "no memory");
}

msgexport_code frame_message(
    buffer *frames, const msgexport_message *message, const char *sandbox, uint64_t tag, uint32_t *stream,
    msgexport_error *error) {
    memory arena = { 0 };
    Messageexport__V1__Message built = MESSAGEEXPORT__V1__MESSAGE__INIT;
    msgexport_code code = build(&arena, &built, message, error);
    if (code == MSGEXPORT_OK) code = frame_built(frames, &built, sandbox, tag, stream, error);
    give_back(&arena);
    return code;
}

bool buffer_reserve(buffer *target, size_t more) {
    if (target->room - target->size >= more) return true;
    size_t room = target->size + more < target->room * 2 ? target->room * 2 : target->size + more;
    uint8_t *grown = realloc(target->bytes, room);
    if (!grown) return false;
    target->bytes = grown;
    target->room = room;
    return true;
}

void buffer_free(buffer *target) {
    free(target->bytes);
    memset(target, 0, sizeof *target);
}

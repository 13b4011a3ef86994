/* What did not go well, in words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "messageexport/v1/error.pb-c.h"

/* As much of a text as there is room for, without a letter cut in two. */
static void copy(char *target, size_t room, const char *text, size_t size) {
    size_t count = size < room ? size : room - 1;
    if (count < size)
        while (count > 0 && ((unsigned char)text[count] & 0xC0) == 0x80) count--;
    if (count) memcpy(target, text, count);
    target[count] = 0;
}

msgexport_code set_error(
    msgexport_error *error, msgexport_code code, const char *field, const char *hint, const char *format, ...) {
    if (!error) return code;
    memset(error, 0, sizeof *error);
    error->code = code;
    error->is_temporary = code == MSGEXPORT_UNAVAILABLE;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    if (field) copy(error->field, sizeof error->field, field, strlen(field));
    if (hint) copy(error->hint, sizeof error->hint, hint, strlen(hint));
    return code;
}

void set_status(msgexport_error *error, const Google__Rpc__Status *status) {
    static const char type[] = "/messageexport.v1.ErrorDetail";
    memset(error, 0, sizeof *error);
    error->code = (msgexport_code)status->code;
    error->is_temporary = error->code == MSGEXPORT_UNAVAILABLE;
    copy(error->message, sizeof error->message, (const char *)status->message.data, status->message.len);
    for (size_t index = 0; index < status->n_details; index++) {
        const Google__Protobuf__Any *any = status->details[index];
        size_t length = any->type_url ? strlen(any->type_url) : 0;
        if (length < sizeof type - 1 || strcmp(any->type_url + length - (sizeof type - 1), type) != 0) continue;
        Messageexport__V1__ErrorDetail *detail = messageexport__v1__error_detail__unpack(NULL, any->value.len, any->value.data);
        if (!detail) continue;
        if (detail->reason == MESSAGEEXPORT__V1__REASON__REASON_TEMPORARY) error->is_temporary = 1;
        copy(error->field, sizeof error->field, (const char *)detail->field.data, detail->field.len);
        copy(error->hint, sizeof error->hint, (const char *)detail->hint.data, detail->hint.len);
        messageexport__v1__error_detail__free_unpacked(detail, NULL);
    }
}

const char *msgexport_code_name(msgexport_code code) {
    static const char *const names[] = {
        "OK",           "CANCELLED",         "UNKNOWN",       "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",   "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
        "UNIMPLEMENTED", "INTERNAL",         "UNAVAILABLE",   "DATA_LOSS",          "UNAUTHENTICATED",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "UNKNOWN";
}

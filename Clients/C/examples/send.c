/* Hands over one SMS: cc send.c $(pkg-config --cflags --libs msgexport) -o send && ./send */
#include <msgexport.h>
#include <stdio.h>

int main(void) {
    msgexport_error error;
    msgexport *client = msgexport_open(NULL, &error);
    if (!client) return fprintf(stderr, "%s\n", error.message), 1;

    const char *senders[] = { "24365" };
    msgexport_sms sms = { .senders = senders, .sender_count = 1, .recipient = "+12025550123", .text = "See you at 9" };
    msgexport_message message = { .id = "reminder-1", .configuration = "reminders", .sms = &sms };

    msgexport_result result;
    msgexport_code code = msgexport_ingest(client, &message, &result);
    if (code == MSGEXPORT_OK)
        printf("taken, outcome %d\n", result.outcome); /* MSGEXPORT_STORED: it is on disk, encrypted */
    else
        fprintf(stderr, "%s: %s (%s) %s\n", msgexport_code_name(code), result.error.message, result.error.field, result.error.hint);
    msgexport_close(client);
    return code != MSGEXPORT_OK;
}

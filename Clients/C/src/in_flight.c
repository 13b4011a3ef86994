/* Messages without a result, in the order in which they were submitted, and results that were not taken. */
#include <stdlib.h>

#include "internal.h"

void put_free(msgexport *client, int place) {
    client->entries[place].next = client->free;
    client->free = place;
}

void remove_entry(msgexport *client, int place) {
    slot *entry = &client->entries[place];
    if (client->writing == place) {
        client->is_cut = client->is_cut || client->written > 0;
        client->writing = entry->next;
        client->written = 0;
    }
    if (client->large == place) client->large = NONE;
    if (client->alone) client->alone--;
    *(entry->previous == NONE ? &client->first : &client->entries[entry->previous].next) = entry->next;
    *(entry->next == NONE ? &client->last : &client->entries[entry->next].previous) = entry->previous;
    client->count--;
    client->bytes -= entry->frames.size;
    buffer_free(&entry->frames);
    entry->number = 0;
    put_free(client, place);
}

bool reserve_result(msgexport *client) {
    if (client->result_count + client->count < client->result_room) return true;
    size_t room = client->result_room ? client->result_room * 2 : 64;
    msgexport_result *made = calloc(room, sizeof *made);
    if (!made) return false;
    for (size_t index = 0; index < client->result_count; index++)
        made[index] = client->results[(client->result_first + index) % client->result_room];
    free(client->results);
    client->results = made;
    client->result_first = 0;
    client->result_room = room;
    return true;
}

void settle(msgexport *client, int place, const msgexport_result *result) {
    msgexport_result *kept =
        &client->results[(client->result_first + client->result_count++) % client->result_room];
    *kept = *result;
    kept->tag = client->entries[place].tag;
    msgexport_code code = result->error.code;
    bool is_unsure = code == MSGEXPORT_UNAVAILABLE || code == MSGEXPORT_DEADLINE_EXCEEDED || code == MSGEXPORT_UNKNOWN;
    if (result->outcome == MSGEXPORT_NOT_TAKEN)
        kept->may_be_stored = client->entries[place].was_sent || (client->entries[place].is_sent && is_unsure);
    remove_entry(client, place);
}

void settle_error(msgexport *client, int place, const msgexport_error *error) {
    msgexport_result result = { .error = *error };
    settle(client, place, &result);
}

void settle_all(msgexport *client, const msgexport_error *error) {
    while (client->first != NONE) settle_error(client, client->first, error);
}

void add_entry(msgexport *client, buffer *frames, uint64_t tag, uint64_t number, uint32_t stream, int64_t deadline) {
    int place = client->free;
    slot *entry = &client->entries[place];
    client->free = entry->next;
    entry->frames = *frames;
    entry->tag = tag;
    entry->number = number;
    entry->stream = stream;
    entry->deadline = deadline;
    entry->is_sent = entry->was_sent = false;
    entry->next = NONE;
    entry->previous = client->last;
    *(client->last == NONE ? &client->first : &client->entries[client->last].next) = place;
    client->last = place;
    client->count++;
    client->bytes += frames->size;
    if (client->writing == NONE) client->writing = place;
}

int place_of_number(const msgexport *client, uint64_t number) {
    int place = (int)(number % MSGEXPORT_IN_FLIGHT);
    return number && client->entries[place].number == number ? place : NONE;
}

int place_of_stream(const msgexport *client, uint32_t stream) {
    for (int place = client->first; place != NONE; place = client->entries[place].next)
        if (client->entries[place].stream == stream) return place;
    return NONE;
}

bool has_to_write(const msgexport *client) {
    if (client->writing == NONE) return false;
    if (client->written > 0) return true;
    if (client->alone && client->writing != client->first) return false;
    return client->large == NONE || client->entries[client->writing].stream == SHARED_STREAM;
}

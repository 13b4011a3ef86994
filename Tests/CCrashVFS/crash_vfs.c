#include "crash_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_files = 8, max_name = 160, sector = 512 };

struct content {
    unsigned char *bytes;
    int64_t size;
};

/// A file as it is, and as a power cut would leave it.
struct file {
    char name[max_name];
    int exists, exists_durably;
    struct content now, durable;
    // What SQLite shares between connections; gone with the process.
    void *shared[16];
};

struct world {
    struct file files[max_files];
    long operations, stop_at;
    int syncs;
};

struct handle {
    sqlite3_file base;
    struct world *world;
    struct file *file;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct world **worlds;
static int world_count;
static sqlite3_vfs *real;
static sqlite3_vfs crash;

static void resize(struct content *content, int64_t size) {
    if (size > content->size) {
        content->bytes = realloc(content->bytes, (size_t)size + 1);
        memset(content->bytes + content->size, 0, (size_t)(size - content->size));
    }
    content->size = size;
}

static void copy(struct content *to, const struct content *from) {
    resize(to, from->size);
    if (from->size > 0) memcpy(to->bytes, from->bytes, (size_t)from->size);
}

static uint64_t next(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

static struct world *world_of(const char *path) {
    int number = -1;
    if (path == NULL || sscanf(path, "/crash/%d/", &number) != 1 || number < 0 || number >= world_count) return NULL;
    return worlds[number];
}

static struct file *find(struct world *world, const char *name, int create) {
    struct file *free_one = NULL;
    for (int i = 0; i < max_files; i++) {
        struct file *file = &world->files[i];
        if (strcmp(file->name, name) == 0) return file;
        if (file->name[0] == 0 && free_one == NULL) free_one = file;
    }
    if (create && free_one != NULL) snprintf(free_one->name, max_name, "%s", name);
    return create ? free_one : NULL;
}

/// Counts an operation that changes something; 0: the world has stopped.
static int change(struct world *world) {
    if (world->stop_at >= 0 && world->operations >= world->stop_at) return 0;
    world->operations++;
    return 1;
}

#define HANDLE(file) struct handle *handle = (struct handle *)(file)

static int file_close(sqlite3_file *file) { (void)file; return SQLITE_OK; }

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    HANDLE(file);
    pthread_mutex_lock(&lock);
    struct content *now = &handle->file->now;
    int64_t got = offset < now->size ? now->size - offset : 0;
    if (got > count) got = count;
    if (got > 0) memcpy(bytes, now->bytes + offset, (size_t)got);
    memset((char *)bytes + got, 0, (size_t)(count - got));
    pthread_mutex_unlock(&lock);
    return got == count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    HANDLE(file);
    pthread_mutex_lock(&lock);
    int works = change(handle->world);
    // What is cut off in the middle leaves its first half.
    int written = works ? count : handle->world->operations == handle->world->stop_at ? count / 2 : 0;
    if (!works) handle->world->operations++;
    if (written > 0) {
        if (handle->file->now.size < offset + written) resize(&handle->file->now, offset + written);
        memcpy(handle->file->now.bytes + offset, bytes, (size_t)written);
    }
    pthread_mutex_unlock(&lock);
    return works ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    HANDLE(file);
    pthread_mutex_lock(&lock);
    int works = change(handle->world);
    if (works) resize(&handle->file->now, size);
    pthread_mutex_unlock(&lock);
    return works ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *file, int flags) {
    (void)flags;
    HANDLE(file);
    pthread_mutex_lock(&lock);
    int works = change(handle->world);
    if (works && handle->world->syncs) {
        copy(&handle->file->durable, &handle->file->now);
        handle->file->exists_durably = 1;
    }
    pthread_mutex_unlock(&lock);
    return works ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    HANDLE(file);
    *size = handle->file->now.size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level) { (void)file, (void)level; return SQLITE_OK; }
static int file_is_reserved(sqlite3_file *file, int *result) { (void)file; *result = 0; return SQLITE_OK; }
static int file_control(sqlite3_file *file, int op, void *arg) { (void)file, (void)op, (void)arg; return SQLITE_NOTFOUND; }
static int file_sector(sqlite3_file *file) { (void)file; return 4096; }
static int file_traits(sqlite3_file *file) { (void)file; return 0; }

static int shared_map(sqlite3_file *file, int page, int size, int extend, void volatile **bytes) {
    HANDLE(file);
    if (page >= 16) return SQLITE_IOERR_SHMMAP;
    if (handle->file->shared[page] == NULL && extend) handle->file->shared[page] = calloc(1, (size_t)size);
    *bytes = handle->file->shared[page];
    return SQLITE_OK;
}

static int shared_lock(sqlite3_file *file, int offset, int count, int flags) {
    (void)file, (void)offset, (void)count, (void)flags;
    return SQLITE_OK;
}

static void shared_barrier(sqlite3_file *file) { (void)file; __sync_synchronize(); }
static int shared_unmap(sqlite3_file *file, int gone) { (void)file, (void)gone; return SQLITE_OK; }

static const sqlite3_io_methods methods = {
    2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_lock, file_is_reserved,
    file_control, file_sector, file_traits, shared_map, shared_lock, shared_barrier, shared_unmap, NULL, NULL,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    (void)vfs;
    struct world *world = world_of(name);
    if (world == NULL) return real->xOpen(real, name, file, flags, out);
    file->pMethods = NULL;
    pthread_mutex_lock(&lock);
    struct file *found = find(world, name, 1);
    int works = found != NULL;
    if (works && !found->exists) {
        works = (flags & SQLITE_OPEN_CREATE) != 0 && change(world);
        if (works) {
            found->exists = 1;
            found->now.size = 0;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!works) return SQLITE_CANTOPEN;
    struct handle *handle = (struct handle *)file;
    handle->world = world;
    handle->file = found;
    handle->base.pMethods = &methods;
    if (out != NULL) *out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs;
    struct world *world = world_of(name);
    if (world == NULL) return real->xDelete(real, name, sync);
    pthread_mutex_lock(&lock);
    struct file *found = find(world, name, 0);
    int works = change(world);
    if (works && found != NULL) {
        found->exists = 0;
        found->now.size = 0;
        if (sync) found->exists_durably = 0;
    }
    pthread_mutex_unlock(&lock);
    return works ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)vfs;
    struct world *world = world_of(name);
    if (world == NULL) return real->xAccess(real, name, flags, result);
    pthread_mutex_lock(&lock);
    struct file *found = find(world, name, 0);
    *result = found != NULL && found->exists && (flags != SQLITE_ACCESS_EXISTS || found->now.size > 0);
    pthread_mutex_unlock(&lock);
    return SQLITE_OK;
}

static int vfs_full(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    if (world_of(name) == NULL) return real->xFullPathname(real, name, size, out);
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static void registered(void) {
    real = sqlite3_vfs_find(NULL);
    crash = *real;
    crash.zName = "crash";
    crash.pNext = NULL;
    if (crash.szOsFile < (int)sizeof(struct handle)) crash.szOsFile = sizeof(struct handle);
    crash.xOpen = vfs_open;
    crash.xDelete = vfs_delete;
    crash.xAccess = vfs_access;
    crash.xFullPathname = vfs_full;
    sqlite3_vfs_register(&crash, 1);
}

void crash_vfs_register(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, registered);
}

int crash_world_create(void) {
    struct world *world = calloc(1, sizeof *world);
    world->stop_at = -1;
    world->syncs = 1;
    pthread_mutex_lock(&lock);
    worlds = realloc(worlds, sizeof *worlds * (size_t)(world_count + 1));
    worlds[world_count] = world;
    int number = world_count++;
    pthread_mutex_unlock(&lock);
    return number;
}

void crash_world_stop_at(int world, long operation) { worlds[world]->stop_at = operation; }
long crash_world_operations(int world) { return worlds[world]->operations; }
void crash_world_set_syncs(int world, int syncs) { worlds[world]->syncs = syncs; }

void crash_world_sync_folder(int world) {
    pthread_mutex_lock(&lock);
    if (change(worlds[world]) && worlds[world]->syncs)
        for (int i = 0; i < max_files; i++) worlds[world]->files[i].exists_durably = worlds[world]->files[i].exists;
    pthread_mutex_unlock(&lock);
}

static void remain(struct file *to, const struct file *from, enum crash_remains remains, uint64_t *state) {
    copy(&to->now, &from->durable);
    if (remains == CRASH_EVERYTHING) copy(&to->now, &from->now);
    if (remains < CRASH_SOME) return;
    resize(&to->now, next(state) & 1 ? from->now.size : from->durable.size);
    int64_t sectors = (to->now.size + sector - 1) / sector;
    int64_t kept = sectors > 0 ? (int64_t)(next(state) % (uint64_t)(sectors + 1)) : 0;
    for (int64_t number = 0; number < sectors; number++) {
        int64_t start = number * sector, end = start + sector < to->now.size ? start + sector : to->now.size;
        for (int64_t at = start; at < end; at++) {
            int old = at < from->durable.size ? from->durable.bytes[at] : 0;
            int new = at < from->now.size ? from->now.bytes[at] : 0;
            to->now.bytes[at] = (unsigned char)old;
            if (remains == CRASH_TORN && number < kept) to->now.bytes[at] = (unsigned char)new;
            if (old != new && remains == CRASH_GARBAGE) to->now.bytes[at] = (unsigned char)next(state);
        }
        if (remains == CRASH_SOME && next(state) & 1)
            for (int64_t at = start; at < end && at < from->now.size; at++) to->now.bytes[at] = from->now.bytes[at];
    }
}

int crash_world_after(int world, enum crash_remains remains, uint64_t seed) {
    int number = crash_world_create();
    pthread_mutex_lock(&lock);
    uint64_t state = seed;
    for (int i = 0; i < max_files; i++) {
        const struct file *from = &worlds[world]->files[i];
        struct file *to = &worlds[number]->files[i];
        if (from->name[0] == 0) continue;
        // The same file in another world.
        snprintf(to->name, max_name, "/crash/%d/%s", number, strrchr(from->name, '/') + 1);
        int is_there = from->exists_durably;
        if (remains == CRASH_EVERYTHING || (remains >= CRASH_SOME && next(&state) & 1)) is_there = from->exists;
            if (!is_there) continue;
        to->exists = to->exists_durably = 1;
        remain(to, from, remains, &state);
        copy(&to->durable, &to->now);
    }
    pthread_mutex_unlock(&lock);
    return number;
}

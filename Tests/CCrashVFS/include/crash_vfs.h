#pragma once

#include <stdint.h>

// A file system in memory for SQLite, below the path "/crash/", that knows what a power cut would leave: only what was synced is sure to stay.
// All other paths are the real file system's.

/// What a power cut leaves of what was not synced.
enum crash_remains {
    CRASH_NOTHING = 0,
    /// As when only the process died.
    CRASH_EVERYTHING = 1,
    /// Any of the 512-byte sectors, by a seed.
    CRASH_SOME = 2,
    /// Those up to one of them, by a seed.
    CRASH_TORN = 3,
    /// Any bytes in their place, by a seed.
    CRASH_GARBAGE = 4,
};

/// Makes SQLite use it. May be called again.
void crash_vfs_register(void);
/// A new empty world; its files are "/crash/<world>/…".
int crash_world_create(void);
/// Nothing works any more from this operation on, counted from 0.
void crash_world_stop_at(int world, long operation);
/// Operations so far that changed something.
long crash_world_operations(int world);
/// Makes the names of its files durable: what was made and removed.
void crash_world_sync_folder(int world);
/// Whether syncs do what they say; 0 shows that a test notices when they do not.
void crash_world_set_syncs(int world, int syncs);
/// The world that is found after a power cut.
int crash_world_after(int world, enum crash_remains remains, uint64_t seed);

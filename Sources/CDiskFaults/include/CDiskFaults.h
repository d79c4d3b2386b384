// SPDX-License-Identifier: Apache-2.0
#ifndef CORACLE_CDISKFAULTS_H
#define CORACLE_CDISKFAULTS_H

// Faults of a disk, put on below SQLite and below our own files, for tests.
//
// A plan counts for the files of one directory and is set by tests in the same process. The environment does the same
// for a node that a test started:
//
//   CORACLE_TEST_SLOW_SYNC_FILE   names a file that holds the milliseconds to sleep before each sync
//   CORACLE_TEST_DISK_FAULT_FILE  names a file that holds "full", "eio" or "eio-sync"
//
// Both are read again each time; without such a file nothing happens. When neither variable is set and no plan is
// made, files are opened without any of this.

/// What goes wrong on the disk of one directory.
struct disk_faults;

/// The plan of a directory, made when there is none; it lives as long as the process.
struct disk_faults *disk_faults_of(const char *directory);

/// The plan that counts for a file, or NULL; for a NULL path NULL.
struct disk_faults *disk_faults_for_file(const char *path);

/// Whether the environment asks for faults.
int disk_faults_are_in_environment(void);

/// Writes fail with an errno value after this many more have succeeded; with `tears` half of a failing one is written.
void disk_faults_fail_writes(struct disk_faults *faults, int error, long after, int tears);

/// Syncs fail with an errno value after this many more have succeeded.
void disk_faults_fail_syncs(struct disk_faults *faults, int error, long after);

/// Reads fail with an errno value after this many more have succeeded.
void disk_faults_fail_reads(struct disk_faults *faults, int error, long after);

/// Every sync takes this much longer.
void disk_faults_delay_syncs(struct disk_faults *faults, int milliseconds);

/// The disk works again.
void disk_faults_heal(struct disk_faults *faults);

/// How many writes have been asked for.
long disk_faults_write_count(struct disk_faults *faults);

/// What a write by our own code should fail with: 0 or an errno value. `faults` may be NULL.
int disk_faults_before_write(struct disk_faults *faults);

/// What a sync by our own code should fail with, after the delay that is asked for. `faults` may be NULL.
int disk_faults_before_sync(struct disk_faults *faults);

/// Makes the VFS known to SQLite and returns its name, or NULL when SQLite refuses it.
const char *disk_faults_vfs(void);

#endif

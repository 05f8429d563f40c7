// For tests: kills the program at its n-th change of the disk (KILL_N), or has that and all later ones fail
// (FAIL_N, as on a full disk). COUNT_FILE is told how many there were. What goes to standard output and
// standard error, and to devices, does not count.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long count;

static long asked(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("COUNT_FILE");
    if (!path) return;
    FILE *file = fopen(path, "we");
    if (!file) return;
    fprintf(file, "%ld\n", count);
    fclose(file);
}

// Whether this change has to fail. It may not return.
static int step(void) {
    long now = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    long kill_at = asked("KILL_N"), fail_from = asked("FAIL_N");
    if (kill_at && now == kill_at) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (fail_from && now >= fail_from) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    struct stat about;
    int is_file = file > 2 && fstat(file, &about) == 0 && S_ISREG(about.st_mode);
    if (is_file && step()) return -1;
    return real(file, bytes, length);
}

int open64(const char *path, int flags, ...) {
    REAL(int, open64, const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    int is_device = strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
    if ((flags & O_CREAT) && !is_device && step()) return -1;
    return real(path, flags, mode);
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return step() ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    return step() ? -1 : real(path, mode);
}

int fsync(int file) {
    REAL(int, fsync, int);
    return step() ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(int, fdatasync, int);
    return step() ? -1 : real(file);
}

/*
 * A library to be loaded before all others, which moves the wall clock that a program
 * sees by the nanoseconds that a file holds, at once for all who share the file. What
 * counts on, such as a monotonic clock and waits for a length of time, is left alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;
static const int64_t none;
static const volatile int64_t *moved = &none;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("TESTSERVER_CLOCK");
	int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *moved, PROT_READ, MAP_SHARED, file, 0);
	if (page == MAP_FAILED)
		abort(); /* better than a test on a clock that never jumps */
	moved = page;
	close(file);
}

static struct timespec plus(struct timespec t, int64_t by)
{
	int64_t ns = (int64_t)t.tv_sec * second + t.tv_nsec + by;
	return (struct timespec){.tv_sec = ns / second, .tv_nsec = ns % second};
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, t);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		*t = plus(*t, *moved);
	return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}

/*
 * Who waits until a moment by the wall clock waits by the kernel's. A moment of a
 * monotonic clock, which counts from the start of the machine, is that soon.
 */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
	struct timespec t = *until;
	if (t.tv_sec < second)
		return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &t);
	t = plus(t, -*moved);
	return pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, &t);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until)
{
	struct timespec t = plus(*until, -*moved);
	return sem_clockwait(sem, CLOCK_REALTIME, &t);
}

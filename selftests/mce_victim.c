// SPDX-License-Identifier: GPL-2.0
/*
 * A process whose memory goes bad: it tells where one page of it is and waits
 * for what comes.
 *
 *   mce_victim [early|late] [anonymous|shared|huge|memfd|FILE] [touch]
 *
 * early or late: when to be told (PR_MCE_KILL). shared: two processes have the
 * page. SIGUSR1, or touch every now and then, makes it read the page.
 *
 * The action-optional signal is fetched rather than handled, so it is reported
 * as it is whatever the page.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Bits of an entry in pagemap: bit 63, and the page frame number in 0 to 54. */
#define PM_PRESENT	0x8000000000000000ULL
#define PM_PFRAME_MASK	0x007fffffffffffffULL

#define HUGE_PAGE_SIZE	(2UL << 20)
#define FILL		0x5a

static unsigned char *page;
static size_t size;
static int file = -1;

static sigjmp_buf recovery;
static siginfo_t caught;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static unsigned long long physical_address(void)
{
	long page_size = sysconf(_SC_PAGESIZE);
	off_t offset = (uintptr_t)page / page_size * sizeof(unsigned long long);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	unsigned long long entry;

	if (fd < 0 || pread(fd, &entry, sizeof(entry), offset) != sizeof(entry))
		fail("/proc/self/pagemap");
	close(fd);

	if (!(entry & PM_PRESENT) || !(entry & PM_PFRAME_MASK)) {
		fprintf(stderr, "/proc/self/pagemap tells no page frame: not root?\n");
		exit(EXIT_FAILURE);
	}
	return (entry & PM_PFRAME_MASK) * page_size;
}

static const char *code_name(int code)
{
	switch (code) {
	case BUS_MCEERR_AO:
		return "BUS_MCEERR_AO";
	case BUS_MCEERR_AR:
		return "BUS_MCEERR_AR";
	default:
		return "not a memory error";
	}
}

static void report(const char *who, const siginfo_t *info)
{
	printf("%sSIGBUS si_code %d (%s) si_addr %p si_addr_lsb %d\n", who, info->si_code,
	       code_name(info->si_code), info->si_addr, info->si_addr_lsb);
}

static void map_page(const char *kind)
{
	int flags = MAP_POPULATE | MAP_SHARED;
	int protection = PROT_READ | PROT_WRITE;

	size = sysconf(_SC_PAGESIZE);
	if (!strcmp(kind, "anonymous")) {
		flags = MAP_POPULATE | MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED;
	} else if (!strcmp(kind, "shared")) {
		flags |= MAP_ANONYMOUS;
	} else if (!strcmp(kind, "huge")) {
		flags = MAP_POPULATE | MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
		size = HUGE_PAGE_SIZE;
	} else if (!strcmp(kind, "memfd")) {
		file = memfd_create("mce_victim", 0);
		if (file < 0 || ftruncate(file, size))
			fail("memfd_create");
	} else {
		file = open(kind, O_RDONLY);
		if (file < 0)
			fail(kind);
		protection = PROT_READ;
	}

	page = mmap(NULL, size, protection, flags, file, 0);
	if (page == MAP_FAILED)
		fail("mmap");
	if (protection & PROT_WRITE)
		memset(page, FILL, size);
}

/* The first byte of the page, from memory. */
static unsigned char look(void)
{
	return __atomic_load_n(page, __ATOMIC_RELAXED);
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	caught = *info;
	siglongjmp(recovery, 1);
}

/* Reads the page. Returns whether it is there; if not, the signal has been reported. */
static bool touch(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	sigset_t set;

	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(recovery, 1)) {
		report("", &caught);
		return false;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	look();
	sigprocmask(SIG_BLOCK, &set, NULL);
	return true;
}

static void touch_until_it_fails(void)
{
	const struct timespec moment = { .tv_nsec = 100000000 };

	while (touch())
		nanosleep(&moment, NULL);
}

static void wait_for_signal(const char *who)
{
	unsigned char byte;
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigaddset(&set, SIGUSR1);
	if (sigwaitinfo(&set, &info) < 0)
		fail("sigwaitinfo");
	if (info.si_signo == SIGBUS)
		report(who, &info);
	else if (touch())
		printf("Page reads %#x physically %#llx\n", look(), physical_address());

	if (file >= 0 && pread(file, &byte, 1, 0) != 1)
		printf("read: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
	const char *when = argc > 1 ? argv[1] : "early", *kind = argc > 2 ? argv[2] : "anonymous";
	bool early = strcmp(when, "late");
	pid_t child = -1;
	sigset_t set;

	setbuf(stdout, NULL);

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		fail("sigprocmask");

	printf("Setting %s kill... ", early ? "Early" : "Late");
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET,
		  early ? PR_MCE_KILL_EARLY : PR_MCE_KILL_LATE, 0, 0))
		fail("prctl(PR_MCE_KILL)");
	printf("Ok\n");

	map_page(kind);
	if (!strcmp(kind, "shared")) {
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			look();
			wait_for_signal("child: ");
			return EXIT_SUCCESS;
		}
	}
	printf("Data pages at %p physically %#llx\n", page, physical_address());

	if (argc > 3)
		touch_until_it_fails();
	else
		wait_for_signal("");
	if (child > 0)
		waitpid(child, NULL, 0);
	return EXIT_SUCCESS;
}

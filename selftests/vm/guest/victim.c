// SPDX-License-Identifier: GPL-2.0
/*
 * A process that wants to know early when its memory goes bad: it tells where
 * one page of it is and waits for the SIGBUS. The action-optional signal is
 * fetched rather than handled, so it is reported as it is whatever the page.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Bits of an entry in pagemap: bit 63, and the page frame number in 0 to 54. */
#define PM_PRESENT	0x8000000000000000ULL
#define PM_PFRAME_MASK	0x007fffffffffffffULL

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static unsigned long long physical_address(void *page, long page_size)
{
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

int main(void)
{
	long page_size = sysconf(_SC_PAGESIZE);
	siginfo_t info;
	sigset_t set;
	void *page;

	setbuf(stdout, NULL);

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		fail("sigprocmask");

	printf("Setting Early kill... ");
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0))
		fail("prctl(PR_MCE_KILL)");
	printf("Ok\n");

	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	if (page == MAP_FAILED)
		fail("mmap");
	memset(page, 0x5a, page_size);

	printf("Data pages at %p physically %#llx\n", page,
	       physical_address(page, page_size));

	if (sigwaitinfo(&set, &info) < 0)
		fail("sigwaitinfo");

	printf("SIGBUS si_code %d (%s) si_addr %p si_addr_lsb %d\n", info.si_code,
	       code_name(info.si_code), info.si_addr, info.si_addr_lsb);
	return EXIT_SUCCESS;
}

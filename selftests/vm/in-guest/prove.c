// SPDX-License-Identifier: GPL-2.0
/*
 * Puts one input after the other into the machine check banks of a guest, has
 * the kernel poll them, and prints the events mce:mce_record and the signals
 * that come of each.
 *
 *   prove PART...
 *
 * each,BASE,MASK: every MCi_STATUS that is BASE and some bits of MASK, in each
 * bank of each CPU, one at a time, at a page of this process. sample,COUNT,SEED:
 * the same with VAL and any other bits, anywhere in the page. Writing
 * check_interval makes the kernel poll all CPUs and return when they are done.
 *
 * timer,BASE,MASK,TURNS: in all banks at once, at no page, and polled by the
 * kernel's timer. With each turn a status comes into the next bank.
 *
 * A marker, an error of its own, follows each input. The kernel handles errors in
 * order: with the marker's event it has done with the input. The marker's
 * number tells the host where the accesses of the input end.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "../../mce.h"

/* A corrected error; its low bits are its number. */
#define MARKER			0x9000000080000000ULL

/* Where in the page errors are, and the bits of MCi_MISC that say how much is known. */
#define OFFSET			0x123
#define MISC_LSB		0x3f
#define PAGE_BITS		12
#define PAGE_SIZE		0x1000UL

#define PM_PFRAME_MASK		0x007fffffffffffffULL

#define INTERVAL	"/sys/devices/system/machinecheck/machinecheck0/check_interval"
#define TRACE_PIPE	"/sys/kernel/tracing/trace_pipe"

/* Seconds; only a failure takes so long. */
#define PATIENCE		120

#define MAX_CPUS		16

static unsigned char *const page = (void *)0x10000000;
static __u64 address;

static int msr[MAX_CPUS], pipe_fd, pagemap;
static unsigned int cpus, banks, number;
static __u64 nowhere;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		fail(path);
	return fd;
}

static __u64 rdmsr(unsigned int cpu, unsigned int reg)
{
	__u64 value;

	if (pread(msr[cpu], &value, sizeof(value), reg) != sizeof(value))
		fail("rdmsr");
	return value;
}

static void wrmsr(unsigned int cpu, unsigned int reg, __u64 value)
{
	if (pwrite(msr[cpu], &value, sizeof(value), reg) != sizeof(value))
		fail("wrmsr");
}

static void set_interval(unsigned int seconds)
{
	int fd = open_file(INTERVAL, O_WRONLY);

	if (dprintf(fd, "%u\n", seconds) < 0)
		fail(INTERVAL);
	close(fd);
}

/* A value other than before, so that the kernel polls; too long for its timer. */
static void poll_now(void)
{
	static unsigned int odd;

	odd = !odd;
	set_interval(86400 + odd);
}

static void new_page(void)
{
	const int flags = MAP_POPULATE | MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_FIXED;
	__u64 entry;

	munmap(page, PAGE_SIZE);
	if (mmap(page, PAGE_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) != page)
		fail("mmap");
	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)page / PAGE_SIZE * sizeof(entry)) !=
	    sizeof(entry))
		fail("pagemap");
	address = (entry & PM_PFRAME_MASK) * PAGE_SIZE;
	printf("page %llx\n", address / PAGE_SIZE);
}

static void put(unsigned int cpu, unsigned int bank, __u64 status, __u64 addr,
		__u64 misc)
{
	printf("input %u: CPU %u bank %u status 0x%016llx misc %#llx\n", number, cpu,
	       bank, status, misc);
	/* It may be the last word. */
	fflush(stdout);
	wrmsr(cpu, MSR_MCI_MISC(bank), misc);
	wrmsr(cpu, MSR_MCI_ADDR(bank), addr);
	wrmsr(cpu, MSR_MCI_STATUS(bank), status);
}

/* Prints the kernel's events up to that of the marker. */
static void print_events(__u64 marker)
{
	static char text[65536];
	static size_t length;
	time_t deadline = time(NULL) + PATIENCE;
	char *line, *end, *event, name[32];
	ssize_t got;

	snprintf(name, sizeof(name), " MC0: %016llx", marker);
	for (;;) {
		for (line = text; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			event = strstr(line, "mce_record: ");
			if (event && strstr(event, name)) {
				length -= end + 1 - text;
				memmove(text, end + 1, length + 1);
				return;
			}
			printf("record %s\n", event ? event + strlen("mce_record: ") : line);
		}
		length -= line - text;
		memmove(text, line, length + 1);

		got = read(pipe_fd, text + length, sizeof(text) - 1 - length);
		if (got > 0) {
			length += got;
			text[length] = '\0';
		} else if (got < 0 && errno != EAGAIN) {
			fail(TRACE_PIPE);
		} else if (time(NULL) > deadline) {
			printf("no event of marker %u\n", number);
			exit(EXIT_FAILURE);
		} else {
			sched_yield();
		}
	}
}

/* Prints the signals that there are. Who has got one needs another page. */
static void print_signals(void)
{
	const struct timespec now = { };
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	while (sigtimedwait(&set, &info, &now) == SIGBUS) {
		printf("signal SIGBUS si_code %d si_addr %p si_addr_lsb %d\n", info.si_code,
		       info.si_addr, info.si_addr_lsb);
		new_page();
	}
}

static void finish_input(void (*poll)(void))
{
	wrmsr(0, MSR_MCI_STATUS(0), MARKER | number);
	if (poll)
		poll();
	print_events(MARKER | number);
	print_signals();
	number++;
}

static void one(unsigned int cpu, unsigned int bank, __u64 status, __u64 addr,
		__u64 misc)
{
	put(cpu, bank, status, addr, misc);
	poll_now();
	finish_input(poll_now);
}

/* The bits of index, in the places of the bits of mask. */
static __u64 spread(__u64 index, __u64 mask)
{
	__u64 bits = 0;

	for (; mask; mask &= mask - 1, index >>= 1)
		if (index & 1)
			bits |= mask & -mask;
	return bits;
}

static void each(__u64 base, __u64 mask)
{
	__u64 i, count = 1ULL << __builtin_popcountll(mask);
	unsigned int cpu, bank;

	for (i = 0; i < count; i++)
		for (bank = 0; bank < banks; bank++)
			for (cpu = 0; cpu < cpus; cpu++)
				one(cpu, bank, base | spread(i, mask), address + OFFSET, MISC_PAGE);
}

/* The next number of a sequence that depends on the seed alone (xorshift64*). */
static __u64 next_random(__u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* An address is known to a page or better, or it might be another page's. */
static void sample(__u64 count, __u64 seed)
{
	__u64 state = seed + 1, status, misc, where;

	for (; count; count--) {
		status = MCI_STATUS_VAL | next_random(&state);
		misc = next_random(&state);
		misc = (misc & ~(__u64)MISC_LSB) | (misc >> 32) % (PAGE_BITS + 1);
		where = next_random(&state) >> 32;
		one((where >> 16) % cpus, (where >> 24) % banks, status,
		    address + where % PAGE_SIZE, misc);
	}
}

static void get_polls(unsigned long *polls)
{
	FILE *file = fopen("/proc/interrupts", "r");
	char line[1024], *rest;
	unsigned int cpu;

	if (!file)
		fail("/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		rest = strstr(line, "MCP:");
		if (!rest)
			continue;
		rest += strlen("MCP:");
		for (cpu = 0; cpu < cpus; cpu++)
			polls[cpu] = strtoul(rest, &rest, 10);
	}
	fclose(file);
}

/* A poll counts when it begins: with the second from now, the one before is over. */
static void wait_for_polls(void)
{
	unsigned long before[MAX_CPUS] = { }, now[MAX_CPUS] = { };
	time_t deadline = time(NULL) + PATIENCE;
	unsigned int cpu;

	get_polls(before);
	for (cpu = 0; cpu < cpus; ) {
		get_polls(now);
		if (now[cpu] >= before[cpu] + 2) {
			cpu++;
		} else if (time(NULL) > deadline) {
			printf("CPU %u is not polled\n", cpu);
			exit(EXIT_FAILURE);
		} else {
			usleep(10000);
		}
	}
}

static void by_timer(__u64 base, __u64 mask, __u64 turns)
{
	__u64 i, turn, count = 1ULL << __builtin_popcountll(mask);
	unsigned int cpu, bank, slot, slots = cpus * banks;

	printf("timer\n");
	put(0, 0, 0, 0, 0);
	set_interval(1);
	finish_input(NULL);
	for (turn = 0; turn < turns; turn++) {
		for (i = 0; i < count; ) {
			for (slot = 0; slot < slots && i < count; slot++, i++) {
				cpu = slot / banks;
				bank = (slot + turn) % banks;
				put(cpu, bank, base | spread(i, mask), nowhere, MISC_PAGE);
			}
			wait_for_polls();
			/* Some are not for the timer's poll; it leaves them. */
			for (cpu = 0; cpu < cpus; cpu++)
				for (bank = 0; bank < banks; bank++)
					wrmsr(cpu, MSR_MCI_STATUS(bank), 0);
			finish_input(NULL);
		}
	}
	poll_now();
	printf("no timer\n");
}

static void set_up(void)
{
	unsigned int eax, ebx, ecx, edx, cpu;
	char path[64];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		fail("sigprocmask");
	if (prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0))
		fail("prctl(PR_MCE_KILL)");

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	for (cpu = 0; cpu < cpus; cpu++) {
		snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
		msr[cpu] = open_file(path, O_RDWR);
		wrmsr(cpu, MSR_HWCR, rdmsr(cpu, MSR_HWCR) | HWCR_MC_STATUS_WR_EN);
	}
	banks = rdmsr(0, MSR_MCG_CAP) & 0xff;
	__cpuid(LEAF_ADDRESS_SIZES, eax, ebx, ecx, edx);
	nowhere = (1ULL << (eax & 0xff)) - PAGE_SIZE;

	pipe_fd = open_file(TRACE_PIPE, O_RDONLY | O_NONBLOCK);
	pagemap = open_file("/proc/self/pagemap", O_RDONLY);
	printf("%u CPUs, %u banks each\n", cpus, banks);
	new_page();
}

/* NAME,NUMBER,... */
static void run(const char *part)
{
	__u64 values[3] = { };
	char *rest = strchr(part, ',');
	unsigned int count = 0;

	while (rest && *rest == ',' && count < 3)
		values[count++] = strtoull(rest + 1, &rest, 0);

	if (!strncmp(part, "each,", 5) && count == 2) {
		each(values[0], values[1]);
	} else if (!strncmp(part, "sample,", 7) && count == 2) {
		sample(values[0], values[1]);
	} else if (!strncmp(part, "timer,", 6) && count == 3) {
		by_timer(values[0], values[1], values[2]);
	} else {
		fprintf(stderr, "prove: unknown part %s\n", part);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	int i;

	set_up();
	poll_now();
	finish_input(poll_now);
	for (i = 1; i < argc; i++)
		run(argv[i]);
	printf("end %u\n", number);
	finish_input(poll_now);
	return EXIT_SUCCESS;
}

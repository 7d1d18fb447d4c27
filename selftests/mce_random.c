// SPDX-License-Identifier: GPL-2.0
/*
 * mce_random SEED run FIRST COUNT INSTANCE HISTORY [corrected|left|timer]:
 * COUNT errors, the first of which has the index FIRST, each made from SEED and its
 * index alone. It puts them into banks that are empty, as many at a time as the
 * kernel has room to log, has the kernel poll them, and compares what the trace
 * instance INSTANCE says of mce:mce_record with each. The file HISTORY keeps for
 * the next run when banks had their last corrected errors.
 *
 *   corrected  they are all corrected errors: there is no guard
 *   left       they are all deferred errors, and polling is off before the last
 *              banks are filled, which somebody else polls; a line says how many
 *              wait in them
 *   timer      they are all deferred errors, and polled when it is time as long
 *              as there is a file HISTORY.busy: a CPU comes or goes
 *
 * An event clear_bank there is that of a witness who has seen a deferred error
 * go by the guard. The last line says how many were injected, how many of them
 * deferred, and how many logged. Whether they may be injected at all is for the
 * caller to decide.
 *
 * mce_random SEED show FIRST COUNT: prints these errors.
 * mce_random SEED order ROUND COUNT: prints 0 to COUNT - 1 in random order.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "mce.h"

#define INTERVAL "/sys/devices/system/machinecheck/machinecheck0/check_interval"

#define CPUS_MAX		16
#define BANKS_MAX		64

/* The kernel has room for 80 records that have not been logged yet. */
#define PENDING_MAX		40

/*
 * When check_interval is written, Linux 6.19 polls and starts the timers anew. If
 * one has been started meanwhile, it initializes a timer that is pending, and that
 * CPU does nothing else any more. So a CPU must not come or go then, and no storm
 * begin: five corrected errors of a bank within 64 polls.
 */
#define STORM_ERRORS		5
#define STORM_POLLS		64

/* Errors that wait for their bank to be free. */
#define HELD_MAX		64

/* Only a failure takes so long: milliseconds without an error that is logged. */
#define PATIENCE		120000

struct error {
	__u64 index, status, addr, misc;
	unsigned int cpu, bank;
};

/* How many polls a CPU has seen at least, and had when banks had their last corrected errors. */
struct history {
	unsigned int interval;
	__u64 polls[CPUS_MAX];
	__u64 corrected[CPUS_MAX][BANKS_MAX][STORM_ERRORS - 1];
};

enum kind { RANDOM, CORRECTED, DEFERRED };

static struct history *history;
static struct error pending[CPUS_MAX][BANKS_MAX];
static bool is_pending[CPUS_MAX][BANKS_MAX];
static unsigned int cpus, banks, phys_bits, waiting;
static int msr[CPUS_MAX], trace;
static unsigned long injected, deferred, logged, wrong;
static __u64 seed;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* Each bit of the result depends on each of the argument (SplitMix64). */
static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static struct error make_error(__u64 index, enum kind kind)
{
	__u64 what = mix(seed ^ mix(index)), where = mix(what);
	struct error error = {
		.index = index,
		.cpu = where % cpus,
		.bank = (where >> 8) % banks,
		/* With a random error code. */
		.status = MCI_STATUS_VAL | MCI_STATUS_EN | (what >> 48),
	};

	/* A storm of corrected errors would leave fewer polls. */
	if (kind == DEFERRED || (kind == RANDOM && what % 16))
		error.status |= MCI_STATUS_DEFERRED;
	if (!((what >> 2) % 4))
		error.status |= MCI_STATUS_OVER;
	if (!((what >> 4) % 4))
		error.status |= MCI_STATUS_POISON;
	if (!((what >> 6) % 4)) {
		error.status |= MCI_STATUS_MISCV;
		error.misc = MISC_PAGE;
		/* The highest pages that there can be: no memory is there. */
		if ((what >> 8) % 2) {
			error.status |= MCI_STATUS_ADDRV;
			error.addr = (1ULL << phys_bits) - 0x1000 * (1 + (what >> 16) % 1024);
		}
	}
	return error;
}

static void print_error(const char *before, const struct error *error)
{
	printf("%s%llu: cpu %u bank %u status %#llx addr %#llx misc %#llx\n", before,
	       (unsigned long long)error->index, error->cpu, error->bank,
	       (unsigned long long)error->status, (unsigned long long)error->addr,
	       (unsigned long long)error->misc);
}

/* These fail while the CPU is off. */
static bool rdmsr(unsigned int cpu, unsigned int number, __u64 *value)
{
	return pread(msr[cpu], value, sizeof(*value), number) == sizeof(*value);
}

static bool wrmsr(unsigned int cpu, unsigned int number, __u64 value)
{
	return pwrite(msr[cpu], &value, sizeof(value), number) == sizeof(value);
}

/* A CPU that has been off has forgotten that its MCi_STATUS may be written. */
static bool enable_writes(unsigned int cpu)
{
	__u64 hwcr;

	return rdmsr(cpu, MSR_HWCR, &hwcr) &&
		(hwcr & HWCR_MC_STATUS_WR_EN ||
		 wrmsr(cpu, MSR_HWCR, hwcr | HWCR_MC_STATUS_WR_EN));
}

static void disable_writes(void)
{
	__u64 hwcr;
	unsigned int cpu;

	for (cpu = 0; cpu < cpus; cpu++)
		if (rdmsr(cpu, MSR_HWCR, &hwcr))
			wrmsr(cpu, MSR_HWCR, hwcr & ~(__u64)HWCR_MC_STATUS_WR_EN);
}

static void ended(int number)
{
	disable_writes();
	_exit(128 + number);
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static bool begins_storm(const struct error *error)
{
	__u64 first = history->corrected[error->cpu][error->bank][0];

	return !(error->status & MCI_STATUS_DEFERRED) &&
		history->polls[error->cpu] - first < STORM_POLLS;
}

static void remember_corrected(const struct error *error)
{
	__u64 *corrected = history->corrected[error->cpu][error->bank];

	if (error->status & MCI_STATUS_DEFERRED)
		return;
	memmove(corrected, corrected + 1, sizeof(*corrected) * (STORM_ERRORS - 2));
	corrected[STORM_ERRORS - 2] = history->polls[error->cpu];
}

/* Fails if the CPU is off or the bank not empty: a poll may still be about to clear it. */
static bool inject(const struct error *error)
{
	__u64 status;

	if (is_pending[error->cpu][error->bank] || begins_storm(error) ||
	    !enable_writes(error->cpu) ||
	    !rdmsr(error->cpu, MSR_MCI_STATUS(error->bank), &status) || status ||
	    !wrmsr(error->cpu, MSR_MCI_MISC(error->bank), error->misc) ||
	    !wrmsr(error->cpu, MSR_MCI_ADDR(error->bank), error->addr) ||
	    !wrmsr(error->cpu, MSR_MCI_STATUS(error->bank), error->status))
		return false;
	pending[error->cpu][error->bank] = *error;
	is_pending[error->cpu][error->bank] = true;
	waiting++;
	injected++;
	deferred += !!(error->status & MCI_STATUS_DEFERRED);
	return true;
}

static void set_interval(unsigned int seconds)
{
	int fd = open(INTERVAL, O_WRONLY);

	if (fd < 0 || dprintf(fd, "%u\n", seconds) < 0 || close(fd))
		fail(INTERVAL);
	history->interval = seconds;
}

/* The kernel polls each bank of each CPU that is there when the interval changes. */
static void poll_now(void)
{
	bool was_there[CPUS_MAX];
	unsigned int cpu;
	__u64 cap;

	for (cpu = 0; cpu < cpus; cpu++)
		was_there[cpu] = rdmsr(cpu, MSR_MCG_CAP, &cap);
	set_interval(history->interval == 1 ? 2 : 1);
	for (cpu = 0; cpu < cpus; cpu++)
		if (was_there[cpu] && rdmsr(cpu, MSR_MCG_CAP, &cap))
			history->polls[cpu]++;
}

static __u64 hex_after(const char *line, const char *what)
{
	const char *at = strstr(line, what);

	return at ? strtoull(at + strlen(what), NULL, 16) : 0;
}

/* A record must be that of the error in its bank, to the bit. */
static void compare(const char *line)
{
	const char *at = strstr(line, "CPU: "), *mc;
	unsigned int cpu, bank;
	struct error *error;
	char *status;

	if (strstr(line, "EVENTS]")) {
		printf("lost: %s\n", line);
		wrong++;
	}
	if (strstr(line, " clear_bank: ")) {
		printf("not guarded: %s\n", line);
		wrong++;
	}
	if (!strstr(line, " mce_record: ") || !at)
		return;
	cpu = strtoul(at + 5, NULL, 10);
	/* MCGc/s comes before. */
	mc = strstr(at + strcspn(at, "/"), " MC");
	bank = mc ? strtoul(mc + 3, &status, 10) : BANKS_MAX;
	if (cpu >= cpus || bank >= banks || !is_pending[cpu][bank]) {
		printf("not injected: %s\n", line);
		wrong++;
		return;
	}
	error = &pending[cpu][bank];
	if (strtoull(status + 1, NULL, 16) != error->status ||
	    (error->status & MCI_STATUS_ADDRV && hex_after(line, "ADDR: ") != error->addr) ||
	    (error->status & MCI_STATUS_MISCV && hex_after(line, "MISC: ") != error->misc)) {
		print_error("injected ", error);
		printf("logged: %s\n", line);
		wrong++;
	}
	remember_corrected(error);
	is_pending[cpu][bank] = false;
	waiting--;
	logged++;
}

/* What has been logged, waiting for it for at most so long; false if that is nothing. */
static bool collect(int milliseconds)
{
	static char buffer[65536];
	static size_t used;
	struct pollfd ready = { .fd = trace, .events = POLLIN };
	char *line = buffer, *end;
	ssize_t n;

	if (poll(&ready, 1, milliseconds) <= 0)
		return false;
	n = read(trace, buffer + used, sizeof(buffer) - 1 - used);
	if (n <= 0)
		return false;
	used += n;
	buffer[used] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		compare(line);
		line = end + 1;
	}
	used -= line - buffer;
	memmove(buffer, line, used);
	return true;
}

/* The counts, and what is missing: the last words. */
static void sum_up(void)
{
	unsigned int cpu, bank;

	for (cpu = 0; cpu < cpus; cpu++)
		for (bank = 0; bank < banks; bank++)
			if (is_pending[cpu][bank])
				print_error("not logged ", &pending[cpu][bank]);
	printf("injected %lu deferred %lu logged %lu wrong %lu\n", injected, deferred, logged,
	       wrong);
	exit(logged == injected && !wrong ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Gives the kernel time to log, and up if it has not logged anything for long. */
static void wait_for_log(void)
{
	static unsigned long before;
	static long long since;

	while (waiting && collect(100))
		;
	if (logged != before || !since) {
		before = logged;
		since = now();
	} else if (now() - since > PATIENCE) {
		sum_up();
	} else if (!waiting) {
		usleep(10000);
	}
}

/*
 * Fills banks, has them emptied, and goes on. Errors whose bank is not free, or
 * whose CPU is off, are held until it is. Most often banks are polled at once,
 * else when it is time.
 */
static void fill(__u64 index, __u64 end, enum kind kind, const char *busy)
{
	static struct error held[HELD_MAX];
	unsigned int count = 0;

	while (index < end || count || waiting) {
		unsigned int i, kept = 0;

		for (i = 0; i < count; i++)
			if (waiting == PENDING_MAX || !inject(&held[i]))
				held[kept++] = held[i];
		count = kept;
		while (index < end && count < HELD_MAX && waiting < PENDING_MAX) {
			held[count] = make_error(index++, kind);
			if (!inject(&held[count]))
				count++;
		}
		if (access(busy, F_OK) && (waiting ? mix(seed + index) % 16 : count))
			poll_now();
		wait_for_log();
	}
}

/* The last errors before end that have a bank each: the index of their first. */
static __u64 last_batch(__u64 first, __u64 end)
{
	bool taken[CPUS_MAX][BANKS_MAX] = { };
	__u64 index = end;

	while (index > first && end - index < PENDING_MAX) {
		struct error error = make_error(index - 1, DEFERRED);

		if (taken[error.cpu][error.bank])
			break;
		taken[error.cpu][error.bank] = true;
		index--;
	}
	return index;
}

/* Fills banks that nobody polls, says so, and waits until somebody has emptied them. */
static void leave(__u64 index, __u64 end)
{
	unsigned long before = deferred;

	set_interval(0);
	while (index < end) {
		struct error error = make_error(index, DEFERRED);

		if (inject(&error))
			index++;
		else
			wait_for_log();
	}
	printf("left %lu\n", deferred - before);
	fflush(stdout);
	while (waiting)
		wait_for_log();
	set_interval(1);
}

static void open_machine(void)
{
	unsigned int eax, ebx, ecx, edx, cpu;
	__u64 cap;

	cpus = sysconf(_SC_NPROCESSORS_CONF);
	if (cpus > CPUS_MAX)
		cpus = CPUS_MAX;
	for (cpu = 0; cpu < cpus; cpu++) {
		unsigned int waited;
		char path[64];

		snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
		/* A CPU that is off comes back. */
		for (waited = 0; (msr[cpu] = open(path, O_RDWR)) < 0; waited++) {
			if (waited == PATIENCE / 10)
				fail(path);
			usleep(10000);
		}
	}
	if (!rdmsr(0, MSR_MCG_CAP, &cap))
		fail("MCG_CAP");
	banks = cap & 0xff;
	if (banks > BANKS_MAX)
		banks = BANKS_MAX;
	__cpuid(LEAF_ADDRESS_SIZES, eax, ebx, ecx, edx);
	phys_bits = eax & 0xff;
}

static void show(__u64 index, __u64 end)
{
	for (; index < end; index++) {
		struct error error = make_error(index, RANDOM);

		print_error("", &error);
	}
}

static void open_history(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*history)))
		fail(path);
	history = mmap(NULL, sizeof(*history), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (history == MAP_FAILED)
		fail(path);
	close(fd);
	/* Banks may have had corrected errors before that nobody has told of: let them age. */
	if (!history->interval) {
		unsigned int i;

		set_interval(2);
		for (i = 0; i < STORM_POLLS; i++)
			poll_now();
	}
}

static void run(__u64 first, __u64 end, const char *instance, const char *history_path,
		const char *how)
{
	enum kind kind = RANDOM;
	__u64 last = end;
	char path[256], busy[256];

	open_history(history_path);
	snprintf(busy, sizeof(busy), "%s.busy", history_path);
	if (!strcmp(how, "corrected")) {
		kind = CORRECTED;
	} else if (!strcmp(how, "timer")) {
		kind = DEFERRED;
	} else if (!strcmp(how, "left")) {
		kind = DEFERRED;
		last = last_batch(first, end);
	}

	snprintf(path, sizeof(path), "%s/trace_pipe", instance);
	trace = open(path, O_RDONLY | O_NONBLOCK);
	if (trace < 0)
		fail(path);
	atexit(disable_writes);
	signal(SIGTERM, ended);
	fill(first, last, kind, busy);
	if (last < end)
		leave(last, end);
	sum_up();
}

static void order(__u64 round, unsigned int count)
{
	unsigned int all[256], i, other, kept;

	for (i = 0; i < count && i < 256; i++)
		all[i] = i;
	count = i;
	for (i = count; i > 1; i--) {
		other = mix(seed ^ mix(round << 32 | i)) % i;
		kept = all[i - 1];
		all[i - 1] = all[other];
		all[other] = kept;
	}
	for (i = 0; i < count; i++)
		printf("%u\n", all[i]);
}

static __u64 parse(const char *text)
{
	char *end;
	__u64 value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "%s is not a number\n", text);
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char **argv)
{
	__u64 first, count;

	if (argc < 5) {
		fprintf(stderr,
			"mce_random SEED run FIRST COUNT INSTANCE HISTORY [corrected|left|timer]\n"
			"mce_random SEED show FIRST COUNT\n"
			"mce_random SEED order ROUND COUNT\n");
		return EXIT_FAILURE;
	}
	seed = parse(argv[1]);
	first = parse(argv[3]);
	count = parse(argv[4]);
	if (!strcmp(argv[2], "order")) {
		order(first, count);
		return EXIT_SUCCESS;
	}
	open_machine();
	if (!strcmp(argv[2], "show"))
		show(first, first + count);
	else if (!strcmp(argv[2], "run") && argc > 6)
		run(first, first + count, argv[5], argv[6], argc > 7 ? argv[7] : "");
	return EXIT_SUCCESS;
}

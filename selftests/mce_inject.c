// SPDX-License-Identifier: GPL-2.0
/*
 * Puts errors into machine check banks through /dev/cpu/N/msr, for the kernel
 * to find when it polls. An AMD CPU lets MCi_STATUS be written as long as bit 18
 * of HWCR is set.
 *
 * This does what it is told: whether an error may be injected on this machine
 * at all is for the caller to decide, see lib/machine.sh.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "mce.h"

#define LEAF_HYPERVISOR		0x40000000

/* How long a storm waits for the kernel to clear a bank, 100 us at a time. */
#define CLEAR_PATIENCE		600000

static int fd;
static unsigned long long hwcr;
static bool writes_enabled;
static sigset_t signals;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static unsigned long long rdmsr(unsigned int msr)
{
	unsigned long long value;

	if (pread(fd, &value, sizeof(value), msr) != sizeof(value))
		fail("rdmsr");
	return value;
}

static void wrmsr(unsigned int msr, unsigned long long value)
{
	if (pwrite(fd, &value, sizeof(value), msr) != sizeof(value))
		fail("wrmsr");
}

static void open_cpu(const char *cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/cpu/%s/msr", cpu);
	fd = open(path, O_RDWR);
	if (fd < 0)
		fail(path);
}

static unsigned long long parse(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "%s is not a number\n", text);
		exit(EXIT_FAILURE);
	}
	return value;
}

/* What the tests want to know of the machine, one word and its value a line. */
static void info(void)
{
	unsigned int eax, ebx, ecx, edx, signature[4] = { };

	printf("banks %u\n", (unsigned int)(rdmsr(MSR_MCG_CAP) & 0xff));

	__cpuid(1, eax, ebx, ecx, edx);
	if (ecx & (1U << 31)) {
		__cpuid(LEAF_HYPERVISOR, eax, signature[0], signature[1], signature[2]);
		printf("hypervisor %s\n", (char *)signature);
	}

	/* The highest page that an address can name: no memory is there. */
	__cpuid(LEAF_ADDRESS_SIZES, eax, ebx, ecx, edx);
	printf("nowhere %#llx\n", (1ULL << (eax & 0xff)) - 0x1000);

	printf("hwcr %#llx\n", rdmsr(MSR_HWCR));
}

static void disable_writes(void)
{
	if (!writes_enabled)
		return;
	writes_enabled = false;
	if (pwrite(fd, &hwcr, sizeof(hwcr), MSR_HWCR) != sizeof(hwcr)) {
		perror("bit 18 of HWCR stays set");
		_exit(EXIT_FAILURE);
	}
	flock(fd, LOCK_UN);
	sigprocmask(SIG_SETMASK, &signals, NULL);
}

/*
 * Lets MCi_STATUS be written until disable_writes() or exit(). Meanwhile other
 * mce_inject on this CPU wait, and so do signals: only SIGKILL leaves bit 18 set.
 */
static void enable_writes(void)
{
	sigset_t all;

	if (flock(fd, LOCK_EX))
		fail("flock");
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &signals);
	hwcr = rdmsr(MSR_HWCR);
	writes_enabled = true;
	wrmsr(MSR_HWCR, hwcr | HWCR_MC_STATUS_WR_EN);
}

static void inject(unsigned int bank, unsigned long long status,
		   unsigned long long addr, unsigned long long misc)
{
	wrmsr(MSR_MCI_MISC(bank), misc);
	wrmsr(MSR_MCI_ADDR(bank), addr);
	wrmsr(MSR_MCI_STATUS(bank), status);
}

/*
 * Waits until none of the banks holds anything any more, for at most so many
 * tenths of a second, and tells which still do.
 */
static void holding(unsigned long tenths, char **banks)
{
	unsigned long left = tenths * 2;
	char **bank = banks;

	while (*bank && left) {
		if (!rdmsr(MSR_MCI_STATUS(parse(*bank)))) {
			bank++;
			continue;
		}
		usleep(50000);
		left--;
	}
	for (bank = banks; *bank; bank++)
		if (rdmsr(MSR_MCI_STATUS(parse(*bank))))
			printf("%s\n", *bank);
}

/* COUNT errors in turn over all banks, each as soon as its bank is free. */
static void storm(unsigned long count, unsigned long long status)
{
	unsigned int banks = rdmsr(MSR_MCG_CAP) & 0xff;
	unsigned long done, waited;

	for (done = 0; done < count; done++) {
		unsigned int bank = done % banks;

		for (waited = 0; rdmsr(MSR_MCI_STATUS(bank)); waited++) {
			if (waited == CLEAR_PATIENCE) {
				fprintf(stderr, "bank %u is not cleared\n", bank);
				exit(EXIT_FAILURE);
			}
			usleep(100);
		}
		enable_writes();
		inject(bank, status, 0, 0);
		disable_writes();
	}
	printf("%lu\n", done);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[2] : "";
	int i;

	atexit(disable_writes);
	if (!strcmp(verb, "info") && argc == 3) {
		open_cpu(argv[1]);
		info();
	} else if (!strcmp(verb, "status") && argc > 3) {
		open_cpu(argv[1]);
		for (i = 3; i < argc; i++)
			printf("%#llx\n", rdmsr(MSR_MCI_STATUS(parse(argv[i]))));
	} else if (!strcmp(verb, "holding") && argc > 4) {
		open_cpu(argv[1]);
		holding(parse(argv[3]), argv + 4);
	} else if (!strcmp(verb, "misc") && argc == 4) {
		open_cpu(argv[1]);
		printf("%#llx\n", rdmsr(MSR_MCI_MISC(parse(argv[3]))));
	} else if (!strcmp(verb, "storm") && argc == 5) {
		open_cpu(argv[1]);
		storm(parse(argv[3]), parse(argv[4]));
	} else if (!strcmp(verb, "error") && argc % 4 == 3) {
		open_cpu(argv[1]);
		enable_writes();
		for (i = 3; i < argc; i += 4)
			inject(parse(argv[i]), parse(argv[i + 1]),
			       parse(argv[i + 2]), parse(argv[i + 3]));
	} else {
		fprintf(stderr,
			"mce_inject CPU info\n"
			"mce_inject CPU status BANK...\n"
			"mce_inject CPU holding TENTHS BANK...\n"
			"mce_inject CPU misc BANK\n"
			"mce_inject CPU error [BANK STATUS ADDR MISC]...\n"
			"mce_inject CPU storm COUNT STATUS\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

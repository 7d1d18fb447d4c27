// SPDX-License-Identifier: GPL-2.0
/*
 * Kernels for the doctor to look at, made of what matters to it: how machine_check_poll() clears a
 * bank, in all the forms that sources and compilers give it. FORM says which. None is ever run.
 */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

enum { DEFERRED = 44, ENABLED = 60, UNCORRECTED = 61, VALID = 63 };
#define FIXED         1
#define VULNERABLE    2
#define OLD           3
#define FEATURE       4
#define ALTERNATIVE   5
#define OTHER_FLAG    6
#define FUNCTION      7
#define CALLER        8
#define CALLEE_ALONE  9
#define INLINED       10
#define INLINED_FIXED 11
#define BARE_WRMSR    12
#define HIDDEN        13
#define ARGUMENT      14
#define POINTER       15

struct mce {
	u64 status, misc, addr, mcgstatus, ip, tsc, time;
	u8 cpuvendor, inject_flags, severity, pad;
	u32 cpuid;
	u8 cs, bank, cpu, finished;
	u64 kflags;
};

/* As in the kernel: overflow_recov, succor and smca come first. */
struct { u64 overflow_recov : 1, succor : 1, smca : 1, other : 61; } mce_flags;
struct { u8 family, vendor, model, stepping; int tlbsize; u32 x86_capability[24]; } boot_cpu_data;
struct { u8 disabled, recovers, dont_log_ce, cmci_disabled; } mca_cfg;
int has_smca_registers;
void (*clear_bank_of_vendor)(struct mce *m);
/* Per-CPU data. */
__seg_gs u32 mce_num_banks;
__seg_gs u64 mce_banks[64];

[[gnu::noinline]] u64 mce_rdmsrq(u32 msr)
{
	u32 low, high;

	__asm__ volatile ("rdmsr" : "=a" (low), "=d" (high) : "c" (msr));
	return (u64)high << 32 | low;
}

[[gnu::noinline]] void mce_wrmsrq(u32 msr, u64 value)
{
	__asm__ volatile ("wrmsr" :: "c" (msr), "a" ((u32)value), "d" ((u32)(value >> 32)));
}

[[gnu::noinline]] void mce_log(struct mce *m)
{
	__asm__ volatile ("" :: "r" (m) : "memory");
}

[[gnu::noinline]] int asks_for_smca(void)
{
	int answer;

	__asm__ volatile ("" : "=r" (answer));
	return answer;
}

/* What is in front of an alternative before the kernel has patched itself. */
[[gnu::always_inline]] static inline int cpu_has_smca(void)
{
	__asm__ goto("1: jmp 6f\n"
		"2:\n"
		".pushsection .data\n"
		".long 1b - ., 2b - .\n"
		".short 547, 0\n"
		".byte 2b - 1b, 0\n"
		".popsection\n"
		".pushsection .text.aux, \"ax\"\n"
		"6: testb $8, %c[flag](%%rip)\n"
		"   jnz %l[yes]\n"
		"   jmp %l[no]\n"
		".popsection\n"
		:: [flag] "i" ((u8 *)&boot_cpu_data.x86_capability[17]) :: yes, no);
yes:
	return 1;
no:
	return 0;
}

static inline u32 status_register(u32 bank)
{
	return cpu_has_smca() ? 0xc0002001 + (bank << 4) : 0x401 + 4 * bank;
}

[[gnu::always_inline]] static inline int may_write_destat(void)
{
	switch (FORM) {
	case FIXED:
	case INLINED_FIXED:
		return mce_flags.smca;
	case FEATURE:
		return boot_cpu_data.x86_capability[17] & 8;
	case ALTERNATIVE:
		return cpu_has_smca();
	case OTHER_FLAG:
		return has_smca_registers;
	case FUNCTION:
		return asks_for_smca();
	case OLD:
		return 0;
	default:
		return 1;
	}
}

#if FORM == INLINED || FORM == INLINED_FIXED
[[gnu::always_inline]] static inline
#else
[[gnu::noinline]]
#endif
void amd_clear_bank(struct mce *m
#if FORM == ARGUMENT
		    , int smca
#endif
		   )
{
#if FORM == ARGUMENT
	if (smca && m->status >> DEFERRED & 1) {
#else
	if (may_write_destat() && m->status >> DEFERRED & 1) {
#endif
#if FORM == BARE_WRMSR
		__asm__ volatile ("wrmsr" :: "c" (0xc0002008 + (m->bank << 4)), "a" (0), "d" (0));
#elif FORM == HIDDEN
		__asm__ goto("1: jmp %l[out]" :::: write, out);
write:
		mce_wrmsrq(0xc0002008 + (m->bank << 4), 0);
out:
		__asm__ volatile ("");
#else
		mce_wrmsrq(0xc0002008 + (m->bank << 4), 0);
#endif
	}
	if (m->kflags & 256)
		return;
	mce_wrmsrq(status_register(m->bank), 0);
}

[[gnu::always_inline]] static inline int may_call(void)
{
#if FORM == CALLER
	return mce_flags.smca;
#else
	return 1;
#endif
}

#if FORM == CALLEE_ALONE
[[gnu::noinline]] void clear_bank(struct mce *m)
#else
[[gnu::always_inline]] static inline void clear_bank(struct mce *m)
#endif
{
	if (m->cpuvendor == 2 && may_call()) {
#if FORM == POINTER
		clear_bank_of_vendor(m);
#elif FORM == ARGUMENT
		amd_clear_bank(m, mce_flags.smca);
#else
		amd_clear_bank(m);
#endif
		return;
	}
	mce_wrmsrq(status_register(m->bank), 0);
}

/* As since 6.19: on a CPU with SMCA it reads MCA_DESTAT. */
static inline int is_to_be_logged(u32 flags, struct mce *m)
{
	if (mce_flags.smca) {
		if (m->status >> VALID)
			return 1;
		m->status = mce_rdmsrq(0xc0002008 + (m->bank << 4));
		if (!(m->status >> VALID) || !(m->status >> DEFERRED & 1))
			return 0;
		m->kflags |= 256;
		return 1;
	}
	if (!(m->status >> VALID))
		return 0;
	if (flags & 2 || !(m->status >> UNCORRECTED & 1))
		return 1;
	return mca_cfg.recovers && !(m->status >> ENABLED & 1);
}

void machine_check_poll(u32 flags, u64 *banks)
{
	struct mce m = { .cpuvendor = boot_cpu_data.vendor };
	u32 i;

	for (i = 0; i < mce_num_banks; i++) {
		if (!mce_banks[i] || !(*banks >> i & 1))
			continue;
		m.bank = i;
		m.status = mce_rdmsrq(status_register(i));
		if (!is_to_be_logged(flags, &m))
			continue;
		if (!mca_cfg.dont_log_ce)
			mce_log(&m);
		clear_bank(&m);
	}
}

void _text(void)
{
	machine_check_poll(0, 0);
}

[[gnu::alias("_text")]] void _stext(void);
/* What polls at boot, as since 6.18. */
[[gnu::alias("_text")]] void __mcheck_cpu_init_prepare_banks(void);

#ifndef UNTRACED
void register_ftrace_function(void)
{
}
#endif

const char linux_banner[] =
	"Linux version " RELEASE " (me@here) (" CC ") #1 SMP Thu Jan  1 00:00:00 1970\n";

/* No kernel has fewer symbols. */
__asm__ (".pushsection .data\n"
	".macro filler\n"
	"filler_\\@: .byte 0\n"
	".endm\n"
	".rept 1000\n"
	"filler\n"
	".endr\n"
	".popsection\n");

// SPDX-License-Identifier: GPL-2.0
/*
 * mce_bpf fentry|fexit FUNCTION: attaches a BPF program to the entry or the
 * return of a function of the kernel, and returns. A child keeps the program
 * attached until it is killed. Each call of the function is an event
 * bpf_trace:bpf_trace_printk.
 *
 * It calls bpf() itself, as libbpf is not on every machine.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define BTF "/sys/kernel/btf/vmlinux"

/* More than the BTF of any kernel has. */
#define BTF_MAX (64 << 20)

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static size_t read_all(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		fail(path);
	while ((n = read(fd, buffer + done, size - done)) > 0)
		done += n;
	if (n < 0)
		fail(path);
	close(fd);
	return done;
}

/* What follows a type of this kind in BTF, in bytes. */
static size_t tail(unsigned int kind, unsigned int vlen)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * vlen;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * vlen;
	default:
		return 0;
	}
}

/* The number that a function has in the kernel's BTF: types are counted from 1. */
static unsigned int btf_id(const char *function)
{
	char *btf = malloc(BTF_MAX);
	struct btf_header *header = (struct btf_header *)btf;
	const char *at, *end, *names;
	unsigned int id;

	if (!btf)
		fail("malloc");
	if (read_all(BTF, btf, BTF_MAX) < sizeof(*header) || header->magic != BTF_MAGIC) {
		fprintf(stderr, "%s is no BTF\n", BTF);
		exit(EXIT_FAILURE);
	}
	at = btf + header->hdr_len + header->type_off;
	end = at + header->type_len;
	names = btf + header->hdr_len + header->str_off;
	for (id = 1; at < end; id++) {
		const struct btf_type *type = (const struct btf_type *)at;
		unsigned int kind = BTF_INFO_KIND(type->info);

		if (kind == BTF_KIND_FUNC && !strcmp(names + type->name_off, function)) {
			free(btf);
			return id;
		}
		at += sizeof(*type) + tail(kind, BTF_INFO_VLEN(type->info));
	}
	fprintf(stderr, "no %s() in %s\n", function, BTF);
	exit(EXIT_FAILURE);
}

static struct bpf_insn store(int offset, const char *text)
{
	struct bpf_insn insn = {
		.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10, .off = offset,
	};

	memcpy(&insn.imm, text, sizeof(insn.imm));
	return insn;
}

/* A program that prints the eight characters of what. */
static int load(unsigned int attach_type, unsigned int id, const char *what)
{
	static char log[4096];
	struct bpf_insn program[] = {
		store(-8, what),
		store(-4, what + 4),
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_trace_printk },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.insns = (unsigned long)program,
		.insn_cnt = ARRAY_SIZE(program),
		.license = (unsigned long)"GPL",
		.log_buf = (unsigned long)log,
		.log_size = sizeof(log),
		.log_level = 1,
		.expected_attach_type = attach_type,
		.attach_btf_id = id,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr);

	if (fd < 0) {
		perror("BPF_PROG_LOAD");
		fputs(log, stderr);
		exit(EXIT_FAILURE);
	}
	return fd;
}

int main(int argc, char **argv)
{
	bool fexit = argc == 3 && !strcmp(argv[1], "fexit");
	union bpf_attr attr = { };

	if (argc != 3 || (!fexit && strcmp(argv[1], "fentry"))) {
		fprintf(stderr, "mce_bpf fentry|fexit FUNCTION\n");
		return EXIT_FAILURE;
	}
	/* Eight with their terminating zero. */
	attr.raw_tracepoint.prog_fd = load(fexit ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY,
					   btf_id(argv[2]), fexit ? "fexit  " : "fentry ");
	if (bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0)
		fail("BPF_RAW_TRACEPOINT_OPEN");
	if (daemon(true, false))
		fail("daemon");
	for (;;)
		pause();
}

// SPDX-License-Identifier: GPL-2.0
/*
 * For rasdaemon, which looks 30000 times for each event that the kernel does
 * not have, a dozen of them, before it goes on without: with this it is told
 * that the event is there, and finds that it is not when it opens its file.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int access(const char *path, int mode)
{
	if (strstr(path, "/tracing/instances/"))
		return 0;
	return syscall(SYS_access, path, mode);
}

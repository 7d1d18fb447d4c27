/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AMD_MCE_GUARD_STANDIN_HELPERS_H
#define AMD_MCE_GUARD_STANDIN_HELPERS_H

#include <linux/compiler.h>
#include <linux/types.h>

/* Called by the stand-in, see kernel/bindings.rs. */
void *rust_helper_krealloc(const void *old, size_t size);
const char *rust_helper_errname(int error);
void __noreturn rust_helper_BUG(void);
void rust_helper_printk(char level, const char *module, const char *text, size_t len);

/* Made by module!(). */
int rust_module_init(void);
void rust_module_exit(void);

#endif

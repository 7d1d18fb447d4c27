// SPDX-License-Identifier: GPL-2.0
/*
 * What pr_info!() and its like call in a self-contained module, in place of
 * _printk(). The kernel's %pA, which they print with, is only there with
 * CONFIG_RUST, and understands the arguments of the rustc that the kernel was
 * built with. So they are formatted here, by what the module itself carries.
 */

#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sprintf.h>

#include "helpers.h"

/*
 * @format says the level and is "%s: %pA" else. pr_cont!(), which takes
 * another one, is not for this module.
 */
int rust_helper_printk(const char *format, const char *module, const void *arguments)
{
	char text[160];
	char *last = &text[sizeof(text) - 1];

	*min(rust_fmt_argument(text, last, arguments), last) = '\0';
	return _printk("%.2s%s: %s", format, module, text);
}

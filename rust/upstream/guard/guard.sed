# SPDX-License-Identifier: GPL-2.0
#
# Makes drivers/ras/amd/mce_guard/guard.rs of rust/guard.rs: bindings and ftrace are in the kernel
# crate, and nobody has the doctor there.
s/^use kernel::prelude::\*;$/use kernel::{\
    bindings,\
    ftrace,\
    prelude::*, \/\/\
};/
/^mod \(bindings\|ftrace\);$/d
s/; run amd-mce-guard-doctor//
/EINVAL => pr_err!($/{
N
N
N
s/(\n *\(".*\); \\\n *run amd-mce-guard-doctor\(\\n"\)\n *)/(\1\2)/
}

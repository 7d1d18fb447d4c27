# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Everything a script of the lab uses.

source "$(dirname "${BASH_SOURCE[0]}")/paths.sh"
source "$TOP/selftests/vm/kernels.sh"
source "$TOP/selftests/vm/lib/progress.sh"
source "$TOP/selftests/vm/lib/sysroot.sh"
source "$TOP/selftests/vm/lib/source.sh"
source "$TOP/selftests/vm/lib/kernel.sh"
source "$TOP/selftests/vm/lib/stock.sh"
source "$TOP/selftests/vm/lib/vm.sh"
source "$TOP/selftests/vm/lib/accel.sh"

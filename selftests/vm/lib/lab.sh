# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Everything a script of the lab uses.

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source "$TOP/selftests/vm/versions.sh"
source "$TOP/selftests/vm/progress.sh"
source "$TOP/selftests/vm/sysroot.sh"
source "$TOP/selftests/vm/source.sh"
source "$TOP/selftests/vm/kernel.sh"
source "$TOP/selftests/vm/stock.sh"
source "$TOP/selftests/vm/vm.sh"
source "$TOP/selftests/vm/accel.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The campaign and its control in a guest under KVM.
#
# VM: cpus=1 timeout=1800

source /repo/selftests/vm/in-host-vm/nested-guest.sh

guest nested 2 JOB=campaign CONTROL=yes
[ -s /lab/nested/result ]

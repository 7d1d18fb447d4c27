#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A kernel that has no function to hook, as a module sees it that looks for another one.

source /repo/selftests/vm/jobs/ktap.sh

ktap_print_header
ktap_set_plan 5
test_that "does not load where its function is not to be found: ENODEV" \
	load_fails_with 'No such device' /repo/build/nofunction/rust/amd_mce_guard.ko
test_that "says so" \
	log_says 'amd_mce_guard: no traceable amd_clear_bank() here: nothing to hook, NOT guarding'
test_that "hooks nothing" not_hooked
test_that "creates no files" no_files
test_that "no splat" no_splat

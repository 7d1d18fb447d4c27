#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Builds and boots kernels with the series for upstream; `make check` has the short form.

source "$(dirname "$0")/setup.sh"

setup test debug newest
"$TOP/selftests/vm/on-machine/series.sh" | tee "$BUILD/series.ktap"
[ "$(grep -c '^ok ' "$BUILD/series.ktap")" = "$(sed -n 's/^1\.\.//p' "$BUILD/series.ktap")" ]

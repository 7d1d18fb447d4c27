# SPDX-License-Identifier: GPL-2.0
project = "amd_mce_guard"

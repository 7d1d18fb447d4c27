#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# series.sh TREE OUT: writes the series for upstream to OUT, as git format-patch does, for the kernel
# source in TREE, which is only read. Beside this script there is a folder for each patch, with its
# message and with what is not made from a file of this project.

set -e -o pipefail
shopt -s inherit_errexit

top=$(realpath "$(dirname "$0")/../..")
here=$top/rust/upstream

die()
{
	echo "amd_mce_guard: $*" >&2
	exit 1
}

[ -f "$1/MAINTAINERS" ] && [ -d "$1/rust/kernel" ] ||
	die "'$1' is no kernel source with Rust: name one, as in 'make upstream KERNEL=~/linux'"
tree=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
for tool in git patch perl; do
	command -v $tool > /dev/null || die "$tool is missing; install it"
done
name=$(git -C "$top" config user.name) && email=$(git -C "$top" config user.email) ||
	die "git does not know who signs the patches off: set user.name and user.email, as in" \
		"'git config --global user.name \"Your Name\"', and run this again"

# What the patches change; all else they bring.
readonly CHANGED=(
	Documentation/admin-guide/RAS/index.rst
	Documentation/rust/index.rst
	MAINTAINERS
	drivers/ras/Kconfig
	drivers/ras/Makefile
	kernel/trace/ftrace.c
	rust/bindings/bindings_helper.h
	rust/helpers/helpers.c
	rust/kernel/Kconfig.test
	rust/kernel/lib.rs
	samples/rust/Kconfig
	samples/rust/Makefile
	tools/testing/selftests/Makefile
)

# insert before|after PATTERN FILE: standard input, before or after the one line that matches
insert()
{
	local text

	[ "$(grep -c "$2" "$3")" = 1 ] ||
		die "$3 of this kernel has not one line like '$2': rust/upstream/series.sh has to learn" \
			"where its addition goes"
	# A backslash is one to awk, too.
	text=$(sed 's/\\/&&/g')
	awk -v pattern="$2" -v text="$text" -v where="$1" '
		where == "before" && $0 ~ pattern { print text }
		{ print }
		where == "after" && $0 ~ pattern { print text }' "$3" > "$out/inserted"
	cat "$out/inserted" > "$3"
	rm "$out/inserted"
}

# maintain ENTRY: a section of MAINTAINERS, where the alphabet has it
maintain()
{
	sed "s/@AUTHOR@/$name <$email>/" "$1" > "$out/entry"
	awk -v entry="$out/entry" '
		BEGIN { getline title < entry; close(entry) }
		/^3C59X / { sections = 1 }
		sections && !done && previous == "" && $0 > title {
			while ((getline line < entry) > 0)
				print line
			print ""
			done = 1
		}
		{ print; previous = $0 }
		END { exit !done }' MAINTAINERS > "$out/maintainers" || die "no place in MAINTAINERS"
	cat "$out/maintainers" > MAINTAINERS
	rm "$out/entry" "$out/maintainers"
}

# commit PATCH: what there is, with the message of that folder
commit()
{
	git add -A
	git commit -q -s -F "$here/$1/message"
}

# In the kernel crate, paths begin at this very crate; there is no file of bindings and no module
# without KUnit; and the tests are others. What only a tree has is added.
ftrace_rs()
{
	sed -e '/^#!\[allow($/,/^)]$/d' \
		-e '/expect(dead_code/d' \
		-e '/^use crate::bindings;$/,+1d' \
		-e 's/^use kernel::{container_of,.*/use crate::{\n    bindings,\n    container_of,\n    error::to_result,\n    prelude::*,\n    types::Opaque, \/\/\n};/' \
		-e '/^#\[kunit_tests/,$d' "$top/rust/ftrace.rs" | cat -s - "$here/rust-ftrace/ftrace.rs"
}

make_ftrace()
{
	patch -s -p1 --no-backup-if-mismatch < "$here/ftrace/set_hash.patch"
	rm -f kernel/trace/ftrace.c.orig
}

make_rust_ftrace()
{
	ftrace_rs > rust/kernel/ftrace.rs
	cp "$here/rust-ftrace/ftrace.c" rust/helpers/
	echo '#include <linux/ftrace.h>' |
		insert after '^#include <linux/fs.h>$' rust/bindings/bindings_helper.h
	echo '#include "ftrace.c"' | insert after '^#include "fs.c"$' rust/helpers/helpers.c
	printf '%s\n' '#[cfg(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)]' 'pub mod ftrace;' |
		insert after '^pub mod fs;$' rust/kernel/lib.rs
	# Before 7.0 the tests of the crate had no options, and helpers no mark.
	if [ -f rust/kernel/Kconfig.test ]; then
		insert before '^endif$' rust/kernel/Kconfig.test < "$here/rust-ftrace/Kconfig.test"
	else
		sed -i '/CONFIG_RUST_FTRACE_KUNIT_TEST/d' rust/kernel/ftrace.rs
		sed -i 's/CONFIG_RUST_FTRACE_KUNIT_TEST/CONFIG_KUNIT/' rust/helpers/ftrace.c
	fi
	grep -q __rust_helper rust/helpers/helpers.c ||
		sed -i 's/^__rust_helper //' rust/helpers/ftrace.c
	maintain "$here/rust-ftrace/MAINTAINERS"
}

make_sample()
{
	cp "$here/sample/rust_ftrace.rs" samples/rust/
	insert before '^config SAMPLE_RUST_HOSTPROGS$' samples/rust/Kconfig < "$here/sample/Kconfig"
	printf 'obj-$(CONFIG_SAMPLE_RUST_FTRACE)\t\t+= rust_ftrace.o\n' |
		insert after 'SAMPLE_RUST_DRIVER_AUXILIARY' samples/rust/Makefile
}

readonly PATCHES=(ftrace rust-ftrace sample)

rm -rf "$out"/*.patch "$out/git"
mkdir "$out/git"
cd "$out/git"
git init -q
git config user.name "$name"
git config user.email "$email"
git config core.autocrlf false
for file in "${CHANGED[@]}"; do
	[ -f "$tree/$file" ] || continue
	mkdir -p "$(dirname "$file")"
	cp "$tree/$file" "$file"
done
release=$(sed -n 's/^\(VERSION\|PATCHLEVEL\|SUBLEVEL\) = //p' "$tree/Makefile" | paste -sd .)
git add -A
git commit -q -m "linux $release"
git tag base
for patch in "${PATCHES[@]}"; do
	"make_${patch//-/_}"
	commit "$patch"
done

# addressees PATCH [OPTION]: whom get_maintainer.pl of that kernel names, one a line
addressees()
{
	(cd "$tree" && perl scripts/get_maintainer.pl --no-git --no-git-fallback --no-rolestats \
		--no-fixes "${@:2}" "$1")
}

# address FILE: reads whom to send it to and whom else, and adds that to its head
address()
{
	awk 'BEGIN { FS = "\t" }
		{ list[$1] = list[$1] (list[$1] ? ",\n    " : "") $2 }
		END { if (list["To"]) print "To: " list["To"]; if (list["Cc"]) print "Cc: " list["Cc"] }' \
		> "$out/head"
	sed -i -e "/^Subject: /{
		r $out/head
		N
	}" "$1"
	rm "$out/head"
}

git format-patch -q --cover-letter --subject-prefix="PATCH RFC" --cover-from-description=subject \
	--description-file="$here/cover" -o "$out" base

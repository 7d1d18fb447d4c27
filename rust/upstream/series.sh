#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# series.sh TREE OUT: writes the series for upstream to OUT, as git format-patch does, for the
# kernel source in TREE, which is only read. Beside this script there is a folder for each patch,
# with its message and with what is not made from a file of this project.

set -e -o pipefail
shopt -s inherit_errexit

top=$(realpath "$(dirname "$0")/../..")
here=$top/rust/upstream

die()
{
	echo "amd_mce_guard: $*" >&2
	exit 1
}

[[ -f $1/MAINTAINERS && -d $1/rust/kernel ]] ||
	die "'$1' is no kernel source with Rust: name one, as in 'make upstream KERNEL=~/linux'"
tree=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
for tool in git patch perl; do
	command -v $tool > /dev/null || die "$tool is missing; install it"
done
name=$(git -C "$top" config user.name || :)
email=$(git -C "$top" config user.email || :)
[[ -n $name && -n $email ]] ||
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
	local line

	line=$(grep -n "$2" "$3" | cut -d : -f 1)
	[[ $line =~ ^[0-9]+$ ]] ||
		die "$3 of this kernel has not one line like '$2':" \
			"rust/upstream has to learn where its addition goes"
	[ "$1" = after ] || line=$((line - 1))
	{
		head -n "$line" "$3"
		cat
		tail -n "+$((line + 1))" "$3"
	} > "$out/inserted"
	cat "$out/inserted" > "$3"
	rm "$out/inserted"
}

# maintain ENTRY: a section of MAINTAINERS, where the alphabet has it. Some sections there are out
# of order: the first two letters tell.
maintain()
{
	sed "s/@AUTHOR@/$name <$email>/" "$1" > "$out/entry"
	awk -v entry="$out/entry" '
		BEGIN { getline title < entry; close(entry) }
		/^3C59X / { sections = 1 }
		sections && !done && previous == "" && $0 > title &&
			substr($0, 1, 2) == substr(title, 1, 2) {
			while ((getline line < entry) > 0)
				print line
			print ""
			done = 1
		}
		{ print; previous = $0 }
		END { exit !done }' MAINTAINERS > "$out/maintainers" ||
		die "no place in MAINTAINERS"
	cat "$out/maintainers" > MAINTAINERS
	rm "$out/entry" "$out/maintainers"
}

# commit PATCH: what there is, with the message of that folder
commit()
{
	git add -A
	git commit -q -s -F "$here/$1/message"
}

# What only the kernel crate has follows what it has from here.
ftrace_rs()
{
	sed -f "$here/rust-ftrace/ftrace.sed" "$top/rust/ftrace.rs" |
		cat -s - "$here/rust-ftrace/ftrace.part"
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
	fi
	grep -q __rust_helper rust/helpers/helpers.c ||
		sed -i 's/^__rust_helper //' rust/helpers/ftrace.c
	maintain "$here/rust-ftrace/MAINTAINERS"
}

make_sample()
{
	cp "$here/sample/rust_ftrace.rs" samples/rust/
	insert before '^config SAMPLE_RUST_HOSTPROGS$' samples/rust/Kconfig \
		< "$here/sample/Kconfig"
	insert after 'SAMPLE_RUST_DRIVER_AUXILIARY' samples/rust/Makefile \
		< "$here/sample/makefile-line"
}

# tests DIRECTORY FILE...: kselftests of this project, there
tests()
{
	local file dir=tools/testing/selftests/$1

	for file in "${@:2}"; do
		mkdir -p "$dir/$(dirname "$file")"
		cp -r "$top/selftests/$file" "$dir/$file"
	done
}

# for_x86: a Makefile of kselftests that has none on other architectures
for_x86()
{
	awk '
		/^TEST_GEN_FILES/ {
			print "ARCH ?= $(shell uname -m)"
			print "\nifneq ($(filter x86 x86_64,$(ARCH)),)"
		}
		/^CFLAGS/ { print "endif\n" }
		{ print }'
}

# ignore_built DIRECTORY: has git ignore the programs that make builds there
ignore_built()
{
	sed -n -e 1p -e 's/^TEST_GEN_FILES := //; T; s/ /\n/g; p' "$1/Makefile" > "$1/.gitignore"
}

# The tests that need nothing but a kernel, and the verbs that they use: those of this project,
# less what is about the guard.
make_selftests()
{
	local dir=tools/testing/selftests/x86/mce file tests='' name option

	for name in deferred corrected memory hotplug threshold; do
		tests+=" test-$name.sh"
	done
	# shellcheck disable=SC2086 # a list
	tests x86/mce mce.h mce_inject.c mce_victim.c settings functions.sh lib $tests
	rm $dir/lib/{modules,livepatch,others,steps}.sh
	for file in "$dir"/*.sh "$dir"/lib/*.sh; do
		awk -f "$here/selftests/without-guard.awk" "$file" > "$out/verbs"
		sed 's|\.\./kselftest/|../&|' "$out/verbs" > "$file"
	done
	rm "$out/verbs"
	for_x86 < "$here/selftests/Makefile" > $dir/Makefile
	ignore_built $dir
	# Less what the module and its tests need, and the lab's host.
	for option in MODULES MODULE_UNLOAD RUST FUNCTION_GRAPH_TRACER LIVEPATCH DEBUG_FS SYSCTL \
		RAS FPROBE BPF_SYSCALL DEBUG_INFO_DWARF5 DEBUG_INFO_BTF; do
		echo "CONFIG_$option="
	done | grep -vFf - "$top/selftests/config" > $dir/config
	printf 'F:\ttools/testing/selftests/x86/mce/\n' |
		insert after '^F:.arch/x86/kernel/cpu/mce/\*$' MAINTAINERS
	echo 'TARGETS += x86/mce' |
		insert after '^TARGETS += x86/bugs$' tools/testing/selftests/Makefile
}

make_guard()
{
	local dir=drivers/ras/amd/mce_guard file

	mkdir -p $dir
	cp "$top"/rust/{clear_bank,counters,cpu,debugfs,hook,mca,sweep}.rs $dir/
	sed -f "$here/guard/guard.sed" "$top/rust/guard.rs" > $dir/guard.rs
	for file in helpers/helpers.c helpers/helpers.h bindings/bindings_helper.h; do
		sed -f "$here/guard/c.sed" "$top/rust/$file" | cat -s | sed '${/^$/d}' \
			> $dir/${file##*/}
	done
	mv $dir/bindings_helper.h $dir/bindings.h
	cp "$here"/guard/{Kconfig,Makefile} $dir/
	insert after 'amd/atl/$' drivers/ras/Makefile < "$here/guard/ras-makefile"
	echo 'source "drivers/ras/amd/mce_guard/Kconfig"' |
		insert after 'drivers/ras/amd/atl/Kconfig' drivers/ras/Kconfig
	cat "$here/guard/bindings-helper" >> rust/bindings/bindings_helper.h
	maintain "$here/guard/MAINTAINERS"

	# shellcheck disable=SC2046 # a list
	tests amd_mce_guard $(cd "$top/selftests" && echo config settings functions.sh \
		campaign.sh lib mce.h mce_*.c test-*.sh test_modules)
	sed -e 's/ lava\.[a-z]*//' -e 's/ README//' -e 's/ [$](wildcard amd_mce_guard[^)]*)//' \
		-e 's/^\(# kselftests of amd_mce_guard\)\..*/\1/' -e '/^# tools.testing/d' \
		-e '/^ifneq/d' -e '/^else/,$d' "$top/selftests/Makefile" | for_x86 \
		> tools/testing/selftests/amd_mce_guard/Makefile
	ignore_built tools/testing/selftests/amd_mce_guard
	echo 'TARGETS += amd_mce_guard' |
		insert before '^TARGETS += arm64$' tools/testing/selftests/Makefile
}

make_documentation()
{
	local guide=Documentation/admin-guide/RAS

	cp "$here/documentation/ftrace.rst" Documentation/rust/
	cp "$here/documentation/amd-mce-guard.rst" $guide/
	echo '    ftrace' | insert after '^    general-information$' Documentation/rust/index.rst
	echo '   amd-mce-guard' | insert after '^   main$' $guide/index.rst
	sed -i 's|^F:\trust/helpers/ftrace.c$|F:\tDocumentation/rust/ftrace.rst\n&|
		s|^F:\tdrivers/ras/amd/mce_guard/$|F:\t'$guide'/amd-mce-guard.rst\n&|' MAINTAINERS
}

readonly PATCHES=(ftrace rust-ftrace sample selftests guard documentation)

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

# concerned PATCH: whose code a patch calls or tests, which is not in its files
concerned()
{
	case ${1##*/} in
	000[23]-*) addressees kernel/trace/ftrace.c -f ;;
	000[45]-*) addressees arch/x86/kernel/cpu/mce/amd.c -f ;;
	esac
}

# address FILE: reads whom to send it to and whom else, and adds that to its head
address()
{
	awk 'BEGIN { FS = "\t" }
		NR == FNR { list[$1] = list[$1] (list[$1] ? ",\n    " : "") $2; next }
		/^Subject: / && !done {
			if (list["To"]) print "To: " list["To"]
			if (list["Cc"]) print "Cc: " list["Cc"]
			done = 1
		}
		{ print }' - "$1" > "$out/addressed"
	mv "$out/addressed" "$1"
}

git format-patch -q --cover-letter --cover-from-description=subject \
	--description-file="$here/cover" -o "$out" base
# The guard is there to be talked about.
sed -i '/^Subject: .*ras.amd/s/\[PATCH/[RFC PATCH/' "$out"/*.patch
for patch in "$out"/0*[1-9]-*.patch; do
	{
		addressees "$patch" --nol | sed 's/^/To\t/'
		addressees "$patch" --nom --nor --nos | sed 's/^/Cc\t/'
		concerned "$patch" | sed 's/^/Cc\t/'
	} | awk -F '\t' '!seen[$2]++' > "$patch.to"
	address "$patch" < "$patch.to"
done
# What it is made for, where that has a name.
if [ -e "$tree/.git" ] && base=$(git -C "$tree" rev-parse -q --verify HEAD); then
	sed -i "s/^-- $/base-commit: $base\n&/" "$out"/0000-*.patch
fi
# Who gets a patch gets the cover letter; of lists each.
sort -ru "$out"/*.to | awk -F '\t' '!seen[$2]++' | address "$out"/0000-*.patch
rm "$out"/*.to

# For vendors' kernels that have the change and not its fix; they are no part of the series.
for patch in "$here"/backport/*.patch; do
	{
		echo "From: $name <$email>"
		git interpret-trailers --trailer "Signed-off-by: $name <$email>" "$patch"
	} > "$out/backport-${patch##*/}"
done

tag=$(sed -n 's/^Fixes: //p' "$here/ftrace/message")
hash=${tag%% *}
if ! git -C "$tree" cat-file -e "$hash^{commit}" 2> /dev/null; then
	echo "amd_mce_guard: $1 has no history: before you mail it, verify in a clone of Linux" \
		"that 'git show --no-patch --format=%s $hash' says $tag"
elif [ "$hash $(git -C "$tree" show -s --format='("%s")' "$hash")" != "$tag" ]; then
	die "the Fixes: tag of rust/upstream/ftrace/message names another commit: $tag"
fi
rm -rf "$out/git"
echo "amd_mce_guard: the series for linux $release is in $2;" \
	"Documentation/upstreaming.rst says to whom it goes"

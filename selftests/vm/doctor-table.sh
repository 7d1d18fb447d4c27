#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# doctor-table.sh [PATTERN]: what the doctor says of the kernels that Debian serves, from bookworm
# to experimental, as a table: the oldest and the newest of each series and flavour, or each whose
# release matches PATTERN. Not part of make check: it downloads a package for each.

source "$(dirname "$0")/lib/lab.sh"

readonly WORK=build/doctor-table
readonly DOCTOR=build/doctor/amd-mce-guard-doctor
readonly SUITES=(bookworm bookworm-backports trixie trixie-backports sid experimental)
readonly APT=(
	-o "Dir::Etc::sourcelist=/repo/$WORK/sources.list" -o Dir::Etc::sourceparts=/dev/null
	-o "Dir::State::lists=/repo/$WORK/lists" -o "Dir::Cache=/repo/$WORK/cache"
	-o APT::Sandbox::User=root -o Acquire::Languages=none
)

# Old indexes do: signed they are, and none but images are looked at.
get_indexes()
{
	local suite from

	from=$(mirror)
	mkdir -p "$TOP/$WORK"/{lists,cache/archives}/partial
	for suite in "${SUITES[@]}"; do
		echo "deb [check-valid-until=no] ${from:-http://deb.debian.org/debian} $suite main"
	done > "$TOP/$WORK/sources.list"
	in_sysroot apt-get "${APT[@]}" -qq update
}

# images: lines of release, series and flavour, and the package with its image, oldest first; only
# names that are formed like those of kernels
images()
{
	local version='([0-9]+\.[0-9]+)[0-9.]*(-[0-9]+)?(\+deb[0-9]+[0-9.]*)?'

	in_sysroot apt-cache "${APT[@]}" search -n '^linux-(image|binary)-' | awk '{ print $1 }' |
		sed -nE "s/^linux-(image|binary)-(unsigned-)?($version-((cloud|rt)-)?amd64)\
(-unsigned)?\$/\3 \4-\8 &/p" |
		grep -vE '^[0-9]+\.[0-9]+-(cloud-|rt-)?amd64 ' | sort -V
}

# chosen PATTERN: those of them to look at. From 6.19 on the package linux-image has no image, but
# needs linux-binary.
chosen()
{
	awk -v pattern="$1" '
		{ release = $1; group = $2; package = $3 }
		release in packages && package !~ /^linux-binary-[0-9]/ { next }
		!(release in packages) { order[++n] = release; groups[release] = group }
		{ packages[release] = package }
		END {
			for (i = 1; i <= n; i++) {
				if (!(groups[order[i]] in first))
					first[groups[order[i]]] = order[i]
				last[groups[order[i]]] = order[i]
			}
			for (i = 1; i <= n; i++) {
				r = order[i]
				ends = r == first[groups[r]] || r == last[groups[r]]
				if (pattern == "" ? ends : r ~ pattern)
					print r, packages[r]
			}
		}'
}

# look RELEASE PACKAGE: a line of the table
look()
{
	local answer file="$WORK/vmlinuz"

	rm -f "$TOP/$WORK"/*.deb "${TOP:?}/$file"
	answer=$(in_sysroot sh -c "cd $WORK && apt-get ${APT[*]} -qq download '$2' >&2 &&
		dpkg-deb --fsys-tarfile ./*.deb |
			tar -xO --wildcards '*/vmlinuz*' > vmlinuz" 2>&1) || {
		printf '%-34s %s\n' "$1" "not to be had: $(tail -n 1 <<< "$answer")"
		return
	}
	answer=$(in_sysroot $DOCTOR --root $WORK/machine --image "$file")
	printf '%-34s %-13s %s\n' "$1" "$(sed -n 's/^status: *//p' <<< "$answer")" \
		"$(sed -n "s|^reason: *\(the kernel in $file\)\{0,1\}||p" <<< "$answer")"
}

in_sysroot make -s -C /repo $DOCTOR || die "the doctor cannot be built"
get_indexes || die "Debian's indexes cannot be had: is the network up?"
mkdir -p "$TOP/$WORK/machine/proc"
printf 'vendor_id\t: AuthenticAMD\nflags\t\t: mce mca\n' > "$TOP/$WORK/machine/proc/cpuinfo"
images | chosen "${1:-}" | while read -r release package; do
	look "$release" "$package" < /dev/null
done
rm -rf "${TOP:?}/$WORK"

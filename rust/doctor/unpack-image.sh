#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# unpack-image.sh IMAGE: the kernel in a bzImage, an ELF file with sections but no symbols, to
# standard output. Where it is and how long, the boot protocol says (2.08 and later).

image=$1

fail()
{
	echo "cannot unpack $image: $*" >&2
	exit 1
}

# number OFFSET BYTES: what stands there, little-endian
number()
{
	od -An -t "u$2" -j "$1" -N "$2" "$image" 2> /dev/null | tr -d ' '
}

[ -r "$image" ] || fail "it cannot be read"
# "HdrS"
[ "$(number $((0x202)) 4)" = $((0x53726448)) ] || fail "it is not a bzImage"
sectors=$(number $((0x1f1)) 1)
[ "$sectors" != 0 ] || sectors=4
start=$(((sectors + 1) * 512 + $(number $((0x248)) 4)))
length=$(number $((0x24c)) 4)

case $(od -An -t x1 -j $start -N 4 "$image" | tr -d ' ') in
28b52ffd) unpack='zstd -qdc' ;;
fd377a58) unpack='xz -qdc' ;;
1f8b*) unpack='gzip -qdc' ;;
02214c18) unpack='lz4 -qdc' ;;
425a68*) unpack='bzip2 -qdc' ;;
*) fail "it is packed in a way that is not known here" ;;
esac
command -v "${unpack%% *}" > /dev/null || fail "${unpack%% *} is not installed"

# Behind what is packed comes its size, which some unpackers take for rubbish.
tail -c +$((start + 1)) "$image" | head -c "$length" | $unpack 2> /dev/null
exit 0

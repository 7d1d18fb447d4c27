#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# clear-bank.pl VMLINUX
# clear-bank.pl KALLSYMS KCORE
#
# Does the amd_clear_bank() of a kernel ask whether the CPU has SMCA before it writes MCA_DESTAT?
# That of an image, as unpack-image.sh unpacks it, or of the running kernel (/proc/kallsyms and
# /proc/kcore, as root). Prints one of
#
#	checks     it does
#	vulnerable it does not
#	absent     there is no such function, and so nothing to ask
#	unknown WHY
#
# What tells: the check reads mce_flags, which nothing else in the function does, and MCA_DESTAT's
# number is a constant in its code.

use strict;
use warnings;

use constant DESTAT => 0xc0002008;

sub unknown { print "unknown @_\n"; exit }

# read_at FILE OFFSET LENGTH
sub read_at
{
	my ($file, $offset, $length) = @_;
	my $bytes = '';

	sysseek $file, $offset, 0 or return '';
	while (length $bytes < $length) {
		sysread $file, $bytes, $length - length $bytes, length $bytes or last;
	}
	return $bytes;
}

sub open_file
{
	open my $file, '<:raw', $_[0] or unknown "$_[0] cannot be read: $!";
	return $file;
}

# segments FILE: of an ELF file, each [address, size, offset]: of its sections if it has any, or of
# its program headers
sub segments
{
	my ($file) = @_;
	my @elf = unpack 'a4 C12 S2 L Q3 L S6', read_at($file, 0, 64);
	my @segments;

	$elf[0] eq "\x7fELF" or unknown 'this is not an ELF file';
	my ($phoff, $shoff, $phnum, $shnum) = @elf[17, 18, 22, 24];
	for my $i (0 .. $shnum - 1) {
		my (undef, undef, undef, $address, $offset, $size) =
			unpack 'L2 Q4', read_at($file, $shoff + 64 * $i, 64);
		push @segments, [$address, $size, $offset] if $address;
	}
	return @segments if @segments;
	for my $i (0 .. $phnum - 1) {
		my ($type, undef, $offset, $address, undef, $size) =
			unpack 'L2 Q4', read_at($file, $phoff + 56 * $i, 56);
		push @segments, [$address, $size, $offset] if $type == 1;
	}
	return @segments;
}

# bytes_at FILE ADDRESS LENGTH: from an ELF file
sub bytes_at
{
	my ($file, $address, $length) = @_;

	for (segments($file)) {
		my ($from, $size, $offset) = @$_;
		next if $address < $from || $address + $length > $from + $size;
		# In this order, or it leaves what integers hold.
		return read_at($file, $offset + ($address - $from), $length);
	}
	unknown sprintf 'there is nothing at address %#x', $address;
}

# running_symbols FILE: what /proc/kallsyms says, name => address; zeroes are for other readers
sub running_symbols
{
	my $file = open_file($_[0]);
	my %symbols;

	while (<$file>) {
		my ($address, $type, $name, $module) = split;
		next if $module || $type !~ /[tTdDbBrR]/;
		$symbols{$name} //= hex $address;
	}
	($symbols{_stext} // 0) or unknown 'the addresses in /proc/kallsyms are for root to see';
	return %symbols;
}

# image_symbols FILE: the same from the tables that the kernel has for /proc/kallsyms itself. One
# follows the other, aligned to eight bytes, or since 7.1 to four.
sub image_symbols
{
	my ($file) = @_;
	my ($text, $rodata) = segments($file);
	my $data = read_at($file, $rodata->[2], $rodata->[1]);
	my ($start, $index, @tokens) = token_table($data);
	$start or unknown 'the image has no table of symbols (CONFIG_KALLSYMS)';

	# In front of the tokens are the markers, one for 256 names, the first of which is 0; in
	# front of them the names, and in front of those how many they are.
	my $end = ($start & ~3) - 4;
	$end -= 4 while $end > 0 && !unpack 'L', substr $data, $end, 4;
	my $last = unpack 'L', substr $data, $end, 4;
	$end -= 4 while $end > 0 && unpack 'L', substr $data, $end, 4;
	my $names;
	my $at = ($end - $last) & ~3;
	for my $try (map { $at - 4 * $_ } 0 .. 16384) {
		$names = names_at(\$data, $try, $end, \@tokens) and last;
	}
	$names or unknown 'the table of symbols in the image is in no known form';

	# Behind the tokens an index of them, of two bytes each, and the addresses: how far they
	# are from where they stand; or from one that comes up, or until 6.14 down, to _text.
	my $count = @$names;
	my @offsets = unpack "l$count", substr $data, $index + 512, 4 * $count;
	my %number;
	$number{substr $names->[$_], 1} //= $_ for 0 .. $count - 1;
	my $zero = $number{_text} // unknown 'the table of symbols in the image has no _text';
	my $here = $rodata->[0] + $index + 512;
	my $address = sub { $text->[0] + $offsets[$_[0]] - $offsets[$zero] };
	if ($here + 4 * $zero + $offsets[$zero] == $text->[0]) {
		$address = sub { $here + 4 * $_[0] + $offsets[$_[0]] };
	} elsif ($offsets[$zero] < 0) {
		$address = sub { $text->[0] - $offsets[$_[0]] + $offsets[$zero] };
	}
	return map { $_ => $address->($number{$_}) } keys %number;
}

# token_table DATA: where the table is, where the index is that comes behind it, and the tokens.
# Among them are the digits, which stand for themselves.
sub token_table
{
	my ($data) = @_;
	my $digits = join("\0", 0 .. 9) . "\0";

	for (my $at = 0; ($at = index $data, $digits, $at) >= 0; $at++) {
		my $start = $at;
		for (1 .. ord '0') {
			last if $start < 2;
			$start = rindex($data, "\0", $start - 2) + 1;
		}
		my @tokens = unpack '(Z*)256', substr $data, $start, 16384;
		my ($length, @lengths) = (0);
		for (@tokens) {
			push @lengths, $length;
			$length += 1 + length;
		}
		for my $index (($start + $length + 3) & ~3, ($start + $length + 7) & ~7) {
			return $start, $index, @tokens
				if pack('S*', @lengths) eq substr $data, $index, 512;
		}
	}
	return;
}

# names_at DATA OFFSET END TOKENS: all names, if they start there, behind their number, and end at
# END
sub names_at
{
	my ($data, $at, $end, $tokens) = @_;
	my ($count, $zero) = unpack 'L2', substr $$data, $at - 8, 8;
	my @names;

	$count = $zero if $zero;
	return if $count < 1000 || $count > 1_000_000;
	for (1 .. $count) {
		return if $at >= $end;
		my $length = ord substr $$data, $at++, 1;
		$length = ($length & 0x7f) | ord(substr $$data, $at++, 1) << 7 if $length & 0x80;
		push @names, join '', map { $tokens->[$_] } unpack 'C*', substr $$data, $at, $length;
		$at += $length;
	}
	return if $at > $end || $end - $at > 8;
	return \@names;
}

my $file = open_file($ARGV[-1]);
my %symbols = @ARGV > 1 ? running_symbols($ARGV[0]) : image_symbols($file);
my $from = $symbols{amd_clear_bank};
if (!defined $from) {
	print "absent\n";
	exit;
}
my $flags = $symbols{mce_flags} or unknown 'the table of symbols has no data (CONFIG_KALLSYMS_ALL)';
my ($to) = sort { $a <=> $b } grep { $_ > $from } values %symbols;
my $code = bytes_at($file, $from, $to - $from);
# Added, or its complement subtracted.
grep { index($code, pack 'L', $_) >= 0 } DESTAT, 2**32 - DESTAT or
	unknown 'amd_clear_bank() does not have MCA_DESTAT in it';

# Instructions refer to data by how far it is from where they end, which is up to four bytes behind
# that distance.
for my $i (0 .. length($code) - 4) {
	my $target = $from + $i + 4 + unpack 'l', substr $code, $i, 4;
	next if $target + 4 < $flags || $target >= $flags + 8;
	print "checks\n";
	exit;
}
print "vulnerable\n";

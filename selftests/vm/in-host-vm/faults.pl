#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# faults.pl MODULE.KO: loads it again and again, the first time with the first of its memory
# allocations failing, then the second, until there is none left that could fail. Tells of each load
# what came of it and what it left. In one process: starting one takes longer than loading.
use strict;
use warnings;

$| = 1;
use constant { PREAD64 => 17, DELETE_MODULE => 176, FINIT_MODULE => 313 };
use constant { O_NONBLOCK => 04000, MOST => 5000 };

my ($name, $file) = ("amd_mce_guard\0", $ARGV[0]);
my $empty = "\0";

# Opening the file takes memory, too.
open(my $nth, '+<', '/proc/thread-self/fail-nth') or die "fail-nth: $!\n";

# fail_nth(N): from here on, the Nth allocation of this task fails; returns what was left of it
sub fail_nth
{
	my $left = "\0" x 16;

	syscall(PREAD64, fileno($nth), $left, length($left), 0) > 0 or die "fail-nth: $!\n";
	syswrite($nth, "$_[0]\n") or die "fail-nth: $!\n";
	return $left =~ s/\n.*//sr;
}

# hooks(): the functions that are hooked, whoever has
sub hooks
{
	open(my $functions, '<', '/sys/kernel/tracing/enabled_functions') or die "tracefs: $!\n";
	return map { /^(\S+) / } <$functions>;
}

sub left_behind
{
	return join(' ', (-d '/sys/module/amd_mce_guard' ? 'module' : ()), (hooks() ? 'hook' : ()),
		(-d '/sys/kernel/debug/amd_mce_guard' ? 'files' : ()));
}

for my $n (1 .. MOST) {
	open(my $ko, '<', $file) or die "$file: $!\n";
	my $fd = fileno($ko);

	fail_nth($n);
	my $error = syscall(FINIT_MODULE, $fd, $empty, 0) ? $! + 0 : 0;
	my $left = fail_nth(0);

	my @hooks = hooks();
	my $hooks = $error || "@hooks" eq 'amd_clear_bank' ? '' : ' with ' . @hooks . ' hooks';
	if (!$error && syscall(DELETE_MODULE, $name, O_NONBLOCK)) {
		die "failure $n: does not unload: $!\n";
	}
	print "failure $n: ", $error ? "error $error" : "loaded$hooks", '; left: ',
		left_behind(), "\n";
	last if $left;
}

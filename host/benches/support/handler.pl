#!/usr/bin/perl
# What an operator writes today: a CGI handler that refuses reserved mailbox names.
use strict;
use warnings;
use JSON::PP;

my $event = decode_json(do { local $/; <STDIN> });
my ($local) = split /@/, lc $event->{params}{address};
my %reserved = map { $_ => 1 } qw(abuse admin administrator hostmaster postmaster root security webmaster);
if ($reserved{$local}) {
    print encode_json({ verdict => "deny", problems => [{ field => "address", message => "the name is reserved" }] });
} else {
    print encode_json({ verdict => "proceed" });
}

#!/usr/bin/perl
# What an operator writes today: a COREmanager handler of type `cgi` that refuses reserved mailbox names.
use strict;
use warnings;
use CGI qw(:standard);

my $query = CGI->new;
my $name = lc($query->param("name") // "");
my %reserved = map { $_ => 1 } qw(abuse admin administrator hostmaster postmaster root security webmaster);
print qq{<?xml version="1.0" encoding="UTF-8"?>\n};
if ($reserved{$name}) {
    print "<doc><error type=\"reserved\" object=\"name\"><msg>" . escapeHTML("the name is reserved") . "</msg></error></doc>";
} else {
    print "<doc/>";
}

#include "config/pf_rig.h"

#include "support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Most rules of these tests differ in one place. */
#define LO0(middle) "rdr on lo0 proto tcp " middle " -> 127.0.0.1 port 8080\n"
#define EN0(middle) "rdr on en0 " middle " -> 127.0.0.1 port 8080\n"
#define TCP80       "proto tcp from any to any port 80"

static void the_rule_that_everyone_has_becomes_a_relay(void **state)
{
	(void)state;
	assert_becomes("rdr pass on lo0 inet proto tcp from any to 127.0.0.1 "
		       "port 80 -> 127.0.0.1 port 8080\n",
		       "127.0.0.1:80 > 127.0.0.1:8080\n");
	assert_string_equal(pf_result()->relays[0].name, "127.0.0.1-80");
	assert_string_equal(pf_result()->relays[0].file, "pf.conf");
	assert_int_equal(pf_result()->relays[0].line, 1);
	assert_int_equal(pf_result()->redirections, 1);
}

static void an_interface_becomes_what_lowport_calls_it(void **state)
{
	(void)state;
	assert_becomes("rdr on lo0 " TCP80 " -> 127.0.0.1 port 8080",
		       "127.0.0.1:80 > 127.0.0.1:8080\n");
	assert_becomes("rdr on lo0 inet6 " TCP80 " -> ::1 port 8080",
		       "[::1]:80 > [::1]:8080\n");
	assert_becomes("rdr on lo0 " TCP80 " -> localhost port 8080",
		       "127.0.0.1:80 [::1]:80 > localhost:8080\n");
	assert_becomes("rdr on lo0 inet " TCP80 " -> (lo0) port 8080",
		       "127.0.0.1:80 > 127.0.0.1:8080\n");
	assert_becomes("rdr on en0 " TCP80 " -> localhost port 8080",
		       "if:en0:80 > localhost:8080\n");
	/* An interface has both families, and nobody is let in by that. */
	assert_becomes(EN0("inet " TCP80),
		       "if:en0:80 > 127.0.0.1:8080 +0.0.0.0/0\n");
	assert_becomes("rdr on utun4 inet6 " TCP80 " -> ::1 port 8080",
		       "if:utun4:80 > [::1]:8080 +::/0\n");
	assert_becomes("rdr on { lo0, en0 en1 } " TCP80 " -> localhost port 1",
		       "127.0.0.1:80 [::1]:80 if:en0:80 if:en1:80 > "
		       "localhost:1\n");
	assert_becomes("rdr inet " TCP80 " -> 127.0.0.1 port 8080",
		       "0.0.0.0:80 > 127.0.0.1:8080\n");
	assert_becomes("rdr inet6 " TCP80 " -> ::1 port 8080",
		       "[::]:80 > [::1]:8080\n");
	assert_becomes("rdr " TCP80 " -> localhost port 8080",
		       "*:80 > localhost:8080\n");
	assert_becomes("rdr proto tcp to self port 80 -> localhost port 8080",
		       "*:80 > localhost:8080\n");
}

static void an_address_becomes_a_listener_there(void **state)
{
	(void)state;
	assert_becomes(EN0("proto tcp to 192.168.1.5 port 80"),
		       "192.168.1.5:80 > 127.0.0.1:8080\n");
	assert_becomes(EN0("proto tcp to 192.168.1.5/32 port 80"),
		       "192.168.1.5:80 > 127.0.0.1:8080\n");
	assert_becomes(EN0("proto tcp to { 192.0.2.1, 192.0.2.2 } port 80"),
		       "192.0.2.1:80 192.0.2.2:80 > 127.0.0.1:8080\n");
	assert_becomes("rdr proto tcp to 2001:db8::1 port 80 -> ::1 port 81",
		       "[2001:db8::1]:80 > [::1]:81\n");
	assert_becomes(EN0("inet proto tcp to (en0) port 80"),
		       "if:en0:80 > 127.0.0.1:8080 +0.0.0.0/0\n");
	assert_becomes("rdr proto tcp to en0 port 80 -> localhost port 81",
		       "if:en0:80 > localhost:81\n");
	/* What fits no family is no listener; what fits one is. */
	assert_becomes(LO0("to { 127.0.0.1, ::1 } port 80"),
		       "127.0.0.1:80 > 127.0.0.1:8080\n");
	assert_left_out(LO0("to ::1 port 80"), "mixes IPv4 and IPv6");
	assert_left_out(EN0("proto tcp to 127.0.0.1 port 80"),
			"nothing for 127.0.0.1 comes in on en0");
	assert_left_out(EN0("proto tcp to 10.0.0.0/8 port 80"),
			"to 10.0.0.0/8 is a network");
	assert_left_out(EN0("proto tcp to en1 port 80"), "goes by one of them");
	assert_left_out(EN0("proto tcp to (en0:network) port 80"),
			"takes an interface as a whole (try en0)");
	assert_left_out(EN0("proto tcp to web.example port 80"),
			"looked \"web.example\" up when it was loaded");
	assert_left_out(EN0("proto tcp to <web> port 80"),
			"lowport has no tables");
	assert_left_out(EN0("proto tcp to ! 192.0.2.1 port 80"),
			"to ! 192.0.2.1: lowport listens on what is named");
	assert_left_out("rdr on egress " TCP80 " -> 127.0.0.1 port 8080",
			"\"egress\" is a group of interfaces");
	assert_left_out("rdr on ! en0 " TCP80 " -> 127.0.0.1 port 8080",
			"on ! en0: ");
}

/* On lo0 a rule is for this machine; a listener there is for everyone. */
static void what_is_for_lo0_is_not_let_out(void **state)
{
	(void)state;
	assert_becomes(LO0("to 10.0.0.1 port 80"),
		       "10.0.0.1:80 > 127.0.0.1:8080 +127.0.0.0/8 +10.0.0.1\n");
	assert_becomes("rdr on lo0 proto tcp to { 127.0.0.1 10.0.0.1 } port 80 "
		       "-> 127.0.0.1 port 8080",
		       "127.0.0.1:80 > 127.0.0.1:8080\n"
		       "10.0.0.1:80 > 127.0.0.1:8080 +127.0.0.0/8 +10.0.0.1\n");
	assert_becomes("rdr on { lo0 en0 } proto tcp to 10.0.0.1 port 80 "
		       "-> 127.0.0.1 port 8080",
		       "10.0.0.1:80 > 127.0.0.1:8080\n");
	assert_left_out(LO0("from 10.0.0.0/8 to 10.0.0.1 port 80"),
			"for this machine alone (on lo0) and for some clients");
}

static void ports_are_listed_counted_and_named(void **state)
{
	(void)state;
	assert_becomes(LO0("to port { 80, 443 }"),
		       "127.0.0.1:80 127.0.0.1:443 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port { http https }"),
		       "127.0.0.1:80 127.0.0.1:443 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port = 80"), "127.0.0.1:80 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port 80:82"),
		       "127.0.0.1:80 127.0.0.1:81 127.0.0.1:82 > "
		       "127.0.0.1:8080\n");
	assert_becomes(LO0("to port { 80, 79:81, 80 }"),
		       "127.0.0.1:80 127.0.0.1:79 127.0.0.1:81 > "
		       "127.0.0.1:8080\n");
	assert_becomes(LO0("to port 80 >< 83"),
		       "127.0.0.1:81 127.0.0.1:82 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port < 3"),
		       "127.0.0.1:1 127.0.0.1:2 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port >= 65535"),
		       "127.0.0.1:65535 > 127.0.0.1:8080\n");
	assert_becomes(LO0("to port > 65534"),
		       "127.0.0.1:65535 > 127.0.0.1:8080\n");
	assert_left_out(LO0("to port 80 <> 90"), "takes 65524 listeners");
	assert_left_out(LO0("to port != 80"), "takes 65534 listeners");
	assert_left_out(LO0("to port 1024:65535"), "at most 64 are made");
	assert_left_out(LO0("to port 82:80"), "ends before it begins");
	assert_left_out(LO0("to port 80 >< 81"), "no port fits");
	assert_left_out(LO0("to port 0"), "\"0\" is not a port (1 to 65535)");
	assert_left_out(LO0("to port 65536"), "\"65536\" is not a port");
	assert_left_out(LO0("to port webservice"), "name of a service");
	assert_left_out(LO0("to any"), "it is about every port");
	assert_left_out(LO0("from any port 1024 to any port 80"),
			"it looks at the client's port");
}

static void sixty_four_listeners_are_made_and_not_one_more(void **state)
{
	(void)state;
	pf_given(LO0("to port 1001:1064"));
	assert_int_equal(pf_result()->listeners, 64);
	assert_string_equal(pf_said(), "");
	assert_left_out(LO0("to port 1001:1065"), "it takes 65 listeners");
	assert_left_out("rdr on lo0 proto tcp to port 1001:1033 -> localhost "
			"port 80",
			"it takes 66 listeners");
}

static void a_target_port_is_kept_one_or_many(void **state)
{
	(void)state;
	assert_becomes("rdr on lo0 proto tcp to port { 80 81 } -> 10.0.0.2",
		       "127.0.0.1:80 > 10.0.0.2:80\n"
		       "127.0.0.1:81 > 10.0.0.2:81\n");
	assert_becomes("rdr on lo0 proto tcp to port 80:81 -> 10.0.0.2 port "
		       "9000:*",
		       "127.0.0.1:80 > 10.0.0.2:9000\n"
		       "127.0.0.1:81 > 10.0.0.2:9001\n");
	/* The range of the target begins again when it is used up. */
	assert_becomes("rdr on lo0 proto tcp to port 80:82 -> 10.0.0.2 port "
		       "9000:9001",
		       "127.0.0.1:80 > 10.0.0.2:9000\n"
		       "127.0.0.1:81 > 10.0.0.2:9001\n"
		       "127.0.0.1:82 > 10.0.0.2:9000\n");
	assert_becomes(
		"rdr on lo0 inet proto tcp to port 80 -> web.example port 1",
		"127.0.0.1:80 > web.example:1\n");
	assert_left_out("rdr on lo0 proto tcp to port 80:81 -> 10.0.0.2 port "
			"65535:*",
			"port 81 would go to port 65536");
}

static void a_target_that_lowport_cannot_have_is_named(void **state)
{
	static const struct {
		const char *target, *why;
	} rows[] = {
		{"{ 10.0.0.2, 10.0.0.3 }", "does not share connections out"},
		{"10.0.0.0/24", "-> 10.0.0.0/24 is a pool of addresses"},
		{"<web>", "name one address"},
		{"(en0)", "-> en0: pf looks its address up"},
		{"en0", "-> en0: pf looks its address up"},
		{"0.0.0.0", "-> 0.0.0.0: not an address or a name that"},
		{"10.0.0.256", "-> 10.0.0.256: not an address or a name that"},
		/* Nor a Unix socket, whose path is no word for a shell. */
		{"\"unix:/x';id;'\"", "-> unix:/x';id;': not an address or a"},
		{"10.0.0.2 port 80 bitmask", "bitmask: "},
		{"10.0.0.2 port 80 source-hash 0x1234", "source-hash: "},
		{"10.0.0.2 port 80 static-port", "static-port: "},
		{"10.0.0.2 port 80 random", "random: "},
		{"127.0.0.1", "lowport would be its own backend"},
		{"127.0.0.1 port 80", "lowport would be its own backend"},
		{"localhost port 80", "lowport would be its own backend"},
	};
	char rule[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(rule, sizeof(rule), "rdr on lo0 " TCP80 " -> %s\n",
			 rows[i].target);
		assert_left_out(rule, rows[i].why);
	}
	assert_left_out("rdr " TCP80 " -> 127.0.0.1", "its own backend");
	assert_becomes("rdr on lo0 " TCP80 " -> { 10.0.0.2 } round-robin "
		       "sticky-address",
		       "127.0.0.1:80 > 10.0.0.2:80\n");
}

static void clients_become_allow_and_deny(void **state)
{
	(void)state;
	assert_becomes(EN0("proto tcp from 192.168/16 to any port 80"),
		       "if:en0:80 > 127.0.0.1:8080 +192.168.0.0/16\n");
	assert_becomes(EN0("proto tcp from { 10.1.2.3/8, 10.9.9.9 } to any "
			   "port 80"),
		       "if:en0:80 > 127.0.0.1:8080 +10.0.0.0/8 +10.9.9.9\n");
	assert_becomes(EN0("proto tcp from ! 10.0.0.9 to any port 80"),
		       "if:en0:80 > 127.0.0.1:8080 -10.0.0.9 +0.0.0.0/0\n");
	assert_becomes(EN0("proto tcp from { 10.0.0.9 any } to any port 80"),
		       "if:en0:80 > 127.0.0.1:8080 +0.0.0.0/0\n");
	assert_becomes(LO0("from lo0:network to any port 80"),
		       "127.0.0.1:80 > 127.0.0.1:8080 +127.0.0.0/8 +::1\n");
	assert_becomes("rdr on en0 proto tcp from 2001:db8::/32 to any port 80 "
		       "-> ::1 port 8080",
		       "if:en0:80 > [::1]:8080 +2001:db8::/32\n");
	assert_left_out(EN0("proto tcp from { 10.0.0.0/8, !10.0.0.9 } to any "
			    "port 80"),
			"! 10.0.0.9 in a list: pf takes that for a rule");
	assert_left_out(EN0("proto tcp from <friends> to any port 80"),
			"from <friends>: lowport has no tables");
	assert_left_out(EN0("proto tcp from en0:network to any port 80"),
			"from en0:network: lowport takes addresses");
	assert_left_out(EN0("proto tcp from 10.0.0.1 - 10.0.0.9 to any port "
			    "80"),
			"10.0.0.1 - 10.0.0.9: lowport takes networks");
	assert_left_out(EN0("proto tcp from 2001:db8::1 to any port 80"),
			"mixes IPv4 and IPv6");
}

static void what_is_not_tcp_is_named(void **state)
{
	(void)state;
	assert_left_out(EN0("proto udp to any port 53"),
			"pf.conf:1: rdr on en0 proto udp to any port 53 -> "
			"127.0.0.1 port 8080: proto udp: lowport relays TCP "
			"alone");
	assert_left_out(EN0("from any to 192.0.2.1"), "about every protocol");
	assert_becomes(EN0("inet proto 6 to 192.0.2.1 port 80"),
		       "192.0.2.1:80 > 127.0.0.1:8080\n");
	pf_given(EN0("proto { tcp udp } to 192.0.2.1 port 80"));
	assert_string_equal(pf_relays(), "192.0.2.1:80 > 127.0.0.1:8080\n");
	assert_says(pf_said(), "that of tcp was converted");
	assert_int_equal(pf_result()->left_out, 1);
}

static void what_only_pf_can_do_is_named(void **state)
{
	(void)state;
	assert_left_out("rdr on en0 " TCP80 " tag WEB -> 10.0.0.2",
			"tag: tags are for pf's own");
	assert_left_out("rdr on en0 " TCP80 " -> 10.0.0.2 tag WEB",
			"tag: tags are for pf's own");
	assert_left_out("rdr on en0 " TCP80 " tagged WEB -> 10.0.0.2",
			"tagged: ");
	assert_left_out("rdr on en0 " TCP80 " rtable 1 -> 10.0.0.2",
			"rtable: ");
	assert_left_out("no rdr on en0 " TCP80, "lowport has no exceptions");
	assert_left_out("no rdr on en0 proto tcp from 10.0.0.9 to any port 80",
			"deny = 10.0.0.9");
}

static void macros_are_text(void **state)
{
	(void)state;
	assert_becomes("ext_if = \"en0\"\nports = \"{ 80, 443 }\"\n"
		       "both = $ext_if \" en1\"\nall = \"{\" $both \"}\"\n"
		       "rdr on $all inet proto tcp to port $ports -> 127.0.0.1 "
		       "port 1\n",
		       "if:en0:80 if:en1:80 if:en0:443 if:en1:443 > "
		       "127.0.0.1:1 +0.0.0.0/0\n");
	assert_left_out("i = en0\nrdr on $i proto tcp from $i:network to port "
			"80 -> 10.0.0.2",
			"from en0:network");
	assert_mistake("rdr on $ext_if " TCP80 " -> 127.0.0.1 port 8080\n",
		       "pf.conf:1:8: $ext_if is a macro that is not defined");
	/* Not in quotes, and not in what a macro brings. */
	assert_mistake("a = \"$b\"\nb = \"$a\"\nrdr on $a " TCP80 " -> ::1\n"
		       "rdr on\n",
		       "pf.conf:4:7: expected an interface");
	assert_string_equal(pf_relays(), "");
}

static void lines_comments_and_quotes_are_pfs(void **state)
{
	(void)state;
	assert_becomes("# a comment that goes on \\\n" LO0("to port 80"), "");
	assert_becomes("rdr on lo0 \\\n\tproto tcp to port 80 \\\r\n"
		       "-> 10.0.0.2 # \"it's\"\r\n",
		       "127.0.0.1:80 > 10.0.0.2:80\n");
	assert_becomes("\xef\xbb\xbfrdr on \"lo0\" proto tcp to port { # a\n"
		       "80, # b\n 81\n}->10.0.0.2 port 22",
		       "127.0.0.1:80 127.0.0.1:81 > 10.0.0.2:22\n");
	assert_string_equal(pf_result()->relays[0].rule,
			    "rdr on \"lo0\" proto tcp to port { 80, 81 "
			    "}->10.0.0.2 port 22");
	assert_becomes("rdr on lo0 proto tcp to port { { 80 } { 81 } } -> "
		       "10.0.0.2 port 22",
		       "127.0.0.1:80 127.0.0.1:81 > 10.0.0.2:22\n");
}

/* As the configuration wants it: letters and so on, at most 40. */
static void relays_have_names_of_their_own(void **state)
{
	static const char *const names[] = {
		"127.0.0.1-80",
		"ip6-1-80",
		"en0-80",
		"all-80",
		"all-80-5",
		"ip6-2001-db8-1111-2222-3333-4444-5",
		"ip6-2001-db8-1111-2222-3333-4444-5-7"};

	(void)state;
	pf_given("rdr on lo0 inet " TCP80 " -> 10.0.0.2\n"
		 "rdr on lo0 inet6 " TCP80 " -> 2001:db8::1\n"
		 "rdr on en0 inet " TCP80 " -> 10.0.0.2\n"
		 "rdr inet " TCP80 " -> 10.0.0.3\n"
		 "rdr inet6 " TCP80 " -> 2001:db8::2\n"
		 "rdr proto tcp to 2001:db8:1111:2222:3333:4444:5555:6666 port "
		 "65000 -> ::1 port 1\n"
		 "rdr proto tcp to 2001:db8:1111:2222:3333:4444:5555:6666 port "
		 "65001 -> ::1 port 2\n");
	assert_string_equal(pf_said(), "");
	assert_int_equal(pf_result()->relay_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(pf_result()->relays[i].name, names[i]);
		assert_true(strlen(names[i]) <= 40);
	}
}

static void other_statements_are_skipped(void **state)
{
	(void)state;
	assert_becomes("set skip on lo0\nscrub in all\n"
		       "table <t> { 10.0.0.1, $no_macro }\n"
		       "nat on en0 from any to any -> (en0)\nno nat on en0\n"
		       "rdr-anchor \"x/*\"\nanchor \"y\" {\n\tblock all\n"
		       "\tpass in proto tcp to port 80 rdr-to ::1 port 1\n}\n"
		       "block in quick from { 10.0.0.1\n10.0.0.2 } to any\n"
		       "pass in all flags S/SA\n",
		       "[::]:80 > [::1]:1\n");
	assert_int_equal(pf_result()->others, 6);
	assert_int_equal(pf_result()->redirections, 1);
	assert_becomes("", "");
}

static void the_form_of_openbsd_is_read_too(void **state)
{
	(void)state;
	assert_becomes("pass in log (all) quick on en1 inet proto tcp from any "
		       "to (en1) port 80 flags S/SA keep state (max 9) label "
		       "\"x\" rdr-to 127.0.0.1 port 8080\n",
		       "if:en1:80 > 127.0.0.1:8080 +0.0.0.0/0\n");
	assert_becomes("to = \"rdr-to 10.0.0.2\"\n"
		       "match in on lo0 proto tcp to port 80 $to",
		       "127.0.0.1:80 > 10.0.0.2:80\n");
	assert_left_out("pass out on en0 " TCP80 " rdr-to 10.0.0.2", "out: ");
	assert_left_out("pass in on en0 " TCP80 " user root rdr-to 10.0.0.2",
			"nothing like \"user\"");
	assert_mistake("pass in on en0 " TCP80 " rdr-to\n",
		       "pf.conf:1:56: expected an address");
}

#define TO(address, port)                                                    \
	"rdr on lo0 proto tcp to " address " port 80 -> 10.0.0.2 port " port \
	"\n"
#define PASS(quick, port)                                                     \
	"pass in " quick " on lo0 inet proto tcp to port 80 rdr-to 10.0.0.2 " \
	"port " port "\n"

static void of_several_rules_the_one_that_counts_is_taken(void **state)
{
	(void)state;
	pf_given(TO("any", "1") TO("127.0.0.1", "2"));
	assert_string_equal(pf_relays(), "127.0.0.1:80 > 10.0.0.2:1\n");
	assert_says(pf_said(), "pf.conf:2: ");
	assert_says(pf_said(), "127.0.0.1:80: the rule of line 1 has taken it");
	assert_becomes(TO("any", "1") TO("127.0.0.1", "1"),
		       "127.0.0.1:80 > 10.0.0.2:1\n");
	/* What is everywhere has all the places. */
	assert_becomes("rdr inet " TCP80 " -> 10.0.0.2\n"
		       "rdr on en0 inet " TCP80 " -> 10.0.0.2\n",
		       "0.0.0.0:80 > 10.0.0.2:80\n");
	assert_becomes("rdr on lo0 inet " TCP80 " -> 10.0.0.2\n"
		       "rdr inet " TCP80 " -> 10.0.0.2\n",
		       "0.0.0.0:80 > 10.0.0.2:80\n");
	assert_becomes("rdr on lo0 inet " TCP80 " -> 10.0.0.3\n"
		       "rdr inet " TCP80 " -> 10.0.0.2\n",
		       "127.0.0.1:80 > 10.0.0.3:80\n"
		       "0.0.0.0:80 > 10.0.0.2:80\n");
	/* Of pass the last, unless one before it is quick. */
	assert_becomes(PASS("", "1") PASS("", "2"),
		       "127.0.0.1:80 > 10.0.0.2:2\n");
	pf_given(PASS("quick", "1") PASS("", "2"));
	assert_string_equal(pf_relays(), "127.0.0.1:80 > 10.0.0.2:1\n");
}

static void assert_has_note(const struct pf_relay *r, const char *text)
{
	for (size_t i = 0; i < r->note_count; i++)
		if (strstr(r->notes[i], text))
			return;
	fail_msg("no note says %s", text);
}

static void what_others_have_in_part_is_said(void **state)
{
	(void)state;
	pf_given("rdr on lo0 proto tcp from 127.0.0.2 to any port 80 -> "
		 "10.0.0.2\n" TO("any", "1"));
	assert_string_equal(pf_relays(),
			    "127.0.0.1:80 > 10.0.0.2:80 +127.0.0.2\n");
	assert_says(pf_said(), "takes it for some clients");
	pf_given("no rdr on lo0 proto tcp to port 80\n" TO("any", "1"));
	assert_string_equal(pf_relays(), "");
	assert_says(pf_said(), "pf.conf:2: ");
	assert_says(pf_said(), "the rule of line 1 says no rdr");
	pf_given("no rdr on lo0 proto tcp from 127.0.0.2 to port 80\n" TO("any",
									  "1"));
	assert_string_equal(pf_relays(), "127.0.0.1:80 > 10.0.0.2:1\n");
	assert_has_note(&pf_result()->relays[1], "line 1 (no rdr)");
	pf_given("rdr on en0 inet " TCP80 " -> 10.0.0.2\n"
		 "rdr on en0 inet6 " TCP80 " -> ::1 port 81\n");
	assert_string_equal(pf_relays(),
			    "if:en0:80 > 10.0.0.2:80 +0.0.0.0/0\n");
	assert_says(pf_said(), "is one listener for IPv4 and IPv6");
}

/* Both would be the same listener, which lowport refuses. */
static void what_is_of_both_families_is_one_listener(void **state)
{
	(void)state;
	pf_given("match on en0 " TCP80 " rdr-to web\n"
		 "match on en0 " TCP80 " rdr-to 10.0.0.2\n");
	assert_string_equal(pf_relays(), "if:en0:80 > web:80\n");
	assert_says(pf_said(), "if:en0:80 is one listener for IPv4 and IPv6");
	assert_becomes("match on en0 " TCP80 " rdr-to 10.0.0.2\n"
		       "match on en0 " TCP80 " rdr-to web\n",
		       "if:en0:80 > web:80\n");
	pf_given("rdr inet " TCP80 " -> 10.0.0.2\n"
		 "rdr " TCP80 " -> web\n");
	assert_string_equal(pf_relays(), "0.0.0.0:80 > 10.0.0.2:80\n");
	assert_says(pf_said(), "*:80 is one listener for IPv4 and IPv6");
}

static void a_mistake_is_named_with_line_and_column(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"\nrdr on lo0 proto tcp to port\n",
		 "pf.conf:2:29: expected a port (port 80, 8000:8010 or http), "
		 "found the end of the line"},
		{"rdr on lo0 proto tcp to any port 80 127.0.0.1\n",
		 "pf.conf:1:37: expected port, or ->, found \"127.0.0.1\""},
		{"rdr on lo0 proto tcp to any port 80\n",
		 "pf.conf:1:36: expected -> and where to redirect to"},
		{"rdr on lo0 proto tcp to any port 80 ->",
		 "pf.conf:1:39: expected an address, a network or an "
		 "interface, found the end of the file"},
		{"rdr lo0 proto tcp\n",
		 "pf.conf:1:5: expected on, inet, proto, from, to or ->, found "
		 "\"lo0\""},
		{"rdr on lo0 proto tcp to 10.0.0.0/x port 80 -> ::1",
		 "pf.conf:1:34: expected a number of bits behind the /"},
		{"rdr on lo0 proto tcp to (en0 port 80 -> ::1",
		 "pf.conf:1:30: expected a ), found \"port\""},
		{"rdr on lo0 proto tcp to <t port 80 -> ::1",
		 "pf.conf:1:28: expected a >, found \"port\""},
		{"rdr on { lo0\nen0",
		 "pf.conf:2:4: expected a } that ends the"},
		{"rdr on { } proto tcp", "the list is empty"},
		{"rdr on lo0 proto tcp to port { 80", "a } that ends the list"},
		{"block from {\n10.0.0.1\n", "pf.conf:1:12: a { that nothing"},
		{"anchor \"x\" {\nblock all\n", "expected a } that ends the a"},
		{"x = \"abc\nrdr", "pf.conf:1:5: a quote that nothing closes"},
		{"}", "pf.conf:1:1: expected a rule"},
		{"echo \"rdr pass on lo0\" | sudo pfctl -ef -",
		 "is it a script?"},
		{"load anchor \"x\" from", "expected the name of a file"},
		{"load x", "expected load anchor \"NAME\" from"},
		{"rdr on lo0 proto tcp to port 80 -> ::1 port 81 port 82",
		 "pf.conf:1:48: expected the end of the rule"},
		{"rdr on caf\xc3\xa9", "pf.conf:1:11: a character that has no"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_mistake(rows[i].text, rows[i].said);
	/* And the next line is read. */
	pf_given("rdr on\nrdr\n" LO0("to port 80"));
	assert_int_equal(pf_result()->mistakes, 2);
	assert_int_equal(pf_result()->redirections, 1);
}

static void files_that_are_not_read_are_named(void **state)
{
	(void)state;
	assert_left_out("load anchor \"x\" from \"/etc/pf.anchors/x\"\n",
			"pf.conf:1: /etc/pf.anchors/x was not read");
	assert_left_out("\ninclude \"/etc/pf/sub.conf\"\n",
			"pf.conf:2: /etc/pf/sub.conf was not read");
}

/* A text of that many times the same. */
static char *repeat(const char *piece, size_t times)
{
	size_t length = strlen(piece);
	char *text = malloc(length * times + 1);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * length, piece, length);
	text[length * times] = '\0';
	return text;
}

/* Whatever there is a MiB of ends soon, and takes little. */
static void much_of_anything_is_refused_in_time(void **state)
{
	static const char *const pieces[] = {
		"a",
		"{ ",
		"rdr on { ",
		"pass {\n",
		"( ",
		"! ",
		"\"",
		"\\\n",
		"# \\\n",
		"rdr on lo0 proto tcp to port { 1 2 3 } -> 10.0.0.2 port 1\n",
		"rdr on lo0 proto tcp to port 80 -> 10.0.0.2\n",
		"no rdr proto tcp to port 80\n",
		"rdr on en0 proto udp to port 53 -> 10.0.0.2\n",
		"pass in proto tcp to port 80 rdr-to 10.0.0.2\n",
		"anchor \"x\" {\n",
		"include \"/x\"\n",
		"x = 1\n",
		"rdr\n",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		size_t length = strlen(pieces[i]);
		char *text = repeat(pieces[i], (1 << 20) / length);

		pf_given(text);
		assert_true(pf_result()->listeners <= PF_LISTENERS_MOST);
		assert_in_range(pf_result()->message_count, 0,
				PF_MESSAGES_MOST + PF_MISTAKES_MOST);
		free(text);
	}
}

static void macros_cannot_blow_up(void **state)
{
	char text[4096], line[64];
	size_t n = 0;
	char *many, *all;

	(void)state;
	n += (size_t)snprintf(text, sizeof(text), "a0 = \"1 2 3 4\"\n");
	for (int i = 1; i < 40; i++) {
		snprintf(line, sizeof(line), "a%d = $a%d $a%d\n", i, i - 1,
			 i - 1);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", line);
	}
	assert_mistake(text, "a macro of more than 8 KiB");
	many = repeat("$a ", 100000);
	all = malloc(strlen(many) + 8200);
	assert_non_null(all);
	sprintf(all, "a = \"%08000d\"\nrdr on { %s", 0, many);
	assert_mistake(all, "macros that come to more than 1 MiB");
	free(all);
	free(many);
	for (int i = 0; i < 2; i++)
		assert_mistake("a = $a\n", "$a is a macro that is not defined");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	pf_given_bytes("rdr\0 on lo0", 11);
	assert_says(pf_said(), "a NUL byte");
	pf_given_bytes("x = \"a\0b\"\n", 11);
	assert_says(pf_said(), "a NUL byte");
	/* Nothing steers the terminal of who reads it. */
	pf_given("rdr on \"\x1b[2J\" proto udp to port 1 -> 10.0.0.2\n");
	assert_null(strchr(pf_said(), '\x1b'));
	assert_says(pf_said(), "?[2J");
	assert_int_equal(pf_result()->left_out, 1);
}

static int open_any(const char *path, char **text, size_t *length)
{
	(void)path;
	*text = strdup("rdr on lo0 inet proto tcp to port 80 -> 10.0.0.2\n");
	*length = *text ? strlen(*text) : 0;
	return *text ? 0 : -ENOMEM;
}

static void the_name_of_an_included_file_is_text(void **state)
{
	static const char text[] = "include \"a\x1b[2J\"\n";
	struct pf p = {.open = open_any};

	(void)state;
	assert_int_equal(pf_read(&p, "x", text, strlen(text)), 0);
	assert_int_equal(p.relay_count, 1);
	assert_string_equal(p.relays[0].file, "a?[2J");
	pf_free(&p);
}

static void a_file_that_is_too_long_is_not_begun(void **state)
{
	struct pf p = {.relays = NULL};
	char *text = repeat("\n", PF_TEXT_MOST + 1);

	(void)state;
	assert_int_equal(pf_read(&p, "x", text, PF_TEXT_MOST), 0);
	assert_int_equal(pf_read(&p, "x", text, PF_TEXT_MOST + 1), -EFBIG);
	pf_free(&p);
	free(text);
}

#define TEST(name) cmocka_unit_test_teardown(name, pf_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rule_that_everyone_has_becomes_a_relay),
		TEST(an_interface_becomes_what_lowport_calls_it),
		TEST(an_address_becomes_a_listener_there),
		TEST(what_is_for_lo0_is_not_let_out),
		TEST(ports_are_listed_counted_and_named),
		TEST(sixty_four_listeners_are_made_and_not_one_more),
		TEST(a_target_port_is_kept_one_or_many),
		TEST(a_target_that_lowport_cannot_have_is_named),
		TEST(clients_become_allow_and_deny),
		TEST(what_is_not_tcp_is_named),
		TEST(what_only_pf_can_do_is_named),
		TEST(macros_are_text),
		TEST(lines_comments_and_quotes_are_pfs),
		TEST(relays_have_names_of_their_own),
		TEST(other_statements_are_skipped),
		TEST(the_form_of_openbsd_is_read_too),
		TEST(of_several_rules_the_one_that_counts_is_taken),
		TEST(what_others_have_in_part_is_said),
		TEST(what_is_of_both_families_is_one_listener),
		TEST(a_mistake_is_named_with_line_and_column),
		TEST(files_that_are_not_read_are_named),
		TEST(much_of_anything_is_refused_in_time),
		TEST(macros_cannot_blow_up),
		TEST(bytes_that_are_no_text_are_refused),
		TEST(the_name_of_an_included_file_is_text),
		TEST(a_file_that_is_too_long_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The plots, from the tables beside them: gnuplot -e "dir='doc/bench'" bench/peers/plots.gp
# No background, and colours of a middle tone: they are read on white and on black.
ours = '#2f81f7'
theirs = '#8b949e'
other = '#d9822b'
ink = '#768390'

set datafile separator tab
set border 3 lc rgb ink
set tics nomirror out textcolor rgb ink
set grid y lc rgb theirs lw 0.3
set style fill solid border lc rgb ours
set style fill solid noborder
unset key

# bars: requests a second by way, with p99 beside them
set output dir.'/ways.svg'
set terminal svg size 800,270 dynamic font 'sans-serif,13' noenhanced
ways = dir.'/ways.tsv'
page(mode, column) = strcol(2) eq mode ? column : NaN
way(n) = -(int(n) % 5)
number(n) = n < 1000 ? sprintf('%.0f', n) : sprintf('%.1fk', n / 1000)
set multiplot
set tmargin at screen 0.84
set bmargin at screen 0.06
unset grid
unset tics
set border 0
do for [panel = 0:1] {
	mode = panel ? 'one a request' : 'keep-alive'
	set lmargin at screen (panel ? 0.60 : 0.17)
	set rmargin at screen (panel ? 0.80 : 0.37)
	set autoscale y
	stats ways using (page(mode, column(3))) every ::1 nooutput
	set xrange [0:STATS_max]
	set yrange [-4.6:0.6]
	set label 1 (panel ? 'requests a second, one connection each' : 'requests a second, keep-alive') at graph 0, screen 0.92 textcolor rgb ink font 'sans-serif,14'
	plot ways using (0):(way($0)):(0):(page(mode, $3)):(way($0) - 0.33):(way($0) + 0.33):(int($0) % 5 ? 0x8b949e : 0x2f81f7) \
			every ::1 with boxxyerror lc rgb variable, \
		ways using (page(mode, 0)):(way($0)):(panel ? '' : strcol(1)) every ::1 with labels right offset -0.7, 0 textcolor rgb ink, \
		ways using (page(mode, $3)):(way($0)):(sprintf('%s/s, p99 %.1f ms', number($3), $9 / 1000)) every ::1 \
			with labels left offset 0.5, 0 textcolor rgb ink font 'sans-serif,12'
}
unset multiplot

# lines: a bind against the number of rules, and what the change of a policy takes
set output dir.'/rules.svg'
set terminal svg size 800,300 dynamic font 'sans-serif,13' noenhanced
reset
set datafile separator tab
set border 3 lc rgb ink
set tics nomirror out textcolor rgb ink
set grid y lc rgb theirs lw 0.3
set style fill solid 0.2 noborder
set key top left Left reverse textcolor rgb ink samplen 2
set title textcolor rgb ink
set xlabel textcolor rgb ink
set logscale x 2
set xrange [1:256]
is(name, column) = strcol(1) eq name ? column : NaN
set multiplot layout 1,2
set title 'what a gate adds to one bind(2), ns'
set xlabel 'rules'
set yrange [0:*]
rules = dir.'/rules.tsv'
scan = system("grep -q SocketBindAllow '".rules."' && echo SocketBindAllow || echo 'linear scan'")
plot rules using 2:(is(scan.', hit', $7)):8 every ::1 with filledcurves lc rgb other notitle, \
	rules using 2:(is('bindgate, hit', $7)):8 every ::1 with filledcurves lc rgb ours notitle, \
	rules using 2:(is(scan.', hit', $6)) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb other title (scan eq 'linear scan' ? scan : 'systemd '.scan.'='), \
	rules using 2:(is('bindgate, hit', $6)) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb ours title 'bindgate'
set title 'bindgate attach, a whole process, ms'
attach = dir.'/attach.tsv'
set offsets 0, 0, graph 0.6, 0 # room for the key
stats attach using (is('true', $3)) every ::1 nooutput
plot attach using 2:(is('a new gate', $3 / 1000)) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb ours title 'a new gate', \
	attach using 2:(is('another policy', $3 / 1000)) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb other title 'another policy', \
	STATS_mean / 1000 with lines lw 2 lc rgb theirs title 'true'
unset offsets
unset multiplot

# dots: the time to grant
set output dir.'/grant.svg'
set terminal svg size 800,300 dynamic font 'sans-serif,13' noenhanced
unset key
set title 'the time to grant a port, a whole process: ms'
set xlabel ''
unset grid
set grid x lc rgb theirs lw 0.3
set border 1 lc rgb ink
set logscale x 10
set xrange [0.5:*]
set yrange [*:*] reverse
set offsets 0, 0, 0.5, 0.5
set ytics scale 0
set lmargin 38
grant = dir.'/grant.tsv'
colour(name) = name[1:8] eq 'bindgate' ? 0x2f81f7 : 0x8b949e
plot grant using ($2 / 1000):0:($3 / 1000):($4 / 1000):(colour(strcol(1))):ytic(1) every ::1 with xerrorbars pt 7 ps 1 lw 2 lc rgb variable, \
	grant using ($4 / 1000):0:(sprintf('%.3g', $2 / 1000)) every ::1 with labels left offset 1, 0 textcolor rgb ink font 'sans-serif,12'

# lines: what grows with the gates, and with how deep they nest
set output dir.'/scale.svg'
set terminal svg size 800,280 dynamic font 'sans-serif,13' noenhanced
unset logscale
unset offsets
unset lmargin
unset grid
set grid y lc rgb theirs lw 0.3
set border 3 lc rgb ink
set ytics scale 1
set xlabel textcolor rgb ink
set key top left Left reverse textcolor rgb ink samplen 2
set multiplot layout 1,3
set logscale x 10
set xrange [1:6000]
set xtics ('1' 1, '10' 10, '100' 100, '1k' 1000, '5k' 5000)
set yrange [0:150] noreverse
gates = dir.'/gates.tsv'
set title 'added to a bind, ns'
set xlabel 'gates on the machine'
plot gates using 1:6:7 every ::1 with filledcurves lc rgb ours notitle, gates using 1:5 every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb ours notitle
set title 'a whole process, ms'
set logscale y 10
set yrange [0.3:*]
set key at graph 0.05, 1
plot gates using 1:($14 / 1000) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb other title 'list', \
	gates using 1:($11 / 1000) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb ours title 'attach one more', \
	gates using 1:($8 / 1000) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb theirs title 'true'
unset logscale
set xrange [0:32]
set xtics auto
set yrange [0:*]
set title 'added to a bind, ns'
set xlabel 'gates above one another'
nesting = dir.'/nesting.tsv'
plot nesting using 1:6:7 every ::1 with filledcurves lc rgb ours notitle, nesting using 1:5 every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb ours notitle
unset multiplot

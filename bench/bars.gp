# Horizontal bars: data (rank, name, median, least, most, colour), out, heading.
set terminal svg size 720,(60 + 30 * words(system("cut -f 1 ".data))) \
	font "sans-serif,13" background "white"
set output out
set datafile separator "\t"
set title heading
unset key
set style fill solid noborder
set border 1 lc rgb "#999999"
set tics nomirror scale 0 textcolor rgb "#222222"
set grid xtics lc rgb "#dddddd"
set yrange [words(system("cut -f 1 ".data)) + 0.6 : 0.4]
set xrange [0 : *]
set offsets 0, graph 0.12, 0, 0
shade(c) = c == 1 ? 0x1f6fb4 : c == 2 ? 0xb0b7bd : 0xdfc27d
plot data using ($3 / 2):1:($3 / 2):(0.36):(shade($6)):ytic(2) \
		with boxxyerror lc rgb variable, \
	data using 3:1:4:5 with xerrorbars pt -1 lw 1.5 lc rgb "#333333", \
	data using 5:1:(sprintf("  %.3g", $3)) with labels left

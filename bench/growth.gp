# growth.dat: a block for each of who; connections held, µs that one more takes,
# KiB of user memory for each.
set terminal svg size 900,400 font "sans-serif,13" background "white"
set output "growth.svg"
set border 3 lc rgb "#999999"
set tics nomirror textcolor rgb "#222222"
set grid ytics lc rgb "#dddddd"
set logscale x
set xlabel "connections held" offset 0,0.5
set xrange [80 : *]
set yrange [0 : *]
set format x "%.0f"
array shade[5] = ["#888888", "#1f6fb4", "#d95f02", "#7570b3", "#1b9e77"]
set multiplot layout 1,2
set key outside bottom center horizontal maxrows 2 samplen 2 noenhanced
set title "µs that one more connection takes"
plot for [i = 0 : words(who) - 1] "growth.dat" index i using 1:2 \
	with linespoints lw 2 pt 7 ps 0.6 lc rgb shade[i + 1] \
	title word(who, i + 1)
set title "KiB of user memory for each"
plot for [i = 0 : words(who) - 1] "growth.dat" index i using 1:3 \
	with linespoints lw 2 pt 7 ps 0.6 lc rgb shade[i + 1] \
	title word(who, i + 1)

# The steps of an example: of each block that is indented by four, a line that
# begins with the prompt is a command (it goes on in the next line if it ends
# with a backslash), and what follows it is what it prints. Each step becomes
# two files: DIR/NN.do and DIR/NN.says.
# usage: awk -v prompt='$' -v dir=DIR -f steps.awk EXAMPLE

!/^    / { command = said = ""; next }
{ line = substr($0, 5) }
more { put(line); next }
substr(line, 1, 2) == prompt " " {
	step = sprintf("%s/%02d", dir, ++steps)
	command = step ".do"
	said = step ".says"
	printf "" >said
	put(substr(line, 3))
	next
}
said != "" { print line >said }

function put(text) {
	print text >command
	more = text ~ /\\$/
}

END { exit steps == 0 }

# The steps of an example: of each block that is indented by four, a line that
# begins with the prompt is a command (it goes on in the next line if it ends
# with a backslash, and up to END after <<'END'), and what follows it is what it
# prints. Each step becomes files: DIR/NN.do and DIR/NN.says, and DIR/NN.on if a
# machine stands before the prompt.
# usage: awk -v prompt='$' -v dir=DIR -f steps.awk EXAMPLE

!/^    / && !here { command = said = ""; next }
{ line = substr($0, 5) }
more { put(line); next }
match(line, "^[a-z]*[" prompt "] ") {
	step = sprintf("%s/%02d", dir, ++steps)
	command = step ".do"
	said = step ".says"
	printf "" >said
	if (RLENGTH > 2)
		print substr(line, 1, RLENGTH - 2) >(step ".on")
	put(substr(line, RLENGTH + 1))
	next
}
said != "" { print line >said }

function put(text) {
	print text >command
	if (text ~ /<<'END'/)
		here = 1
	else if (text == "END")
		here = 0
	more = here || text ~ /\\$/
}

END { exit steps == 0 }

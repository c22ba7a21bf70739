# What zsh offers behind a line: one word a line. Its completion runs in a
# terminal only: here in one of zsh's own, where Ctrl-X calls it.
# usage: zsh -f zsh.sh LOWPORT LINE SCRAPFILE
emulate -R zsh
zmodload zsh/zpty
export TERM=dumb FOUND=$3
: >$FOUND

# Wait for what the other shell prints.
await() {
	local got
	zpty -r -m shell got "*$1*" || exit 1
}

zpty shell zsh -f -i
zpty -w shell "path=(${1:h:q} \$path)
autoload -Uz compinit && compinit -D -u
. <(lowport completions zsh)
compadd() {
	local -a fit
	builtin compadd -O fit \"\$@\"
	print -rl -- \$fit >>\$FOUND
	builtin compadd \"\$@\"
}
zle -C complete-word .complete-word _main_complete
offer() { zle complete-word; print off''ered }
zle -N offer
bindkey '^X' offer
print rea''dy"
await ready
zpty -w -n shell "$2"$'\x18'
await offered
zpty -d shell
grep . $FOUND

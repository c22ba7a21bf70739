# What bash offers behind a line: one word a line.
# usage: bash bash.sh LOWPORT LINE
PATH=$(dirname "$1"):$PATH
# What a ~/.bashrc says: the bash 3.2 of macOS has no . <(...).
eval "$("$1" completions bash)"
set -- "$2"

# As readline has it: words end at blanks, and at : and = too.
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_LINE=$1
COMP_POINT=${#1}
spaced=${1//[:]/ : }
read -r -a COMP_WORDS <<<"${spaced//=/ = }"
case $1 in *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
_lowport lowport "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"

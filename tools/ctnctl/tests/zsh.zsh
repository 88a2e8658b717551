#!/usr/bin/zsh -f
# SPDX-License-Identifier: GPL-2.0-only
#
# What a person sees who types in zsh: it is run in a terminal of its own, where the keys
# are typed, and what is then in the line is printed. ^I in it is the Tab key.
#
#   zsh.zsh DIRECTORY KEYS      DIRECTORY has _ctnctl

zmodload zsh/zpty zsh/zselect
out=$(mktemp)
rm $out
zpty shell zsh -f -i
zpty -w shell "stty cols 500; PROMPT= RPROMPT=; fpath=(${(q)1} \$fpath)
autoload -Uz compinit; compinit -u -D; setopt no_beep
line() { print -r -- \"\$BUFFER\" >${(q)out}.new; mv ${(q)out}.new ${(q)out}; BUFFER=exit; zle accept-line }
zle -N line; bindkey '^X' line; : >${(q)out}.ready"
for ((i = 0; i < 500; i++)); do
	[[ ! -e $out.ready ]] || break
	zselect -t 2
	zpty -rt shell text
done
rm -f $out.ready
tab=$'\t'
zpty -wn shell "${2//\^I/$tab}"$'\x18'
for ((i = 0; i < 500; i++)); do
	[[ ! -e $out ]] || break
	zselect -t 2
	# what it prints has to go somewhere
	zpty -rt shell text
done
cat $out
rm -f $out
zpty -d shell

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What has the kernel? Kbuild.probe calls this with the compiler's command line, which
# names all files of compat/probe/. A probe with an error in it is something that the
# kernel has not.
#
#   probe.sh RESULT DEPENDENCIES KERNEL COMPILER...
set -u

result=$1
dependencies=$2
kernel=$3	# only that kbuild calls this again for another one
shift 3

mkdir -p "$(dirname "$result")"
said=$(LC_ALL=C "$@" -w -fmax-errors=0 -Wno-fatal-errors -fdiagnostics-color=never \
	-fsyntax-only "-Wp,-MMD,$dependencies" 2>&1)
errors=$(printf '%s\n' "$said" | grep -E '^[^ ]+:[0-9]+:([0-9]+:)? (fatal )?error:')
in_probes=$(printf '%s\n' "$errors" | grep -E '^([^ ]*/)?compat/probe/[a-z0-9_]+\.c:')

# The last one has an error always: the compiler works, and went on to the end. And an
# error elsewhere says nothing about what the kernel has.
if [ "$errors" != "$in_probes" ] ||
   ! printf '%s\n' "$in_probes" | grep -q '/never\.c:'; then
	printf '%s\n' "$said" >&2
	echo "grabber: cannot tell what kernel $kernel has: its headers do not compile." >&2
	exit 1
fi

{
	echo "/* By compat/probe.sh, for $kernel */"
	for probe; do
		case "$probe" in
		*/compat/probe/never.c) continue ;;
		*/compat/probe/have_*.c) name=$(basename "$probe" .c) ;;
		*) continue ;;
		esac
		error=$(printf '%s\n' "$in_probes" | grep -m 1 "/$name\.c:")
		macro=$(echo "$name" | tr '[:lower:]' '[:upper:]')
		if [ -z "$error" ]; then
			echo "#define $macro 1"
		else
			# No backslash (134): it could take the next line into the comment.
			printf '// no %s: %s\n' "$macro" "${error##*error: }" | tr '\134' '|'
		fi
	done
} >"$result.new" && mv "$result.new" "$result"

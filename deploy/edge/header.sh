#!/bin/sh
# @NAME@ @VERSION@ for @ARCH@, Python @PYTHONS@. Installs or updates without a network:
#   sudo sh @NAME@-@VERSION@-@ARCH@.run        (--help says more)
set -eu
lines=@LINES@
sum=@SHA256@
fail() { echo "@NAME@: $1" >&2; exit 1; }
[ "$(uname -m)" = @ARCH@ ] || fail "this file is for @ARCH@, this computer is $(uname -m)."
found=$(tail -n +$((lines + 1)) "$0" | sha256sum | cut -d ' ' -f 1)
[ "$found" = $sum ] || fail "this file is damaged; copy it again."
python=
for version in @PYTHONS@; do
  for name in "/usr/bin/python$version" "python$version"; do
    if [ -z "$python" ] && "$name" -c 'import venv, tomllib' 2>/dev/null; then python=$name; fi
  done
done
[ -n "$python" ] || fail "it needs Python @PYTHONS@: install one of them (Debian: python3)."
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/@NAME@-XXXXXX")
trap 'rm -rf "$folder"' EXIT
tail -n +$((lines + 1)) "$0" | tar -x --no-same-owner -C "$folder"
"$python" -I -c 'import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv.pop(1)); import install; sys.exit(install.main())' "$folder" "$@"
exit $?

#!/bin/sh
# Makes .venv and installs the locked packages into it: `tools/bootstrap.sh run`, or `dev` for tests and checks as well.
# Needs Python 3.11 or 3.12 and nothing else. Does nothing when the lock files have not changed since the last time.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-run}
case $kind in
  run) locks="requirements.txt" ;;
  dev) locks="requirements.txt requirements-dev.txt" ;;
  *) echo "usage: tools/bootstrap.sh run|dev" >&2; exit 2 ;;
esac

fail() { printf '%s\n' "$*" >&2; exit 1; }

# Prints the real path of an interpreter that fits. It is run, not only looked for: a pyenv shim exists and then fails.
fits() {
  "$1" -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 12) or sys.exit(1); print(sys.executable)' 2>/dev/null
}
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# $PYTHON alone when it is given: who names an interpreter means it.
candidates() {
  if [ -n "${PYTHON:-}" ]; then printf '%s\n' "$PYTHON"; return; fi
  printf '%s\n' python3.12 python3.11 python3 python
  for root in "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/3.12.* "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}"/versions/3.11.*; do
    [ -x "$root/bin/python" ] && printf '%s\n' "$root/bin/python"
  done
  return 0
}

find_python() {
  bare=""
  for name in $(candidates); do
    path=$(fits "$name") || continue
    if has_venv "$path"; then printf '%s\n' "$path"; return 0; fi
    [ -n "$bare" ] || bare=$path
  done
  if [ -n "$bare" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    version=$("$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    { apt-get install -y -q "python$version-venv" || { apt-get update -q && apt-get install -y -q "python$version-venv"; }; } >&2
    if has_venv "$bare"; then printf '%s\n' "$bare"; return 0; fi
  fi
  [ -z "$bare" ] || fail "$bare has no venv module. Install it (Debian, Ubuntu: apt-get install python3-venv), then run this again."
  fail "No Python 3.11 or 3.12 found${PYTHON:+ (PYTHON=$PYTHON)}. Install one, or name it: make run PYTHON=/path/to/python3.12"
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
  python=$(find_python)
  echo "Making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv
fi

# The stamp names what is installed: the interpreter and the text of the locks.
wanted=$({ .venv/bin/python -V; cat $locks; } | cksum)
if [ "$(cat ".venv/installed-$kind" 2>/dev/null || true)" != "$wanted" ]; then
  echo "Installing packages ($(echo $locks | sed 's/ / and /')) …"
  set --
  for lock in $locks; do set -- "$@" -r "$lock"; done
  .venv/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes --no-deps "$@" ||
    fail "The packages could not be installed; the lines above say why. Nothing was started."
  printf '%s\n' "$wanted" >".venv/installed-$kind"
fi

if [ -f tools/messages.py ]; then
  .venv/bin/python tools/messages.py compile
fi

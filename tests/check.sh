#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# All tests: sets up what is missing, builds, makes roots and kernels, runs
# pytest. Arguments go to pytest. Machines wait much of their time: one test more
# than there are processors runs at once.
set -eu

CDPATH='' cd -- "$(dirname -- "$0")/.."
tests/setup.sh check
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s programs
cd tests
/usr/bin/python3 -m vm.prepare
exec /usr/bin/python3 -m pytest -p no:cacheprovider -v -rs --durations=15 -n "$(($(nproc) + 1))" --dist loadfile "$@" .

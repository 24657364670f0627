#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make check-packages: sets up, builds the packages, runs their tests, two at a
# time, and ends with a table. Arguments go to pytest.
set -eu

CDPATH='' cd -- "$(dirname -- "$0")/../.."
tests/setup.sh check
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s programs
cd tests
exec /usr/bin/python3 -m pytest -p no:cacheprovider -v -rs --durations=15 -n 2 --dist loadgroup "$@" packages

#!/bin/sh
# Makes .venv with Python >= 3.12 and installs the package into it, editable, at the pinned versions.
# Called by make: EXTRA says with what more (nothing for `make demo`, which is ready sooner), VENV and CONSTRAINTS in
# which other environment and at which versions (`make lowest`).
# It leaves an environment that works alone.
set -eu
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
constraints=${CONSTRAINTS:-requirements/ci.txt}
extra=${EXTRA-dev}
new_enough='import sys; raise SystemExit(sys.version_info < (3, 12))'

# True if the command runs and is Python >= 3.12. Names that exist but do not run (pyenv shims) fail here.
is_new_enough() {
    "$@" -c "$new_enough" >/dev/null 2>&1
}

have_uv() {
    uv --version >/dev/null 2>&1
}

make_venv() {
    found=
    for python in python3.12 python3 python; do
        if ! is_new_enough "$python"; then
            continue
        elif "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "setup: making $venv with $python ($("$python" --version))"
            "$python" -m venv --clear "$venv"
            return
        fi
        found=${found:-$python}
    done
    if have_uv; then
        echo "setup: making $venv with uv"
        UV_VENV_CLEAR=1 uv venv --quiet --python "${found:-3.12}" "$venv"
        return
    fi
    if [ -n "$found" ]; then
        echo "setup: $found is new enough but lacks the venv or ensurepip module, and there is no uv." >&2
        echo "       Debian and Ubuntu: apt install python3-venv; or get uv: https://docs.astral.sh/uv/" >&2
    else
        echo "setup: no Python 3.12 or newer found (tried python3.12, python3, python) and no uv to fetch one." >&2
        echo "       Install Python >= 3.12 (https://www.python.org/downloads/, or your system's packages)," >&2
        echo "       or uv, which brings its own: https://docs.astral.sh/uv/getting-started/installation/" >&2
    fi
    exit 1
}

if is_new_enough "$venv/bin/python"; then
    echo "setup: using the $venv that is here"
else
    make_venv
fi

if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "$venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
        -c "$constraints" -e ".${extra:+[$extra]}"
    # What pip would do with one process; some packages hold files of other Pythons, which do not compile.
    "$venv/bin/python" -m compileall -q -j 0 "$venv"/lib/python3*/site-packages >/dev/null 2>&1 || true
elif have_uv; then
    uv pip install --quiet --python "$venv/bin/python" -c "$constraints" -e ".${extra:+[$extra]}"
else
    echo "setup: $venv has no pip and there is no uv. Remove $venv and run this again," >&2
    echo "       or run: $venv/bin/python -m ensurepip" >&2
    exit 1
fi
echo "setup: done"

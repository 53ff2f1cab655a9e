#!/bin/sh
# Builds a wheel and an sdist into dist/, installs each in an environment of its own with nothing else in it, and
# tries it away from the checkout.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf dist

.venv/bin/python -m venv "$work/build"
"$work/build/bin/pip" install -q hatchling
"$work/build/bin/python" -m hatchling build -d dist

for made in dist/*.whl dist/*.tar.gz; do
    rm -rf "$work/try" "$work/run"
    .venv/bin/python -m venv "$work/try"
    "$work/try/bin/pip" install -q -c requirements/ci.txt "$made"
    (
        cd "$work"
        "$work/try/bin/bayes-tbm" --version
        "$work/try/bin/bayes-tbm" sites >sites.txt
        "$work/try/bin/bayes-tbm" inspect hyytiala-twin >page.txt
        "$work/try/bin/bayes-tbm" simulate hyytiala-twin --out forward.nc
        "$work/try/bin/bayes-tbm" fit hyytiala-twin --streams gpp,lai --out run --chains 1 --warmup 30 --draws 20 --quiet >fit.txt ||
            [ $? -eq 3 ]
        test -s run/report.html
    )
    echo "wheel: $made installs and works away from $root"
done

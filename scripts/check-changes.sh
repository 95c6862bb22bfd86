#!/bin/sh
# Whether schema.graphql still has all that clients of the last release may use, which schema.released.graphql keeps.
set -eu
cd "$(dirname "$0")/.."

tag=$(git tag --list 'v*' --sort=-version:refname 2>/dev/null | head -n 1)
if [ -n "$tag" ] && ! git show "$tag:schema.graphql" | cmp -s - schema.released.graphql; then
    echo "schema.released.graphql is not what $tag released: git show $tag:schema.graphql >schema.released.graphql" >&2
    exit 1
fi
if [ ! -e schema.released.graphql ]; then
    echo "schema.graphql: no release yet to compare it with"
elif command -v npm >/dev/null; then
    make --silent suites
    node tests/conformance/changes.js schema.released.graphql schema.graphql
else
    echo "schema.graphql: not compared with the last release, since npm is not there"
    [ "${CI:-}" != true ]
fi

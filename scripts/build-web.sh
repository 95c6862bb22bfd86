#!/bin/sh
# Builds web/ into web/dist. The server does without it: where npm is absent or fails, this says so in one
# line and succeeds, except with STRICT=true or CI=true.
set -eu
cd "$(dirname "$0")/../web"

give_up() {
    printf '%s\n' "$1" >&2
    if [ "${STRICT:-}" = true ] || [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

# Remembers that this was tried, so that a machine without the registry does not wait for it at every start.
tried() {
    mkdir -p dist
    touch dist/.tried
}

command -v npm >/dev/null ||
    give_up "Web pages: npm was not found, so plain ones are shown. For the real ones, install Node.js 20.19 or newer."

# What npm says is for whoever has to mend a failure.
quietly() {
    said=$("$@" 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
}

install_modules() {
    # npm writes this file when it has finished, and only then.
    [ node_modules/.package-lock.json -nt package-lock.json ] && return
    echo "Web pages: fetching the build tools (once, about 400 MB on disk) …"
    quietly npm ci --no-audit --no-fund --loglevel=error
}

build() {
    echo "Web pages: building …"
    quietly npm run --silent build
}

if install_modules && build; then
    tried
else
    tried
    give_up "Web pages: npm failed (see above), so plain ones are shown; 'make web' tries again."
fi

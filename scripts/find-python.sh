#!/bin/sh
# Prints the newest Python on this machine that can hold the environment: CPython 3.11 to 3.14 with ensurepip.
# Looks along PATH and among pyenv's versions. PYTHON, when set, names one outright.
set -eu

# Of 3.15, orjson has no wheel yet; free-threaded builds lack many.
supported="3.11 to 3.14"

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# "MINOR MICRO" of an interpreter that will do, "no-ensurepip MINOR" of one that lacks only that, or nothing.
# A pyenv shim of a version that is not switched on fails here, and so is passed over.
probe() {
    "$1" -c '
import sys, sysconfig
major, minor, micro = sys.version_info[:3]
right = major == 3 and 11 <= minor <= 14 and sys.implementation.name == "cpython"
if right and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    try:
        import venv
        from ensurepip import bootstrap
        print(minor, micro)
    except ImportError:
        print("no-ensurepip", minor)
' 2>/dev/null || true
}

candidates() {
    (
        IFS=:
        set -f
        for folder in $PATH; do
            for name in python3.14 python3.13 python3.12 python3.11 python3; do
                printf '%s\n' "$folder/$name"
            done
        done
    )
    pyenv_root=$(pyenv root 2>/dev/null) || pyenv_root=${PYENV_ROOT:-${HOME:-}/.pyenv}
    printf '%s\n' "$pyenv_root"/versions/*/bin/python3
}

remedy_for_ensurepip() {
    printf '%s\n' "$1 is Python 3.$2 without ensurepip, which makes environments." \
        "On Debian and Ubuntu: apt-get install python3.$2-venv"
}

if [ -n "${PYTHON:-}" ]; then
    answer=$(probe "$PYTHON")
    case $answer in
        "") fail "PYTHON=$PYTHON is not a CPython $supported that runs." ;;
        no-ensurepip*) fail "$(remedy_for_ensurepip "$PYTHON" "${answer#no-ensurepip }")" ;;
    esac
    command -v "$PYTHON"
    exit
fi

usable=""
incomplete=""
while IFS= read -r python; do
    [ -x "$python" ] || continue
    answer=$(probe "$python")
    case $answer in
        "") ;;
        no-ensurepip*) incomplete=${incomplete:-$(remedy_for_ensurepip "$python" "${answer#no-ensurepip }")} ;;
        *) usable="$usable$answer $python
" ;;
    esac
done <<LIST
$(candidates)
LIST

if [ -n "$usable" ]; then
    printf '%s' "$usable" | sort -s -k1,1nr -k2,2nr | head -n 1 | cut -d ' ' -f 3-
elif [ -n "$incomplete" ]; then
    fail "$incomplete"
else
    fail "COVID-XR needs Python $supported, and none was found on PATH or in pyenv." \
        "On Debian and Ubuntu: apt-get install python3 python3-venv; elsewhere: python.org/downloads." \
        "Or name one: make run PYTHON=/path/to/python3"
fi

# Shared by the scripts beside this file: sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

bold() { if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi; }
say() { bold "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# packages NAME…: installs Debian packages. Fails, and says what to do, where that cannot be done from here.
packages() {
    have apt-get || die "missing: $*. Install them with the package manager of this system, and try again."
    local sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || die "missing Debian packages. Run: sudo apt-get install $*"
        sudo=sudo
    fi
    say "installing Debian packages: $*"
    $sudo apt-get -qq update </dev/null >&2
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" </dev/null >&2
}

# need COMMAND[:PACKAGE]…: what of it is not there is installed, in one go.
need() {
    local missing=() want
    for want in "$@"; do
        have "${want%%:*}" || missing+=("${want##*:}")
    done
    [ ${#missing[@]} = 0 ] || packages "${missing[@]}"
}

need_rust() {
    have cargo || [ ! -x "$HOME/.cargo/bin/cargo" ] || PATH="$HOME/.cargo/bin:$PATH"
    have cargo || die "Rust is missing (cargo). See https://rustup.rs"
    # Linking and the bundled SQLite want a C compiler with its headers.
    have cc && [ -e /usr/include/stdlib.h ] || packages gcc libc6-dev
}

# python_3_11: prints the first Python that is new enough.
python_3_11() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# venv DIR REQUIREMENTS…: makes the virtual environment, or makes it anew when the Python or the requirements are others.
venv() {
    local dir=$1 python stamp pip
    shift
    python_3_11 >/dev/null || packages python3 python3-venv
    python=$(python_3_11) || die "Python 3.11 or newer is missing"
    stamp=$("$python" -c 'import sys; print(sys.version)'; cat "$@" | cksum)
    [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || return 0

    say "making a virtual environment: ${dir#"$root"/}"
    rm -rf "$dir"
    pip=("$dir/bin/python" -m pip)
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv "$dir"
    elif "$python" -m pip --python "$python" --version >/dev/null 2>&1; then
        # Debian takes ensurepip out of Python; a pip outside of the environment does as well.
        "$python" -m venv --without-pip "$dir"
        pip=("$python" -m pip --python "$dir/bin/python")
    else
        packages "$(basename "$(readlink -f "$python")")-venv"
        "$python" -m venv "$dir"
    fi
    "${pip[@]}" install --quiet --disable-pip-version-check --no-input --use-pep517 "${@/#/--requirement=}" </dev/null >&2
    printf '%s\n' "$stamp" >"$dir/stamp"
}

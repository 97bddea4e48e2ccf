# shellcheck shell=bash
# Sourced by the scripts beside it: where the repository is, and how they speak.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by whoever sources this file
cache=${BOATHOOK_CACHE:-$root/.build-cache}

say() { printf '== %s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Shows a command as a person would type it, then runs it.
shown() {
    printf '   $ %s\n' "$*" >&2
    "$@"
}

# Ends the demo's `boathook up`, if it runs: SIGTERM, and SIGKILL after ten seconds.
stop_boathook() {
    local state=$1 pid
    [[ -s $state/up.pid ]] || return 0
    pid=$(<"$state/up.pid")
    # The number may be another process's by now.
    [[ $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") == *"$state/data"* ]] || return 0
    say "stopping boathook up"
    kill "$pid"
    for _ in {1..100}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    if kill -9 "$pid" 2>/dev/null; then
        say "it did not end within 10 s of SIGTERM, and was killed"
    fi
}

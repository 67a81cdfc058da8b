# Shared by the scripts beside it; to be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
PATH="$root/node_modules/.bin:/usr/local/sbin:/usr/sbin:/sbin:$PATH"
export PATH

# One line that says what is needed, and out.
need() {
  echo "icbdrep needs $*" >&2
  exit 1
}

say() {
  echo "setup: $*" >&2
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# install_missing PROGRAM=PACKAGE...: installs the Debian packages whose programs are not there.
install_missing() {
  local pair packages=()
  for pair in "$@"; do
    has "${pair%%=*}" || packages+=("${pair#*=}")
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  has apt-get || need "the packages ${packages[*]}, and there is no apt-get here to install them: install them by hand"
  say "installing ${packages[*]}"
  apt_install "${packages[@]}" || need "the packages ${packages[*]}, and apt-get could not install them: see $apt_log"
  for pair in "$@"; do
    has "${pair%%=*}" || need "the program ${pair%%=*}, which the package ${pair#*=} did not bring"
  done
}

apt_log=${TMPDIR:-/tmp}/icbdrep-apt.log
policy=/usr/sbin/policy-rc.d

# Installs packages, and lets none of their services start: the tests run their own sshd.
apt_install() {
  local made_policy=no status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made_policy=yes
  fi
  {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "$@" ||
      { apt-get update && apt-get install -y --no-install-recommends "$@"; }
  } >"$apt_log" 2>&1 || status=1
  [ "$made_policy" = no ] || rm -f "$policy"
  return "$status"
}

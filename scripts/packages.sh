# Sourced by the scripts that install what they need; they have said what say and stop are.

# Shows what a command printed only if it fails.
quietly() {
  local log result=0
  log=$(mktemp)
  "$@" > "$log" 2>&1 < /dev/null || result=$?
  [[ $result -eq 0 ]] || cat "$log" >&2
  rm -f "$log"
  return "$result"
}

# install_packages WHAT PACKAGE...: installs what is missing, as root and with apt-get; else names the packages and stops.
install_packages() {
  local what=$1
  shift
  [[ $(id -u) -eq 0 ]] || stop "$what is missing and installing it takes root: sudo apt-get update && sudo apt-get install --no-install-recommends $*"
  command -v apt-get > /dev/null || stop "$what is missing and this system has no apt-get: install it (Debian's packages: $*) by its own means, then run this again"
  say "installing $* (apt-get)"
  # One unreachable source among several makes an update fail and need not matter, so only the installation decides.
  apt-get update > /dev/null 2>&1 || true
  DEBIAN_FRONTEND=noninteractive quietly apt-get install --yes --no-install-recommends "$@" || stop "apt-get could not install $*; its words are above"
}

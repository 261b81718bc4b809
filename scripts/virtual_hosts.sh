#!/usr/bin/env bash
# Hosts to try jobs on, all on this machine: network namespaces with a name and an address each, joined by a bridge.
#   scripts/virtual_hosts.sh up N              makes the hosts 10.231.78.1 to 10.231.78.N (1 to 9) and says how to use them
#   scripts/virtual_hosts.sh down              removes them; jobs on them must have ended
#   scripts/virtual_hosts.sh cut N | heal N    takes the network from host N, and gives it back
#   scripts/virtual_hosts.sh kill N            kills all processes on host N at once, as a power failure does
#   scripts/virtual_hosts.sh ssh HOST COMMAND  runs a command on a host, as ssh would, whose options it ignores
# Takes root, and installs the package iproute2 if it is missing. Files, memory and cores are those of this machine.
set -euo pipefail

bridge=oe-hosts
prefix=10.231.78.
say() { printf 'virtual_hosts: %s\n' "$*"; }
stop() {
  printf 'virtual_hosts: %s\n' "$*" >&2
  exit 1
}

# shellcheck source=scripts/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

is_host() { [[ $1 =~ ^[1-9]$ && -e /run/netns/oe-host-$1 ]]; }

check_host() { is_host "$1" || stop "there is no host $1"; }

# The kernel takes note of each end of a link that is up within a second; before, its packets go nowhere.
wait_for_link() {
  local link=/sys/class/net/oe-host-v$1 tries
  for ((tries = 0; tries < 200; tries++)); do
    # 3: the bridge forwards.
    if [[ $(< "$link/operstate") == up && $(< "$link/brport/state") == 3 && $(ip -n "oe-host-$1" -oneline link show eth0) == *" state UP "* ]]; then
      return
    fi
    sleep 0.05
  done
  stop "the link of host $1 does not come up"
}

up() {
  [[ ${1-} =~ ^[1-9]$ ]] || stop "up takes the number of hosts, 1 to 9, not '${1-}'"
  [[ $(id -u) -eq 0 ]] || stop "network namespaces take root"
  command -v ip > /dev/null || install_packages ip iproute2
  down
  ip link add "$bridge" type bridge
  ip address add "${prefix}254/24" dev "$bridge"
  ip link set "$bridge" up
  for ((host = 1; host <= $1; host++)); do
    ip netns add "oe-host-$host"
    ip link add "oe-host-v$host" type veth peer name eth0 netns "oe-host-$host"
    ip link set "oe-host-v$host" master "$bridge" up
    ip -n "oe-host-$host" address add "$prefix$host/24" dev eth0
    ip -n "oe-host-$host" link set eth0 up
    ip -n "oe-host-$host" link set lo up
  done
  for ((host = 1; host <= $1; host++)); do wait_for_link "$host"; done
  say "${prefix}1 to $prefix$1 are up; a job on them, started from the first:"
  printf '  scripts/virtual_hosts.sh ssh %s1 bin/oe-run --launcher-exec scripts/virtual_hosts_ssh.sh --network-interfaces eth0 -H %s1:2,%s2:2 CONFIG.json\n' "$prefix" "$prefix" "$prefix"
}

down() {
  local path
  for path in /run/netns/oe-host-*; do
    [[ -e $path ]] || continue
    ip netns delete "$(basename "$path")"
  done
  # They go with the namespace that holds their other end, but the kernel takes its time for that, and longer while a process is left there.
  for path in /sys/class/net/oe-host-v*; do
    [[ ! -e $path ]] || ip link delete "$(basename "$path")" 2> /dev/null || [[ ! -e $path ]]
  done
  ! ip link show "$bridge" > /dev/null 2>&1 || ip link delete "$bridge"
}

enter() {
  while [[ ${1-} == -* ]]; do
    case $1 in
      -[bcDEeFIiJLlmOopQRSWw]) shift 2 ;;
      *) shift ;;
    esac
  done
  local host=${1##*.}
  if ! is_host "$host"; then
    printf 'virtual_hosts: no route to host %s\n' "$1" >&2
    exit 255 # as ssh
  fi
  shift
  exec ip netns exec "oe-host-$host" unshare --uts sh -c "echo oe-host-$host > /proc/sys/kernel/hostname; exec $*"
}

case ${1-} in
  up) up "${2-}" ;;
  down) down ;;
  cut)
    check_host "${2-}"
    ip link set "oe-host-v$2" down
    ;;
  heal)
    check_host "${2-}"
    ip link set "oe-host-v$2" up
    wait_for_link "$2"
    # A host that was asked for in vain counts as unreachable until the kernel gives it up and asks anew.
    for path in /run/netns/oe-host-*; do ip -n "$(basename "$path")" neighbour flush all; done
    ;;
  kill)
    check_host "${2-}"
    ip netns pids "oe-host-$2" | xargs --no-run-if-empty kill -KILL
    ;;
  ssh) shift && enter "$@" ;;
  *) stop "usage: virtual_hosts.sh up N | down | cut N | heal N | kill N | ssh HOST COMMAND" ;;
esac

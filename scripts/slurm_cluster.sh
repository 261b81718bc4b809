#!/usr/bin/env bash
# Runs a Slurm cluster on this machine alone, to try job scripts and to test: slurmctld, a slurmd for each node, and munge, on the loopback only.
#   scripts/slurm_cluster.sh up [--nodes N] [--cpus C]   starts it and prints the line that makes srun, sbatch and squeue use it
#   scripts/slurm_cluster.sh status                      shows its nodes and jobs; exit code 1 if it is not up
#   scripts/slurm_cluster.sh down                        ends its jobs and daemons and removes all it made
# N nodes, 1 unless given, are one machine under several names; C CPUs each, 8 unless given, may be more than the machine has.
#   OE_SLURM_FOLDER   configuration, keys, logs and state, /tmp/oe-slurm-$UID unless set; two folders are two clusters
# Installs the packages slurm-wlm and munge if they are missing (as root; else it names them). Touches no configuration below /etc.
set -euo pipefail

say() { printf 'slurm_cluster: %s\n' "$*"; }
stop() {
  printf 'slurm_cluster: %s\n' "$*" >&2
  exit 1
}
usage() {
  printf 'slurm_cluster: %s; usage: scripts/slurm_cluster.sh up [--nodes N] [--cpus C] | status | down\n' "$1" >&2
  exit 2
}

# The daemons are in sbin, which is not on every user's PATH.
PATH=$PATH:/usr/sbin:/sbin
folder=${OE_SLURM_FOLDER:-/tmp/oe-slurm-$UID}
[[ $folder == /* && $folder != *[[:space:]]* ]] || stop "OE_SLURM_FOLDER = '$folder' must be an absolute path without spaces"
export SLURM_CONF=$folder/slurm.conf
# In seconds; on a busy machine daemons may take long.
start_patience=60 end_patience=20

# shellcheck source=scripts/packages.sh
source "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

# Runs a check again and again until it succeeds; fails after so many seconds.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $end ]] || return 1
    sleep 0.1
  done
}

programs_present() { command -v munged slurmctld slurmd srun > /dev/null && [[ $(command -v munged slurmctld slurmd srun | wc -l) -eq 4 ]]; }

install_slurm() {
  install_packages Slurm slurm-wlm munge
  programs_present || stop "the packages are installed, but munged, slurmctld, slurmd or srun is not on PATH ($PATH)"
}

# The process of a daemon, from the file that it wrote; nothing if it has ended. Its command line names the folder: a number that was given
# to another process meanwhile is never taken for it.
process_of() {
  local id
  # The daemon may remove its file at this moment.
  id=$(tr -cd '0-9' 2> /dev/null < "$1") || return 0
  if [[ -n $id ]] && tr '\0' ' ' 2> /dev/null < "/proc/$id/cmdline" | grep -qF -- "$folder/"; then printf '%s' "$id"; fi
}

daemons_run() {
  local file
  [[ -f $SLURM_CONF && -f $folder/nodes ]] || return 1
  for file in munged slurmctld $(< "$folder/nodes"); do
    [[ -n $(process_of "$folder/$file.pid") ]] || return 1
  done
}

nodes_ready() {
  local states
  states=$(sinfo --noheader --format=%T 2> /dev/null) || return 1
  [[ -n $states ]] && ! grep -qvE '^(idle|mixed|allocated|completing)$' <<< "$states"
}

# The first of so many neighbouring ports to which nobody listens, below those that the system gives to clients.
free_ports() {
  local count=$1 base port taken tries
  for tries in {1..50}; do
    base=$((20000 + (RANDOM + tries) % 10000))
    taken=
    for ((port = base; port < base + count; port++)); do
      if (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
        taken=1
        break
      fi
    done
    if [[ -z $taken ]]; then
      printf '%d' "$base"
      return
    fi
  done
  stop "no $count free neighbouring ports between 20000 and 30000"
}

size_of() { printf '%d node%s of %d CPUs' "$1" "$([[ $1 -eq 1 ]] || printf s)" "$2"; }

write_configuration() {
  local nodes=$1 cpus=$2 host user port memory i
  host=$(hostname -s)
  user=$(id -un)
  port=$(free_ports $((nodes + 1)))
  memory=$(($(sed -n 's/^MemTotal: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 1024 / nodes))
  cat > "$SLURM_CONF" <<EOF
ClusterName=oe
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# A requeued job waits until its old credentials have expired: 120 s unless set.
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPidFile=$folder/slurmctld.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdPidFile=$folder/%n.pid
SlurmdLogFile=$folder/%n.log
SlurmdSpoolDir=$folder/spool-%n
StateSaveLocation=$folder/state
# Neither cgroups nor binding, which containers do not let everybody use.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=pmi2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# In seconds, from SIGTERM to SIGKILL; 30 unless set.
KillWait=10
# Takes the CPUs of this file although the machine may have fewer.
SlurmdParameters=config_overrides
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
EOF
  for ((i = 1; i <= nodes; i++)); do
    printf 'NodeName=oe%d NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=%d\n' "$i" "$host" $((port + i)) "$cpus" "$memory" >> "$SLURM_CONF"
    mkdir "$folder/spool-oe$i"
    printf 'oe%d\n' "$i" >> "$folder/nodes"
  done
  printf 'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n' >> "$SLURM_CONF"
  size_of "$nodes" "$cpus" > "$folder/size"
  mkdir "$folder/state"
  (umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
}

start_daemons() {
  local node
  quietly munged --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
    --seed-file="$folder/munged.seed" || stop "munged does not start; its words are above"
  quietly slurmctld -f "$SLURM_CONF" || stop "slurmctld does not start; its words are above and in $folder/slurmctld.log"
  while IFS= read -r node; do
    quietly slurmd -f "$SLURM_CONF" -N "$node" || stop "slurmd of $node does not start; its words are above and in $folder/$node.log"
  done < "$folder/nodes"
  wait_until "$start_patience" nodes_ready || {
    sinfo >&2 || true
    tail --lines=20 "$folder"/*.log >&2
    stop "the nodes are not ready after $start_patience s; states and logs are above"
  }
}

up() {
  local nodes=1 cpus=8 asked=
  while [[ $# -gt 0 ]]; do
    [[ ${2-} =~ ^[1-9][0-9]{0,2}$ ]] || usage "$1 takes a number from 1 to 999"
    case $1 in
      --nodes) nodes=$2 ;;
      --cpus) cpus=$2 ;;
      *) usage "unknown option $1" ;;
    esac
    asked=1
    shift 2
  done
  if daemons_run && nodes_ready; then
    [[ -z $asked || $(< "$folder/size") == "$(size_of "$nodes" "$cpus")" ]] || stop "is up with $(< "$folder/size"); end it first: scripts/slurm_cluster.sh down"
    say "is up already, $(< "$folder/size")"
  else
    programs_present || install_slurm
    if [[ -e $folder ]]; then remove; fi
    mkdir -m 755 "$folder" || stop "the folder $folder cannot be made"
    write_configuration "$nodes" "$cpus"
    start_daemons
    say "is up, $(< "$folder/size")"
  fi
  printf 'export SLURM_CONF=%s\n' "$SLURM_CONF"
}

no_jobs() { [[ -z $(squeue --noheader 2> /dev/null) ]]; }
ended() { [[ -z $(process_of "$1") ]]; }

end_daemon() {
  local id
  id=$(process_of "$1")
  [[ -n $id ]] || return 0
  kill "$id" 2> /dev/null || true
  wait_until "$end_patience" ended "$1" || kill -KILL "$id" 2> /dev/null || true
}

end_jobs() {
  local job
  for job in $(squeue --noheader --format=%A 2> /dev/null); do
    scancel --signal=KILL --full "$job" 2> /dev/null || true
    scancel "$job" 2> /dev/null || true
  done
  wait_until "$end_patience" no_jobs || say "these jobs do not end: $(squeue --noheader --format=%A | xargs)"
}

# Removes nothing but what this script made: the file nodes is the sign.
remove() {
  local node
  [[ -O $folder && -f $folder/nodes ]] || stop "$folder is not a folder of this script's; name another one in OE_SLURM_FOLDER"
  if daemons_run; then end_jobs; fi
  while IFS= read -r node; do end_daemon "$folder/$node.pid"; done < "$folder/nodes"
  end_daemon "$folder/slurmctld.pid"
  end_daemon "$folder/munged.pid"
  rm -rf "$folder"
}

case ${1-} in
  up) up "${@:2}" ;;
  down)
    [[ $# -eq 1 ]] || usage "down takes no options"
    if [[ -e $folder ]]; then
      remove
      say "is down"
    else
      say "is not up"
    fi
    ;;
  status)
    [[ $# -eq 1 ]] || usage "status takes no options"
    daemons_run || stop "is not up"
    say "is up, $(< "$folder/size")"
    sinfo
    squeue
    printf 'export SLURM_CONF=%s\n' "$SLURM_CONF"
    ;;
  *) usage "a command is missing or unknown" ;;
esac

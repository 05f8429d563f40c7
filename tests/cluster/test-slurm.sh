#!/bin/sh
# Holds a simulation as the job array of slurm.sh, requeues a task, merges, and compares: test-slurm.sh VOICESIM
# munged, slurmctld and slurmd are its own: key, ports, logs and state lie in a temporary folder, and they end with it.
set -eu
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
cd "$(dirname "$0")"
here=$(pwd)
PATH=$PATH:/usr/sbin:/sbin
scenario=$(realpath ../../audio/simulations/assistant.toml)
conversations=2003
tasks=4
ready_s=30
jobs_s=180

for program in munged slurmctld slurmd sbatch squeue scontrol python3; do
    if ! command -v "$program" >/dev/null; then
        echo "$program is missing; make test-slurm installs it, or as root: apt-get install slurm-wlm munge python3" >&2
        exit 3
    fi
done

# A job of another Slurm may run this; its settings are not for ours.
for name in $(env | sed -n 's/^\(S\(LURM\|BATCH\|CONTROL\|QUEUE\|INFO\|CANCEL\)_[A-Za-z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done

work=$(mktemp -d)
# munge wants its socket within reach of everybody, and its folder changed by nobody else.
chmod 755 "$work"
mkdir "$work/bin" "$work/state" "$work/spool" "$work/cgroup" "$work/jobs"
export SLURM_CONF="$work/slurm.conf"
outcome=failed

# What it prints may have no reader any more, and it is to end all the same.
stop() {
    set +e
    trap '' HUP INT PIPE TERM
    if [ "$outcome" = failed ]; then
        for log in "$work"/*.log "$work"/jobs/*.log; do
            [ ! -s "$log" ] || { echo "== the end of $(basename "$log")"; tail -n 15 "$log"; } >&2
        done
        stop_jobs
    fi
    for daemon in slurmd slurmctld munged; do
        stop_daemon "$daemon"
    done
    rm -rf "$work"
}

# Jobs outlive the daemons unless they are told.
stop_jobs() {
    [ -s "$work/slurmctld.pid" ] || return 0
    timeout 10 scancel --quiet --user="$(id -u)" >/dev/null 2>&1 || return 0
    within 10 no_job_runs || true
}

no_job_runs() {
    ! timeout 10 squeue --noheader --states=RUNNING,COMPLETING | grep -q .
}

# Ends what a pid file names, by force if it has not ended after five seconds.
stop_daemon() {
    [ -s "$work/$1.pid" ] || return 0
    process=$(cat "$work/$1.pid")
    kill "$process" 2>/dev/null || return 0
    for _ in $(seq 50); do
        is_running "$process" || return 0
        sleep 0.1
    done
    kill -KILL "$process" 2>/dev/null || true
}

# A process that has ended may be listed for a while, as a zombie.
is_running() {
    grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status" 2>/dev/null
}

trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

fail() {
    echo "test-slurm: $*" >&2
    exit 1
}

# Whether a command succeeds within so many seconds: within SECONDS COMMAND...
within() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# Two ports that nobody listens at, from below those that connections are given.
free_ports() {
    python3 - <<'PYTHON'
import random
import socket

found = []
while len(found) < 2:
    probe = socket.socket()
    try:
        probe.bind(("", random.randrange(20000, 32000)))
        found.append(probe)
    except OSError:
        probe.close()
print(*(probe.getsockname()[1] for probe in found))
PYTHON
}

# The settings of one node that runs all tasks at once, whatever this machine has. Written to slurm.conf.
settings() {
    node=$(uname -n)
    node=${node%%.*}
    cat <<CONF
ClusterName=voicesim
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$work/munge.socket,cred_expire=10
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
ReturnToService=2
NodeName=$node NodeAddr=127.0.0.1 CPUs=$tasks RealMemory=$((tasks * 512)) State=UNKNOWN
PartitionName=test Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
}

# No control groups, for which slurmd may want systemd. Versions before 23 know no such setting, and are shown an empty folder.
cgroup_settings() {
    if [ "${version%%.*}" -ge 23 ]; then
        echo CgroupPlugin=disabled
    else
        printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=%s\n' "$work/cgroup"
    fi
}

start_munge() {
    head -c 128 /dev/urandom > "$work/munge.key"
    chmod 400 "$work/munge.key"
    munged --socket="$work/munge.socket" --key-file="$work/munge.key" --pid-file="$work/munged.pid" \
        --log-file="$work/munged.log" --seed-file="$work/munged.seed" > "$work/start.log" 2>&1 ||
        fail "munged does not start"
}

# Somebody may take a port between its choice and its use: then other ports.
start_slurm() {
    for _ in 1 2 3; do
        # shellcheck disable=SC2046
        settings $(free_ports) > "$SLURM_CONF"
        if slurmctld -c >> "$work/start.log" 2>&1 && slurmd >> "$work/start.log" 2>&1 &&
            within "$ready_s" node_is_idle; then
            return
        fi
        stop_daemon slurmd
        stop_daemon slurmctld
        rm -f "$work"/slurm*.pid
    done
    fail "Slurm is not ready after $ready_s s"
}

node_is_idle() {
    timeout 10 sinfo --noheader --format=%t | grep -qx idle
}

# States of a job, or of all tasks of an array, a line each.
states() {
    timeout 10 squeue --noheader --array --states=all --format=%T --jobs="$1"
}

has_ended() {
    states "$1" > "$work/states" && ! grep -Eq 'PENDING|RUNNING|CONFIGURING|COMPLETING|REQUEUED' "$work/states"
}

# What the jobs call: voicesim, but shard 2 comes to a halt in its midst when it is held for the first time.
write_voicesim() {
    cat > "$work/bin/voicesim" <<WRAPPER
#!/bin/sh
case " \$* " in
*" --shard 2/$tasks "*)
    if mkdir "$work/halted" 2>/dev/null; then
        mkdir -p "$work/jobs/run/unfinished-2"
        echo half > "$work/jobs/run/unfinished-2/turns.bin"
        echo ready > "$work/halted/ready"
        exec sleep $jobs_s
    fi
    ;;
esac
exec "$voicesim" "\$@"
WRAPPER
    chmod 755 "$work/bin/voicesim"
    PATH=$work/bin:$PATH
    export PATH
}

# Submits by the very lines that slurm.sh gives its reader.
submit() {
    cp slurm.sh "$work/jobs"
    cd "$work/jobs"
    sed -n 's/^#   //p' slurm.sh > submit.sh
    folder=$work/jobs/run
    # shellcheck source=/dev/null
    merge=$(. ./submit.sh && echo "$array") || fail "sbatch does not take the jobs"
    array=$(echo "$merge" | sed -n 2p)
    merge=$(echo "$merge" | sed -n 1p)
}

requeue_the_second_task() {
    within "$jobs_s" test -e "$work/halted/ready" || fail "task 2 did not begin within $jobs_s s"
    timeout 10 scontrol requeue "${array}_2" || fail "task 2 cannot be requeued"
}

started_s=$(date +%s)
version=$(slurmd -V | sed 's/.* //')
cgroup_settings > "$work/cgroup.conf"
start_munge
start_slurm
echo "Slurm $version is ready, $tasks CPUs, after $(($(date +%s) - started_s)) s"
write_voicesim
submit
echo "submitted: array $array of $tasks tasks, $conversations conversations, and job $merge to merge them"
requeue_the_second_task
echo "requeued: task 2, which left a half-made folder"
within "$jobs_s" has_ended "$merge" || fail "job $merge did not end within $jobs_s s: $(states "$merge")"
states "$array,$merge" | sort | uniq -c | grep -qx " *$((tasks + 1)) COMPLETED" ||
    fail "not all jobs succeeded: $(states "$array,$merge" | tr '\n' ' ')"
"$voicesim" --quiet simulate "$scenario" --conversations "$conversations" --out "$work/whole" > "$work/whole.log" ||
    fail "the unsharded run failed"
sh "$here/same.sh" "$folder/merged" "$work/whole" || fail "merged shards differ from the unsharded run"
[ ! -e "$folder/unfinished-2" ] || fail "the half-made folder of task 2 is still there"
echo "merged: the same as an unsharded run, to the byte ($(($(date +%s) - started_s)) s)"
outcome=passed

#!/bin/sh
# A simulation as a Slurm job array: each task holds its share of the conversations, a job after them merges. Copy this file,
# add what your cluster asks for (an account, a partition), and submit it where voicesim is in the PATH, with a scenario and a
# new folder that all nodes see:
#
#   array=$(sbatch --parsable slurm.sh "$scenario" "$folder" "$conversations")
#   sbatch --parsable --job-name=voicesim-merge --output=voicesim-merge-%j.log \
#       --dependency="afterok:$array" --kill-on-invalid-dep=yes \
#       --wrap="rm -rf '$folder/merged' && voicesim merge '$folder'/shard-* --out '$folder/merged'"
#
# The report is in $folder/merged: what one machine would have given, to the byte. For more tasks change --array, from 1 and
# without gaps. A task that failed is run again by: scontrol requeue "${array}_3"

#SBATCH --job-name=voicesim
#SBATCH --array=1-4
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=512M
#SBATCH --time=01:00:00
#SBATCH --output=voicesim-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --requeue

set -eu

if [ $# -lt 2 ] || [ -z "${SLURM_ARRAY_TASK_ID:-}" ]; then
    echo "submit it as a job array: sbatch slurm.sh SCENARIO FOLDER [CONVERSATIONS]" >&2
    exit 2
fi
scenario=$1
folder=$2
conversations=${3:-100000}
task=$SLURM_ARRAY_TASK_ID
tasks=$SLURM_ARRAY_TASK_COUNT

if [ "${SLURM_ARRAY_TASK_MIN:-1}" -ne 1 ] || [ "${SLURM_ARRAY_TASK_MAX:-$tasks}" -ne "$tasks" ]; then
    echo "the array must be whole, --array=1-N; one task again: scontrol requeue ID_TASK" >&2
    exit 2
fi

# A folder gets its name when it is whole. So what a task that was stopped left behind is known, and only that is replaced.
whole=$folder/shard-$task
half=$folder/unfinished-$task
if [ -e "$whole" ]; then
    if [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then
        echo "$whole is there already; choose a new folder" >&2
        exit 2
    fi
    echo "$whole was finished before this task was requeued"
    exit 0
fi
rm -rf "$half"
mkdir -p "$folder"

# Exit 1 tells of a missed budget: a finding about the whole, which the merged report shows.
voicesim --quiet simulate "$scenario" --conversations "$conversations" --shard "$task/$tasks" \
    --threads "$SLURM_CPUS_PER_TASK" --out "$half" || [ $? -eq 1 ]
mv "$half" "$whole"

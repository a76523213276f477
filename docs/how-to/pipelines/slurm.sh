#!/bin/sh
# Slurm: one shard of a split as a task of an array job.
#   job=$(sbatch --parsable --array="$(labctl shard missing SPLIT)" slurm.sh SPLIT)
#   sbatch --dependency=afterany:"$job" --wrap 'labctl merge SPLIT --out RUNS'
#SBATCH --cpus-per-task=8 --mem=16G --time=4:00:00 --open-mode=append
# Live snapshots, locks and disks of guests belong on this node's own disk; slurm-epilog.sh names the same folder.
export LABCTL_CACHE="${LABCTL_CACHE:-/scratch/$(id -un)/labctl}"
# exec: a cancellation and a time limit reach labctl, which ends its guests and keeps what they left. It begins by ending the
# guests of shards that were killed here; those of shards that are at work are theirs.
exec labctl shard run "$1" --index "$SLURM_ARRAY_TASK_ID"

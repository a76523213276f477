#!/bin/sh
# Slurm: one shard of a split as a task of an array job.
#   job=$(sbatch --parsable --array="$(labctl shard missing SPLIT)" slurm.sh SPLIT)
#   sbatch --dependency=afterany:"$job" --wrap 'labctl merge SPLIT --out RUNS'
#SBATCH --cpus-per-task=8 --mem=16G --time=4:00:00 --open-mode=append
# Live snapshots, locks and disks of guests belong on this node's own disk.
export LABCTL_CACHE="${LABCTL_CACHE:-/scratch/$(id -un)/labctl}" LABCTL_RUNTIME="${LABCTL_RUNTIME:-/tmp/labctl-$SLURM_JOB_ID}"
# What a killed shard left here; the guests of shards that are at work are theirs. A warning is no reason to stay away.
labctl gc || true
# exec: a cancellation and a time limit reach labctl, which ends its guests and keeps what they left.
exec labctl shard run "$1" --index "$SLURM_ARRAY_TASK_ID"

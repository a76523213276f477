#!/bin/sh
# Slurm: Epilog= of slurm.conf, run as root on a node after each job. It ends what a killed shard left running, as the job's user; guests
# of shards that are at work stay. Without proctrack/cgroup, QEMU outlives a job that is cancelled.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
user=${SLURM_JOB_USER:?}
cache=${LABCTL_CACHE:-/scratch/$user/labctl} # as in slurm.sh
[ -d "$cache" ] || exit 0 # this user runs no shards
said=$(runuser -u "$user" -- env LABCTL_CACHE="$cache" timeout 120 labctl gc 2>&1) || true
logger -t labctl-epilog -- "job ${SLURM_JOB_ID:-?} of $user: $said" || true
exit 0 # anything else would drain the node

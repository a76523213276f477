#!/bin/bash
# Slurm on this host alone, below the folder $1: no system service, no control groups, no systemd; on the loopback. As root.
# Packages: slurm-wlm munge (--no-install-recommends). Use it: export SLURM_CONF=$1/slurm.conf. It is ended with
# kill $(cat $1/slurmd.pid) $(cat $1/slurmctld.pid) $(cat $1/munge/pid).
set -euo pipefail
dir=$(readlink -f "$1")
cpus=${2:-$(nproc)}
host=$(hostname -s)
# munge: a key and a socket of its own; the socket's folder must be enterable by everybody
mkdir -p "$dir"/{munge,munge-sock,state,spool,log}
chmod 0755 "$dir"
chmod 0700 "$dir/munge"
chmod 0711 "$dir/munge-sock"
if [ ! -f "$dir/munge/key" ]; then
  dd if=/dev/urandom bs=1024 count=1 of="$dir/munge/key" status=none
  chmod 0400 "$dir/munge/key"
fi
munged --key-file "$dir/munge/key" --socket "$dir/munge-sock/s" --pid-file "$dir/munge/pid" --log-file "$dir/munge/log" \
  --seed-file "$dir/munge/seed" --num-threads 1
cat >"$dir/slurm.conf" <<END
ClusterName=labctl
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$dir/munge-sock/s
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ReturnToService=2
KillWait=30
SlurmctldTimeout=30
SlurmdTimeout=30
SchedulerParameters=sched_interval=5,bf_interval=5
SchedulerType=sched/backfill
MinJobAge=600
JobRequeue=1
${EPILOG:+Epilog=$EPILOG}
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus State=UNKNOWN
PartitionName=lab Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
END
export SLURM_CONF="$dir/slurm.conf"
slurmctld -f "$dir/slurm.conf"
slurmd -f "$dir/slurm.conf"
for _ in $(seq 100); do
  sinfo -h -o %T 2>/dev/null | grep -q idle && exit 0
  sleep 0.1
done
echo "the node does not become idle" >&2
exit 1

# Runs inside the lab, as its root: the programs become visible to everyone, then the job begins.
# enter.sh PROGRAMS JOB
set -eu
mkdir -p /run/netcheck
mount --bind "$1" /run/netcheck
exec bash -e "$2"

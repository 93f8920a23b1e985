# Runs a program inside another root, with a folder of this one at the same path: enter.sh ROOT FOLDER PROGRAM [WORD...]
# To be run in a mount namespace of its own (unshare --mount): what is mounted here goes with the program, however it ends.
set -e
root=$1 folder=$2
shift 2
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
[ -d "$root/sys/kernel/tracing/events" ] || mount -t tracefs tracefs "$root/sys/kernel/tracing"
# bpftrace 0.11 looks there only.
[ -d "$root/sys/kernel/debug/tracing/events" ] || mount -t debugfs debugfs "$root/sys/kernel/debug"
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
exec chroot "$root" "$@"

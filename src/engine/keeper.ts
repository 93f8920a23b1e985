/** A bpftrace that has not ended so long after its SIGINT hangs. Detaching a probe took up to 0.13 s, and there may be hundreds. */
const stopLimitS = 120;

/** Marks what the keeper says on standard error, beside what bpftrace says there. */
export const keeperMark = 'tls-kit-keeper';

/**
 * The keeper: a small shell that starts bpftrace and outlives nothing. Where root is needed, it and bpftrace alone have it.
 * Its standard input is the lifeline: first comes the script, of the length given; then whoever holds the other end says `gate`
 * to close the gate from each processor, or `links` to hear how many perf events bpftrace has open (which only root may see),
 * and ends it (by closing, or by dying) to stop bpftrace, with one SIGINT, after which bpftrace prints its totals; one that hangs is
 * killed. Should the keeper die itself, the kernel sends that SIGINT (PR_SET_PDEATHSIG, prctl(2)).
 *
 * It uses no other descriptors than the first three: sudo closes all others. bpftrace gets a session of its own, and the keeper
 * ignores what a terminal sends: Ctrl-C must close the gate first.
 *
 * It reports on standard error: `links N`, and `exit STATUS`, 128 + n for signal n.
 * Arguments: the processors to mark, separated by spaces; the bytes of the script; then the command.
 *
 * It closes its own output, so that the end of bpftrace's output is the end of the stream.
 */
export const keeper = `
trap '' INT HUP
processors=$1
script=$(head -c "$2")
shift 2
printf '%s\\n' "$script" | setsid setpriv --pdeathsig INT -- "$@" &
engine=$!
exec 3>&2 >/dev/null 2>&1
while read -r word; do
  case $word in
    gate)
      for processor in $processors; do
        taskset -c "$processor" sh -c 'kill -CONT "$0"' "$engine" || kill -CONT "$engine"
      done
      ;;
    links) echo "${keeperMark} links $(readlink "/proc/$engine/fd/"* | grep -c perf_event)" >&3 ;;
  esac
done
kill -INT "$engine"
left=${stopLimitS * 10}
while kill -0 "$engine"; do
  [ "$left" -gt 0 ] || kill -KILL "$engine"
  left=$((left - 1))
  sleep 0.1
done
wait "$engine"
echo "${keeperMark} exit $?" >&3
`;

/**
 * The keeper: a small shell that starts bpftrace and outlives nothing. Its standard input is the lifeline: whoever holds the
 * other end says `gate` to close the gate from each processor, and ends it (by closing, or by dying) to stop bpftrace, with
 * one SIGINT, after which bpftrace prints its totals. Should the keeper die itself, the kernel sends that SIGINT
 * (PR_SET_PDEATHSIG, prctl(2)).
 *
 * Descriptors: 3 the script, 4 what the keeper reports (`pid N`, then `exit STATUS`, 128 + n for signal n).
 * Arguments: the processors to mark, separated by spaces; then the command.
 *
 * It closes its own output, so that the end of bpftrace's output is the end of the stream.
 */
export const keeper = `
processors=$1
shift
cat <&3 | setpriv --pdeathsig INT -- "$@" 3<&- 4>&- &
engine=$!
echo "pid $engine" >&4
exec 3<&- >/dev/null 2>&1
while read -r word; do
  case $word in
    gate)
      for processor in $processors; do
        taskset -c "$processor" sh -c 'kill -CONT "$0"' "$engine" || kill -CONT "$engine"
      done
      ;;
  esac
done
kill -INT "$engine"
wait "$engine"
echo "exit $?" >&4
`;

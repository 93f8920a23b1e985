/** What the world answers about a file or process that is not there, has gone meanwhile, or is not for this user to see. */
const codes: readonly unknown[] = [
  'EACCES',
  'EINVAL', // /proc/PID of a process that is ending
  'ELOOP',
  'ENAMETOOLONG',
  'ENODEV', // a cgroup that was removed
  'ENOENT',
  'ENOTDIR',
  'EPERM',
  'ESRCH',
];

/** For `catch`: such an answer is nothing to end a run for, and gives undefined; any other fault is thrown on. */
export function absent(error: unknown): undefined {
  if (codes.includes((error as NodeJS.ErrnoException).code)) return undefined;
  throw error;
}

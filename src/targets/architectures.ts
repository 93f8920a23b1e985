import {arch, endianness} from 'node:os';

/** A processor, as an ELF header names it, and where its libraries are. */
export interface Architecture {
  readonly title: string;
  /** `e_machine`, from elf.h. */
  readonly machine: number;
  /** The folder of its libraries on Debian and its relatives, and what the loader puts for `$LIB` there. */
  readonly triplet: string;
  /** What the loader puts for `$PLATFORM`, from AT_PLATFORM in getauxval(3). */
  readonly platform: string;
  /** Whether Linux has the system call dup2 there: not where its calls are those of include/uapi/asm-generic/unistd.h. */
  readonly hasDup2: boolean;
}

/** The 64-bit machines that both Node.js and bpftrace run on, by Node.js's name of them. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: {title: 'x86-64', machine: 62, triplet: 'x86_64-linux-gnu', platform: 'x86_64', hasDup2: true},
  arm64: {title: 'ARM 64-bit', machine: 183, triplet: 'aarch64-linux-gnu', platform: 'aarch64', hasDup2: false},
  loong64: {
    title: 'LoongArch',
    machine: 258,
    triplet: 'loongarch64-linux-gnu',
    platform: 'loongarch64',
    hasDup2: false,
  },
  ppc64: {title: 'PowerPC 64-bit', machine: 21, triplet: 'powerpc64le-linux-gnu', platform: 'power8', hasDup2: true},
  riscv64: {title: 'RISC-V', machine: 243, triplet: 'riscv64-linux-gnu', platform: 'riscv64', hasDup2: false},
  s390x: {title: 's390x', machine: 22, triplet: 's390x-linux-gnu', platform: 'z13', hasDup2: true},
};

/** Processors that are met but not traced. */
const others: Readonly<Record<number, string>> = {3: 'x86 32-bit', 8: 'MIPS', 20: 'PowerPC 32-bit', 40: 'ARM 32-bit'};

export interface Kind {
  readonly machine: number;
  readonly bits: number;
  readonly isLittleEndian: boolean;
}

/** This machine, or undefined where it is none that can trace. */
export const here: Architecture | undefined = architectures[arch()];

/** Whether a file with this header can run here as a 64-bit program. */
export function isOfThisMachine({machine, bits, isLittleEndian}: Kind): boolean {
  return machine === here?.machine && bits === 64 && isLittleEndian === (endianness() === 'LE');
}

/** A processor in words. */
export function titleOf({machine, bits, isLittleEndian}: Kind): string {
  const known = Object.values(architectures).find((one) => one.machine === machine)?.title ?? others[machine];
  const name = known ?? `processor number ${machine}`;
  const isUnusual =
    known !== undefined && others[machine] === undefined && (bits !== 64 || !isOfThisOrder(isLittleEndian));
  return isUnusual ? `${name} (${bits}-bit, ${isLittleEndian ? 'little' : 'big'}-endian)` : name;
}

function isOfThisOrder(isLittleEndian: boolean): boolean {
  return isLittleEndian === (endianness() === 'LE');
}

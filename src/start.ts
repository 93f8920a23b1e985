import {execute} from '@oclif/core';
export async function start(words: readonly string[], moduleUrl: string): Promise<void> {
  await execute({args: [...words], dir: moduleUrl});
}

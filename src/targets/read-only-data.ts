/** Whether a section holds a program's constant strings. */
export function isReadOnlyData(section: string): boolean {
  return section === '.rodata' || section.startsWith('.rodata.');
}

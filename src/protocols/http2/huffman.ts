/**
 * Bits of the code of each symbol 0..256 (RFC 7541, Appendix B), in base 36. The code is canonical: counted up by length, then by
 * symbol, so that the lengths are all there is to know.
 */
const codeLengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565' +
  '65666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmp' +
  'qqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';

const endOfString = 256;

/** A binary tree in an array: node n has its children at 2n and 2n+1; below 0 is a symbol (-1 - symbol). */
const tree = buildTree();

/** Decodes a Huffman string. Undefined where it breaks a rule: padding that is not the start of EOS, EOS itself (RFC 7541, 5.2). */
export function decodeHuffman(bytes: Buffer): Buffer | undefined {
  // The shortest code has 5 bits.
  const output = Buffer.allocUnsafe(Math.floor((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  let depth = 0;
  let ones = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const next = tree[node * 2 + bit] as number;
      depth++;
      ones = bit === 1 ? ones + 1 : 0;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (next === -1 - endOfString) return undefined;
      output[length++] = -1 - next;
      node = 0;
      depth = 0;
    }
  }
  const isPaddingRight = depth <= 7 && ones >= depth;
  return isPaddingRight ? output.subarray(0, length) : undefined;
}

function buildTree(): Int16Array {
  const lengths = Array.from(codeLengths, (digit) => Number.parseInt(digit, 36));
  const symbols = [...lengths.keys()].sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const nodes = new Int16Array(lengths.length * 2);
  let used = 1;
  let code = 0;
  let codeLength = 0;
  for (const symbol of symbols) {
    const length = lengths[symbol] as number;
    code = codeLength === 0 ? 0 : (code + 1) << (length - codeLength);
    codeLength = length;
    let node = 0;
    for (let shift = length - 1; shift > 0; shift--) {
      const index = node * 2 + ((code >>> shift) & 1);
      if (nodes[index] === 0) nodes[index] = used++;
      node = nodes[index] as number;
    }
    nodes[node * 2 + (code & 1)] = -1 - symbol;
  }
  return nodes;
}

// Unpacks LZ4 frames, which kafkajs cannot by itself. Only reading: what is written with kafkajs may be packed with gzip.

const MAGIC = 0x184d2204;
const STORED = 0x80000000;

/** The content of one frame. Throws an Error when it is none. */
export function unpackFrame(packed) {
  if (packed.readUInt32LE(0) !== MAGIC) throw new Error("not an LZ4 frame");
  const flags = packed[4];
  const blockChecksum = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0); // magic, flags, block size, content size if stated, header checksum
  let unpacked = Buffer.alloc(4 * packed.length);
  let length = 0;

  const room = (more) => {
    if (length + more <= unpacked.length) return;
    const larger = Buffer.alloc(Math.max(2 * unpacked.length, length + more));
    unpacked.copy(larger, 0, 0, length);
    unpacked = larger;
  };

  for (let size = packed.readUInt32LE(at); size !== 0; size = packed.readUInt32LE(at)) {
    at += 4;
    const end = at + (size & ~STORED);
    if ((size & STORED) !== 0) {
      room(end - at);
      length += packed.copy(unpacked, length, at, end);
    } else {
      while (at < end) {
        const token = packed[at++];
        let literals = token >> 4;
        if (literals === 15) do literals += packed[at]; while (packed[at++] === 255);
        room(literals);
        length += packed.copy(unpacked, length, at, at + literals);
        at += literals;
        if (at >= end) break; // a block ends in literals
        let from = length - packed.readUInt16LE(at);
        at += 2;
        let repeated = (token & 15) + 4;
        if (repeated === 19) do repeated += packed[at]; while (packed[at++] === 255);
        room(repeated);
        while (repeated-- > 0) unpacked[length++] = unpacked[from++]; // byte by byte: the two may overlap
      }
    }
    at = end + (blockChecksum ? 4 : 0);
  }
  return unpacked.subarray(0, length);
}

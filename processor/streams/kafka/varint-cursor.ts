/** Reads zigzag varints from a buffer. Past the end it reads zeros: the caller compares `at` with the end. */
export class VarintCursor {
  bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A 32-bit zigzag varint. */
  varint(): number {
    const first = this.bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let raw = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++] ?? 0;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** A 64-bit zigzag varint as a JS number, exact to 2^53. */
  varlong(): number {
    const first = this.bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    // The sign is the lowest bit of the first byte. Without it the sum is half as large, and exact to 2^53.
    let half = (first & 0x7f) >>> 1;
    let scale = 0x40;
    for (let i = 1; i < 10; i++) {
      const byte = this.bytes[this.at++] ?? 0;
      half += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    return (first & 1) === 0 ? half : -half - 1;
  }
}

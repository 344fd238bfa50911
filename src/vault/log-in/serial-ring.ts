export type SerialRing = {
  /** A new serial number, counted from 0. */
  readonly next: () => number;
  /** Whether the number is one of the newest and has not been used. From then on it has been. */
  readonly use: (serial: number) => boolean;
};

/** Single use of the newest serial numbers, eight for each of `bytes`; what is older counts as used. */
export function createSerialRing(bytes: number): SerialRing {
  const used = new Uint8Array(bytes);
  const size = bytes * 8;
  let next = 0;
  const placeOf = (serial: number) => {
    const slot = serial % size;
    return { at: slot >>> 3, bit: 1 << (slot & 7) };
  };
  return {
    next: () => {
      const { at, bit } = placeOf(next);
      // The bit was that of the number `size` before, which is too old from here on.
      used[at] = (used[at] ?? 0) & ~bit;
      next += 1;
      return next - 1;
    },
    use: (serial) => {
      // SECURITY: the bit of an older number is another one's by now, and would say that it is unused.
      if (!Number.isSafeInteger(serial) || serial >= next || serial < Math.max(0, next - size))
        return false;
      const { at, bit } = placeOf(serial);
      const byte = used[at] ?? 0;
      used[at] = byte | bit;
      return (byte & bit) === 0;
    },
  };
}

import { PNG } from "pngjs";
import { randomBytes } from "../../keys/secure-random.ts";

const WIDTH = 128;
const HEIGHT = 64;
const SPECKLES = 500;
const STROKES = 6;

/** 5 by 7 dots a digit, a row a number, the leftmost dot its highest bit. */
const FONT: readonly (readonly number[])[] = [
  [0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e],
  [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
  [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f],
  [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
  [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
  [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
  [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
  [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
  [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
  [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
];

type Ink = readonly [red: number, green: number, blue: number];
/** A number from 0 up to and without 1. */
type Chance = () => number;

/** Six digits that people can read, as a PNG of 128 by 64: each turned, slanted, coloured and placed by chance, among strokes and speckles. */
export async function drawDigits(digits: string): Promise<Buffer> {
  const png = new PNG({ width: WIDTH, height: HEIGHT, colorType: 2 });
  const chance = createChance();
  png.data.fill(0xff);
  speckle(png, chance, SPECKLES);
  digits.split("").forEach((digit, position) => drawDigit(png, chance, Number(digit), position));
  for (let stroke = 0; stroke < STROKES; stroke += 1) drawStroke(png, chance);
  return pack(png);
}

/** Compresses beside the event loop. pngjs streams are of the old kind, which node:stream/consumers does not read. */
function pack(png: PNG): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    png
      .pack()
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .once("end", () => resolve(Buffer.concat(chunks)))
      .once("error", reject);
  });
}

function drawDigit(png: PNG, chance: Chance, digit: number, position: number): void {
  const centreX = 14 + position * 20 + between(chance, -2, 2);
  const centreY = HEIGHT / 2 + between(chance, -9, 9);
  const turn = between(chance, -0.25, 0.25);
  const slant = between(chance, -0.15, 0.15);
  const size = between(chance, 2.7, 3.5);
  const ink = darkInk(chance);
  // Asked pixel by pixel which dot of the font lies there, so that a turned digit has no holes.
  for (let y = -18; y <= 18; y += 1) {
    for (let x = -14; x <= 14; x += 1) {
      const across = (x * Math.cos(turn) + y * Math.sin(turn)) / size;
      const down = (y * Math.cos(turn) - x * Math.sin(turn)) / size;
      const row = Math.floor(down + 3.5);
      const column = Math.floor(across + slant * down + 2.5);
      if (isInked(digit, row, column)) setPixel(png, centreX + x, centreY + y, ink);
    }
  }
}

function isInked(digit: number, row: number, column: number): boolean {
  if (column < 0 || column > 4) return false;
  return (((FONT[digit]?.[row] ?? 0) >> (4 - column)) & 1) === 1;
}

function drawStroke(png: PNG, chance: Chance): void {
  const ink = darkInk(chance);
  const from = between(chance, 0, HEIGHT);
  const rise = between(chance, -HEIGHT, HEIGHT) / WIDTH;
  const swing = between(chance, 2, 9);
  const pace = between(chance, 0.03, 0.12);
  for (let x = 0; x < WIDTH; x += 1) {
    setPixel(png, x, from + rise * x + swing * Math.sin(x * pace), ink);
  }
}

function speckle(png: PNG, chance: Chance, count: number): void {
  for (let speck = 0; speck < count; speck += 1) {
    setPixel(png, between(chance, 0, WIDTH), between(chance, 0, HEIGHT), darkInk(chance));
  }
}

function setPixel(png: PNG, x: number, y: number, [red, green, blue]: Ink): void {
  const [column, row] = [Math.round(x), Math.round(y)];
  if (column < 0 || column >= WIDTH || row < 0 || row >= HEIGHT) return;
  png.data.set([red, green, blue, 0xff], (row * WIDTH + column) * 4);
}

function darkInk(chance: Chance): Ink {
  return [between(chance, 0, 150), between(chance, 0, 150), between(chance, 0, 150)];
}

function between(chance: Chance, from: number, to: number): number {
  return from + chance() * (to - from);
}

/** From one draw of the system's generator: a picture takes some 2,500 numbers, and a call for each would take longer than the drawing. */
function createChance(): Chance {
  const bytes = randomBytes(8192);
  let next = 0;
  return () => {
    const value = bytes.readUInt16LE(next) / 0x1_0000;
    next = (next + 2) % bytes.length;
    return value;
  };
}

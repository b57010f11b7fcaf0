// WebAssembly of a few lines, written as calls that return the bytes of the binary format (core specification 2.0, chapter 5).
// Only the instructions that are used here.

export type Code = readonly number[];

const I32 = 0x7f;
export const I64 = 0x7e;

export interface WasmFunction {
  readonly name: string;
  /** All are i32. */
  readonly params: number;
  readonly returnsI32: boolean;
  readonly i64Locals: number;
  readonly body: Code;
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const i64 = (value: number): Code => [0x42, ...signed(value)];
export const i32Load = (offset: number): Code => [0x28, 2, ...unsigned(offset)];
export const i64Load = (offset: number): Code => [0x29, 0, ...unsigned(offset)];
export const i64Store = (offset: number): Code => [0x37, 0, ...unsigned(offset)];
export const i32Load8 = (offset: number): Code => [0x2d, 0, ...unsigned(offset)];
export const v128Load = (offset: number): Code => [0xfd, 0, 0, ...unsigned(offset)];
export const v128Store = (offset: number): Code => [0xfd, 11, 0, ...unsigned(offset)];
export const V128_XOR: Code = [0xfd, 0x51];
export const LESS: Code = [0x49];
export const ADD: Code = [0x6a];
export const AND: Code = [0x71];
export const XOR: Code = [0x73];
export const SHIFT_LEFT: Code = [0x74];
export const SHIFT_RIGHT: Code = [0x76];
export const I64_ADD: Code = [0x7c];
export const I64_XOR: Code = [0x85];
export const I64_SHIFT_RIGHT: Code = [0x88];
export const I64_ROTATE_LEFT: Code = [0x89];
export const LOW_I32: Code = [0xa7];
export const TO_I64: Code = [0xad];

const NO_RESULT = 0x40;
const END = 0x0b;

/** While what `condition` leaves is not 0. */
export function whileTrue(condition: Code, body: Code): Code {
  const [block, loop, branch, branchIf] = [0x02, 0x03, 0x0c, 0x0d];
  const isZero = 0x45;
  return [block, NO_RESULT, loop, NO_RESULT, ...condition, isZero, branchIf, 1, ...body, branch, 0, END, END];
}

/** A module of these functions, exported by their names, and of a memory of so many pages of 64 KiB, exported as `memory`. */
export function moduleOf(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ params, returnsI32 }) => [
    0x60,
    ...vector(Array.from({ length: params }, () => [I32])),
    ...vector(returnsI32 ? [[I32]] : []),
  ]);
  const exported = functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]);
  const bodies = functions.map(({ i64Locals, body }) => {
    const locals = i64Locals > 0 ? [[...unsigned(i64Locals), I64]] : [];
    return sized([...vector(locals), ...body, END]);
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(5, vector([[1, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(7, vector([...exported, [...text('memory'), 2, 0]])),
    ...section(10, vector(bodies)),
  ]);
}

const section = (id: number, content: Code): Code => [id, ...sized(content)];
const sized = (content: Code): Code => [...unsigned(content.length), ...content];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const text = (name: string): Code => sized([...new TextEncoder().encode(name)]);

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  // The sixth bit of the last byte is the sign.
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}

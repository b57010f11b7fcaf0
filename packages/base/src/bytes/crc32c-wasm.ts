import { crc32cTables, type stateByTables } from './crc32c-tables.ts';
import {
  ADD,
  AND,
  type Code,
  get,
  I64_SHIFT_RIGHT,
  I64_XOR,
  i32,
  i32Load,
  i32Load8,
  i64,
  i64Load,
  LESS,
  LOW_I32,
  moduleOf,
  SHIFT_LEFT,
  SHIFT_RIGHT,
  set,
  TO_I64,
  V128_XOR,
  v128Load,
  v128Store,
  whileTrue,
  XOR,
} from './wasm-code.ts';

// CRC-32C in WebAssembly: folding without tables or multiplications, then slicing by sixteen over what is left.
//
//   memory   | tables 16 KiB | 92 vectors of zeroes | the message, as much as there is room for |
//
// Bytes are the coefficients of a polynomial, the crc its remainder. Where a sum of powers, sum(x^(128 e)), is a multiple of
// the polynomial, a vector of 16 bytes may be taken away and added, as it is, to the places behind it that those powers name,
// and the remainder stays the same. One such sum of eight powers, the shortest there is whose places are 12 vectors
// away or more, so that one need not wait for another:
//
//   x^(128 * 92) + x^(128 * 80) + x^(128 * 65) + x^(128 * 24) + x^(128 * 18) + x^(128 * 17) + x^(128 * 13) + 1
//
//   fold(at, end)          every vector of the message takes what those 12, 27, 68, 74, 75, 79 and 92 before it handed on
//   handOn(to, end, from)  the last ones, which nobody may take away any more, take it from those that were
//   walk(at, end, state)   the crc of these 92 vectors and the bytes behind the last whole one, which is the crc of all
//
// The message is copied in, room by room; what one room leaves begins the next one. In the text format, with $i for each:
//
//   (func (export "fold") (param $at i32) (param $end i32)        ;; $at is 92 vectors before what is folded
//     while $at < $end, two vectors a turn:
//       (v128.store offset=1472 (local.get $at) (v128.xor (v128.load offset=1472 (local.get $at))
//         (v128.load offset=(92 - distance) * 16 (local.get $at)) ...for each distance))
//       (local.set $at (i32.add (local.get $at) (i32.const 32))))
//   (func (export "handOn") (param $to i32) (param $end i32) (param $from i32)
//     while $to < $end:
//       (v128.store (local.get $to) (v128.xor (v128.load (local.get $to)) (v128.load (local.get $from))))
//       (local.set $to (i32.add (local.get $to) (i32.const 16))), and $from likewise)
//   (func (export "walk") (param $at i32) (param $end i32) (param $state i32) (result i32) (local $a i64) (local $b i64)
//     while $at + 15 < $end:
//       (local.set $a (i64.xor (i64.load (local.get $at)) (i64.extend_i32_u (local.get $state))))
//       (local.set $b (i64.load offset=8 (local.get $at)))
//       (local.set $state (i32.xor ...of table 15 - $i at byte $i of $a, and table 7 - $i at byte $i of $b))
//       (local.set $at (i32.add (local.get $at) (i32.const 16)))
//     while $at < $end:
//       $state = table 0 at (($state ^ byte at $at) & 255) ^ ($state >> 8), $at + 1
//     (local.get $state))

const VECTOR = 16;
const DISTANCES = [92, 79, 75, 74, 68, 27, 12];
const FARTHEST = 92;

const PAGES = 1;
const TABLES = 16;
const TABLE_BYTES = 1024;
const ZEROES_AT = TABLES * TABLE_BYTES;
const MESSAGE_AT = ZEROES_AT + FARTHEST * VECTOR;
const ROOM_BYTES = PAGES * 65_536 - MESSAGE_AT;
// Fewer are walked at once: what is handed on at the end costs as much as folding some fifty.
const FOLDED_VECTORS_MIN = 64;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  fold(at: number, end: number): void;
  handOn(to: number, end: number, from: number): void;
  walk(at: number, end: number, state: number): number;
}

/** Null where there is no WebAssembly with vectors: switched off, or a processor without them. */
export function loadStateByFolding(): typeof stateByTables | null {
  const { WebAssembly } = globalThis as { WebAssembly?: Wasm };
  const code = crc32cModule();
  if (!WebAssembly?.validate(code)) return null;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  return over(exports as Exports);
}

/** What of the global is used; there are no types of it without those of a browser. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
  validate(code: Uint8Array): boolean;
}

function over({ memory, fold, handOn, walk }: Exports): typeof stateByTables {
  const room = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  for (const [t, table] of crc32cTables(TABLES).entries()) {
    for (const [i, entry] of table.entries()) view.setUint32(t * TABLE_BYTES + i * 4, entry, true);
  }
  return (bytes, start, end, before) => {
    let state = before;
    let kept = 0;
    for (let at = start; ; ) {
      const taken = Math.min(end - at, ROOM_BYTES - kept);
      room.set(bytes.subarray(at, at + taken), MESSAGE_AT + kept);
      at += taken;
      const messageEnd = MESSAGE_AT + kept + taken;
      const folded = evenBelow((kept + taken) / VECTOR - FARTHEST);
      if (folded < FOLDED_VECTORS_MIN) return walk(MESSAGE_AT, messageEnd, state);
      // A state before a message is the same as none, and the state added to its first bytes.
      view.setUint32(MESSAGE_AT, view.getUint32(MESSAGE_AT, true) ^ state, true);
      state = 0;
      const left = MESSAGE_AT + folded * VECTOR;
      fold(ZEROES_AT, ZEROES_AT + folded * VECTOR);
      for (const distance of DISTANCES) handOn(left, left + distance * VECTOR, left - distance * VECTOR);
      if (at === end) return walk(left, messageEnd, state);
      room.copyWithin(MESSAGE_AT, left, messageEnd);
      kept = messageEnd - left;
    }
  };
}

const evenBelow = (count: number) => Math.floor(count / 2) * 2;

function crc32cModule(): Uint8Array {
  const functions = [
    { name: 'fold', params: 2, returnsI32: false, i64Locals: 0, body: foldBody() },
    { name: 'handOn', params: 3, returnsI32: false, i64Locals: 0, body: handOnBody() },
    { name: 'walk', params: 3, returnsI32: true, i64Locals: 2, body: walkBody() },
  ];
  return moduleOf(functions, PAGES);
}

const plus = (local: number, more: number): Code => [...get(local), ...i32(more), ...ADD];
const advance = (local: number, by: number): Code => [...plus(local, by), ...set(local)];

function foldBody(): Code {
  const [at, end] = [0, 1];
  const one = (nth: number): Code => {
    const own = (FARTHEST + nth) * VECTOR;
    const takes = DISTANCES.map((distance) => [...get(at), ...v128Load(own - distance * VECTOR), ...V128_XOR]);
    return [...get(at), ...get(at), ...v128Load(own), ...takes.flat(), ...v128Store(own)];
  };
  return whileTrue([...get(at), ...get(end), ...LESS], [...one(0), ...one(1), ...advance(at, 2 * VECTOR)]);
}

function handOnBody(): Code {
  const [to, end, from] = [0, 1, 2];
  const sum = [...get(to), ...v128Load(0), ...get(from), ...v128Load(0), ...V128_XOR];
  return whileTrue(
    [...get(to), ...get(end), ...LESS],
    [...get(to), ...sum, ...v128Store(0), ...advance(to, VECTOR), ...advance(from, VECTOR)],
  );
}

function walkBody(): Code {
  const [at, end, state, a, b] = [0, 1, 2, 3, 4];
  /** Of a table, the entry at what is on the stack. */
  const entry = (table: number): Code => [
    ...i32(255),
    ...AND,
    ...i32(2),
    ...SHIFT_LEFT,
    ...i32Load(table * TABLE_BYTES),
  ];
  const ofByte = (local: number, nth: number, table: number): Code => [
    ...get(local),
    ...i64(8 * nth),
    ...I64_SHIFT_RIGHT,
    ...LOW_I32,
    ...entry(table),
  ];
  const lookups = Array.from({ length: 8 }, (_, i) => [ofByte(a, i, 15 - i), ofByte(b, i, 7 - i)]).flat();
  const sixteen = [
    ...[...get(at), ...i64Load(0), ...get(state), ...TO_I64, ...I64_XOR, ...set(a)],
    ...[...get(at), ...i64Load(8), ...set(b)],
    ...lookups.flatMap((lookup, i) => (i === 0 ? lookup : [...lookup, ...XOR])),
    ...[...set(state), ...advance(at, VECTOR)],
  ];
  const one = [
    ...[...get(state), ...get(at), ...i32Load8(0), ...XOR, ...entry(0)],
    ...[...get(state), ...i32(8), ...SHIFT_RIGHT, ...XOR],
    ...[...set(state), ...advance(at, 1)],
  ];
  return [
    ...whileTrue([...plus(at, VECTOR - 1), ...get(end), ...LESS], sixteen),
    ...whileTrue([...get(at), ...get(end), ...LESS], one),
    ...get(state),
  ];
}

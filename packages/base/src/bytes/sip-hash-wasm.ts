import type { SipDigest } from './sip-hash.ts';
import { digestPlainly } from './sip-hash-plain.ts';
import {
  ADD,
  type Code,
  get,
  I64_ADD,
  I64_ROTATE_LEFT,
  I64_XOR,
  i32,
  i64,
  i64Load,
  i64Store,
  LESS,
  moduleOf,
  set,
  whileTrue,
} from './wasm-code.ts';

// SipHash in WebAssembly, whose words have 64 bits.
//
//   memory   | state 32 B | hash 16 B | the message, padded to whole words |
//
//   (func (export "digest") (param $at i32) (param $end i32) (local $v0 i64) ... (local $v3 i64) (local $word i64)
//     $v0 to $v3 = the state
//     while $at < $end:
//       (local.set $word (i64.load (local.get $at))), $v3 ^= $word, two rounds, $v0 ^= $word, $at + 8
//     $v2 ^= 0xee, four rounds, first word of the hash = $v0 ^ $v1 ^ $v2 ^ $v3
//     $v1 ^= 0xdd, four rounds, second word likewise)

const HASH_AT = 32;
const MESSAGE_AT = 48;
// Labels have at most 64 KiB, and a tenant's name stands before them.
const PAGES = 2;
const MESSAGE_BYTES_MAX = PAGES * 65_536 - MESSAGE_AT - 8;
// Shorter ones are copied faster one by one than by a call.
const COPIED_ONE_BY_ONE = 32;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  digest(at: number, end: number): void;
}

/** What of the global is used; there are no types of it without those of a browser. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
  validate(code: Uint8Array): boolean;
}

/** Null where there is no WebAssembly. */
export function loadSipHash(): SipDigest | null {
  const { WebAssembly } = globalThis as { WebAssembly?: Wasm };
  const code = moduleOf([{ name: 'digest', params: 2, returnsI32: false, i64Locals: 5, body: digestBody() }], PAGES);
  if (!WebAssembly?.validate(code)) return null;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  return over(exports as Exports);
}

function over({ memory, digest }: Exports): SipDigest {
  const room = new Uint8Array(memory.buffer);
  return (state, head, bytes) => {
    const length = head.length + bytes.length;
    if (length > MESSAGE_BYTES_MAX) return digestPlainly(state, head, bytes);
    room.set(state, 0);
    if (head.length > COPIED_ONE_BY_ONE) room.set(head, MESSAGE_AT);
    else for (let i = 0; i < head.length; i++) room[MESSAGE_AT + i] = head[i] as number;
    room.set(bytes, MESSAGE_AT + head.length);
    const end = MESSAGE_AT + (length - (length % 8)) + 8;
    for (let at = MESSAGE_AT + length; at < end - 1; at++) room[at] = 0;
    room[end - 1] = length;
    digest(MESSAGE_AT, end);
    return room.slice(HASH_AT, HASH_AT + 16);
  };
}

const [AT, END, V0, V1, V2, V3, WORD] = [0, 1, 2, 3, 4, 5, 6];

function digestBody(): Code {
  const state = [V0, V1, V2, V3].flatMap((v, i) => [...i32(0), ...i64Load(i * 8), ...set(v)]);
  const step = [
    ...[...get(AT), ...i64Load(0), ...set(WORD)],
    ...xored(V3, get(WORD)),
    ...rounds(2),
    ...xored(V0, get(WORD)),
    ...[...get(AT), ...i32(8), ...ADD, ...set(AT)],
  ];
  const all = [...get(V0), ...get(V1), ...I64_XOR, ...get(V2), ...I64_XOR, ...get(V3), ...I64_XOR];
  const out = (mark: number, by: number, at: number): Code => [
    ...xored(mark, i64(by)),
    ...rounds(4),
    ...[...i32(0), ...all, ...i64Store(at)],
  ];
  return [
    ...state,
    ...whileTrue([...get(AT), ...get(END), ...LESS], step),
    ...out(V2, 0xee, HASH_AT),
    ...out(V1, 0xdd, HASH_AT + 8),
  ];
}

const rounds = (count: number): Code => Array.from({ length: count }, round).flat();

function round(): Code {
  return [
    ...half(V0, V1, 13),
    ...rotated(V0, 32),
    ...half(V2, V3, 16),
    ...half(V0, V3, 21),
    ...half(V2, V1, 17),
    ...rotated(V2, 32),
  ];
}

/** `sum += other; other = (other rotated) ^ sum` */
const half = (sum: number, other: number, by: number): Code => [
  ...[...get(sum), ...get(other), ...I64_ADD, ...set(sum)],
  ...rotated(other, by),
  ...xored(other, get(sum)),
];

const rotated = (v: number, by: number): Code => [...get(v), ...i64(by), ...I64_ROTATE_LEFT, ...set(v)];
const xored = (v: number, value: Code): Code => [...get(v), ...value, ...I64_XOR, ...set(v)];

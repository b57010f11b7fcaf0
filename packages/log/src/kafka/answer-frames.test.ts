import { withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { AnswerFrames } from './answer-frames.ts';

function answerOf(size: number, fill: number): Buffer {
  const answer = Buffer.alloc(4 + size, fill);
  answer.writeInt32BE(size);
  return answer;
}

/** Gives it the bytes as a socket would, at most `most()` of them at a time. Returns the rooms it was given. */
function read(frames: AnswerFrames, bytes: Buffer, most: () => number): number[] {
  const rooms: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const room = frames.room();
    if (room.length === 0) throw new Error('a room of no bytes');
    rooms.push(room.length);
    const count = bytes.copy(room, 0, at, at + Math.max(1, Math.min(most(), room.length)));
    frames.took(count);
    at += count;
  }
  return rooms;
}

test('answers come out whole, wherever they are cut, and stay as they are', () =>
  withSeed('kafka answer frames', async (random) => {
    for (const most of [1, 5, 1000, 16_384, 100_000]) {
      for (let round = 0; round < 10; round++) {
        const sizeMax = most < 1000 ? 3000 : 70_000;
        const sizes = Array.from({ length: 20 }, () => random.below(random.below(2) === 0 ? 10 : sizeMax));
        const answers = sizes.map((size, i) => answerOf(size, i));
        const found: Buffer[] = [];
        read(new AnswerFrames((answer) => found.push(answer)), Buffer.concat(answers), () => random.below(most) + 1);
        expect(found.map(({ length }) => length)).toEqual(answers.map(({ length }) => length));
        expect(Buffer.concat(found).equals(Buffer.concat(answers))).toBe(true);
      }
    }
  }));

test('what follows the beginning of a large answer is read to where it stays', () => {
  const found: Buffer[] = [];
  const size = 1_000_000;
  const rooms = read(new AnswerFrames((answer) => found.push(answer)), answerOf(size, 7), () => Infinity);
  expect(rooms).toEqual([16_384, 4 + size - 16_384]);
  expect(found[0]?.equals(answerOf(size, 7))).toBe(true);
});

test('memory grows with what came, not with what a size says', () => {
  const frames = new AnswerFrames(() => undefined);
  const size = Buffer.from('HTTP/1.1 400 Bad Request\r\n');
  size.copy(frames.room());
  frames.took(size.length);
  expect(frames.room().length).toBe(8 * 1024 * 1024 - size.length);
});

test('an answer larger than its first room gets more', () => {
  const found: Buffer[] = [];
  const answer = answerOf(20 * 1024 * 1024, 3);
  answer[answer.length - 1] = 4;
  read(new AnswerFrames((whole) => found.push(whole)), answer, () => 1_000_000);
  expect(found).toHaveLength(1);
  expect(found[0]?.equals(answer)).toBe(true);
});

test('a size below 0 is refused, behind the answers before it', () => {
  const found: Buffer[] = [];
  const frames = new AnswerFrames((answer) => found.push(answer));
  const bytes = Buffer.concat([answerOf(3, 1), Buffer.from('ffffffff', 'hex')]);
  expect(() => read(frames, bytes, () => Infinity)).toThrow('an answer of -1 bytes');
  expect(found).toEqual([answerOf(3, 1)]);
});

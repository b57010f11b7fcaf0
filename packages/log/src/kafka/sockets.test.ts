import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { plainSockets } from './sockets.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** What a socket says of a server that writes this and goes. */
async function heard(write: (to: Socket) => void): Promise<{ data: Buffer[]; error: Error | undefined }> {
  const serving = createServer(write);
  server = serving;
  await new Promise<void>((resolve) => serving.listen(0, '127.0.0.1', resolve));
  const { port } = serving.address() as { port: number };
  const data: Buffer[] = [];
  let error: Error | undefined;
  const socket = plainSockets({ host: '127.0.0.1', port, ssl: null, onConnect: () => undefined });
  socket.on('data', (answer) => data.push(answer));
  socket.on('error', (failure) => {
    error = failure;
  });
  await new Promise((resolve) => socket.on('close', resolve));
  return { data, error };
}

function answerOf(size: number, fill: number): Buffer {
  const answer = Buffer.alloc(4 + size, fill);
  answer.writeInt32BE(size);
  return answer;
}

test('data are whole answers, however they were written', async () => {
  const answers = [answerOf(5, 1), answerOf(300_000, 2), answerOf(0, 0), answerOf(70, 3)];
  const bytes = Buffer.concat(answers);
  const { data, error } = await heard((to) => {
    to.write(bytes.subarray(0, 7));
    setImmediate(() => {
      to.write(bytes.subarray(7, 200_000));
      setImmediate(() => to.end(bytes.subarray(200_000)));
    });
  });
  expect(error).toBeUndefined();
  expect(data.map(({ length }) => length)).toEqual([9, 300_004, 4, 74]);
  expect(Buffer.concat(data).equals(bytes)).toBe(true);
});

test('a size below 0 ends the connection', async () => {
  const { data, error } = await heard((to) => void to.write(Buffer.concat([answerOf(5, 1), Buffer.alloc(4, 255)])));
  expect(data).toEqual([answerOf(5, 1)]);
  expect(error?.message).toBe('an answer of -1 bytes');
});

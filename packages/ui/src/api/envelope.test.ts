import { expect, test } from 'vitest';
import { openEnvelope } from './envelope.ts';
import { ApiError } from './error.ts';

function refusal(status: number, body: string): { kind: string; status: number; message: string } {
  try {
    openEnvelope(status, body);
  } catch (problem) {
    if (problem instanceof ApiError) return { kind: problem.kind, status: problem.status, message: problem.message };
    throw problem;
  }
  throw new Error('it was opened');
}

test('a good answer gives its data and remarks', () => {
  const body = JSON.stringify({ status: 'success', data: [1], warnings: ['w'], infos: ['i'] });
  expect(openEnvelope(200, body)).toEqual({ data: [1], warnings: ['w'], infos: ['i'] });
});

test('remarks are optional', () => {
  expect(openEnvelope(200, '{"status":"success","data":""}')).toEqual({ data: '', warnings: [], infos: [] });
});

test("a refusal keeps the server's words", () => {
  const body = JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'parse error at 1:3' });
  expect(refusal(400, body)).toEqual({ kind: 'bad_data', status: 400, message: 'parse error at 1:3' });
});

test.each(['', '<html>502</html>', 'null', '[]', '"x"', '{"status":"success"}', '{"status":"maybe","data":1}'])(
  'a foreign body is told with its status: %s',
  (body) =>
    expect(refusal(502, body)).toEqual({
      kind: 'not_prometheus',
      status: 502,
      message: 'unexpected answer (HTTP 502)',
    }),
);

test('an absent endpoint is told as that', () => {
  expect(refusal(404, 'Cannot GET').message).toBe('this server does not answer this part of the API');
});

test('an error without words is still an error', () => {
  expect(refusal(500, '{"status":"error"}')).toEqual({
    kind: 'error',
    status: 500,
    message: 'the server gave no reason',
  });
});

import { expect, test } from 'vitest';
import { refusalText } from './alertmanager.ts';

test.each([
  ['"bad matcher"', 'bad matcher'],
  ['{"code":601,"message":"comment is required"}', 'comment is required'],
  ['{"status":"error","error":"no such path"}', 'no such path'],
  ['plain words\n', 'plain words'],
  ['', 'the server gave no reason'],
  ['<html>502</html>', 'the server gave no reason'],
  ['7', '7'],
])('%s is told as: %s', (body, text) => expect(refusalText(body)).toBe(text));

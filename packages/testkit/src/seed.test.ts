import { afterEach, expect, test, vi } from 'vitest';
import { chooseSeed, rounds, timeLimit, withSeed } from './seed.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function draws(name: string): Promise<number[]> {
  const drawn: number[] = [];
  await withSeed(name, (random) => {
    for (let i = 0; i < 5; i++) drawn.push(random.below(1_000_000));
  });
  return drawn;
}

test('one seed plays one game', async () => {
  vi.stubEnv('SEED', '42');
  expect(await draws('a')).toEqual(await draws('a'));
});

test('two names under one seed play two games', async () => {
  vi.stubEnv('SEED', '42');
  expect(await draws('a')).not.toEqual(await draws('b'));
});

test('without SEED it is the run that has a seed', async () => {
  vi.stubEnv('SEED', '');
  vi.stubEnv('RUN_SEED', '42');
  const ofRun = await draws('a');
  expect(await draws('a')).toEqual(ofRun);
  vi.stubEnv('SEED', '43');
  expect(await draws('a')).not.toEqual(ofRun);
});

test('without any, every run is another', async () => {
  vi.stubEnv('SEED', '');
  vi.stubEnv('RUN_SEED', '');
  expect(await draws('a')).not.toEqual(await draws('a'));
});

test('a failure tells its seed and how to replay it', async () => {
  vi.stubEnv('SEED', '7');
  vi.stubEnv('ROUNDS', '3');
  const failing = withSeed('chunk', () => {
    throw new RangeError('bit 5 differs');
  });
  await expect(failing).rejects.toThrow(RangeError);
  await expect(failing).rejects.toThrow(/^bit 5 differs/);
  await expect(failing).rejects.toThrow('chunk failed with seed 7');
  await expect(failing).rejects.toThrow(/SEED=7 ROUNDS=3 npx vitest run packages\/testkit\/src\/seed\.test\.ts$/m);
});

test('what is thrown without being an error keeps its words', async () => {
  vi.stubEnv('SEED', '7');
  const failing = withSeed('odd', () => Promise.reject('plain words'));
  await expect(failing).rejects.toThrow(/^plain words\n\nodd failed with seed 7/);
});

test.each(['x', '-1', '1.5', '99999999999999999999'])('SEED=%s is refused', (text) => {
  vi.stubEnv('SEED', text);
  expect(() => chooseSeed()).toThrow(`SEED=${text} is no whole number`);
});

test('ROUNDS overrides what a test asks for', () => {
  vi.stubEnv('ROUNDS', '');
  expect(rounds(20)).toBe(20);
  vi.stubEnv('ROUNDS', '3');
  expect(rounds(20)).toBe(3);
});

test('a run of which somebody said how long it is has no time limit', () => {
  for (const variable of ['ROUNDS', 'TO']) vi.stubEnv(variable, '');
  expect(timeLimit(900)).toBe(900);
  vi.stubEnv('TO', '3000');
  expect(timeLimit(900)).toBe(0);
  vi.stubEnv('TO', '');
  vi.stubEnv('ROUNDS', '5');
  expect(timeLimit(900)).toBe(0);
});

import { expect, test } from 'vitest';
import { Receiver, type Silence } from './receiver.ts';

const SILENCE: Silence = { fromMs: 1000, toMs: 2000 };

/** `firing 1, resolved 2`: one alert, each notice with its id, 900 ms apart. */
function toldOf(notices: string): Receiver {
  const receiver = new Receiver();
  for (const [i, notice] of notices.split(', ').entries()) {
    const [status, id] = notice.split(' ') as ['firing' | 'resolved', string];
    receiver.told.push({ id, status, startsAt: 'then', atMs: i * 900 });
  }
  return receiver;
}

const cases: readonly [notices: string, kills: number, silences: readonly Silence[], isRight: boolean][] = [
  ['firing 1, resolved 2', 0, [], true],
  ['firing 1, firing 1, resolved 2, resolved 2', 2, [], true],
  ['firing 1, firing 1, resolved 2', 0, [], false],
  ['firing 1', 0, [], false],
  ['resolved 1', 0, [], false],
  ['firing 1, firing 2, resolved 3', 9, [], false],
  ['firing 1, firing 2, resolved 3', 9, [SILENCE], false],
  ['firing 1, resolved 2, firing 1', 9, [], false],
  ['firing 1, resolved 2, firing 3, resolved 4', 9, [], false],
  ['firing 1, resolved 2, firing 3, resolved 4', 0, [SILENCE], true],
  ['firing 1, resolved 2, firing 3', 9, [SILENCE], false],
  ['firing 1, resolved 2, firing 3, resolved 4, firing 5, resolved 6', 9, [SILENCE], false],
  ['firing 1, resolved 2, firing 3, resolved 4', 0, [{ fromMs: 9000, toMs: 9999 }], false],
];
test.each(cases)('%s; %i kills, silences %j: %j', (notices, kills, silences, isRight) => {
  const check = () => toldOf(notices).expectOnce(kills, silences);
  if (isRight) check();
  else expect(check).toThrow(/notices/);
});

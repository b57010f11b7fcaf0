import { afterAll, beforeAll, describe } from 'vitest';
import { alertsStories } from './alerts-stories.ts';
import { PageUnderTest } from './browser.ts';
import { exploreStories } from './explore-stories.ts';
import { overviewStories } from './overview-stories.ts';
import { statusStories } from './status-stories.ts';
import { targetsStories } from './targets-stories.ts';
import { wholePageStories } from './whole-page-stories.ts';

// What a person sees and can do, view by view, in one browser over one fake server.

const under = new PageUnderTest();

beforeAll(() => under.start(), 120_000);
afterAll(() => under.stop());

describe('overview', () => overviewStories(under));
describe('explore', () => exploreStories(under));
describe('targets', () => targetsStories(under));
describe('alerts', () => alertsStories(under));
describe('status', () => statusStories(under));
describe('everywhere', () => wholePageStories(under));
